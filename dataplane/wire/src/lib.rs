//! The messages and services of Qdrant's gRPC, as generated from `proto/*.proto`.
//!
//! Owns the wire form and nothing else: what a message means is in `vane-api`, who answers it in
//! `vane-server`. The numbers and names of fields are Qdrant's; they are never changed here.

mod codec;
mod weight;

pub use codec::Codec;

/// What the files define, as reflection tells it.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/qdrant.bin"));

/// Messages and services.
#[allow(
    clippy::all,
    clippy::wildcard_imports,
    unreachable_pub,
    missing_docs,
    unused_qualifications,
    reason = "generated"
)]
pub mod qdrant {
    tonic::include_proto!("qdrant");
}

/// Paths of all methods, as requests have them: `/qdrant.Points/Upsert`.
pub fn methods() -> Vec<String> {
    use prost::Message;
    // The bytes were written by this crate's own build.
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    let of_file = |file: prost_types::FileDescriptorProto| {
        let package = file.package().to_owned();
        file.service.into_iter().flat_map(move |service| {
            let service_name = format!("{package}.{}", service.name());
            let path = move |method: prost_types::MethodDescriptorProto| {
                format!("/{service_name}/{}", method.name())
            };
            service.method.into_iter().map(path)
        })
    };
    set.file.into_iter().flat_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_method_has_its_path() {
        let methods = super::methods();
        assert_eq!(methods.len(), 45);
        assert!(methods.iter().any(|path| path == "/qdrant.Points/Upsert"), "{methods:?}");
    }
}
