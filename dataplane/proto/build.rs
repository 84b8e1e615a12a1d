//! Generates the Rust side of `proto/*.proto`.

/// Messages that `vanectl -o json` shows under the names of their fields.
const SHOWN: [&str; 8] = [
    "Cluster",
    "Collection",
    "CollectionMemory",
    "MeasuredRecall",
    "Node",
    "NodeMemory",
    "Safety",
    "Shard",
];
/// Fields of these that it shows in a form of its own, or not at all.
const LEFT_OUT: [&str; 8] = [
    "Cluster.meta",
    "Collection.config",
    "Collection.payload_indexes",
    "Collection.text_indexes",
    "Collection.recall",
    "Shard.group",
    "Shard.moves",
    "Shard.target",
];

fn main() -> std::io::Result<()> {
    let mut builder = tonic_prost_build::configure();
    for message in SHOWN {
        let path = format!(".vane.admin.v1.{message}");
        builder = builder.type_attribute(path, "#[derive(serde::Serialize)]");
    }
    for field in LEFT_OUT {
        builder = builder.field_attribute(format!(".vane.admin.v1.{field}"), "#[serde(skip)]");
    }
    builder.compile_protos(&["proto/admin.proto", "proto/peer.proto"], &["proto"])
}
