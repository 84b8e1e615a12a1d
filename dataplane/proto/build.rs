//! Generates the Rust side of `proto/*.proto`.

fn main() -> std::io::Result<()> {
    tonic_prost_build::configure()
        .compile_protos(&["proto/admin.proto", "proto/peer.proto"], &["proto"])
}
