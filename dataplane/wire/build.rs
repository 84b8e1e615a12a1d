//! Generates the Rust side of `proto/*.proto`.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=proto");
    // For reflection, and for the names of all methods.
    let set = PathBuf::from(std::env::var("OUT_DIR").unwrap_or_default()).join("qdrant.bin");
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::Codec")
        .file_descriptor_set_path(set)
        .compile_with_config(config, &["proto/qdrant.proto"], &["proto"])
}
