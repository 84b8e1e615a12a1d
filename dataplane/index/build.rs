//! Compiles the C++ shim against the headers that faiss-sys installed.

use std::error::Error;

/// `codes` below `search` below `build`; at the top the functions of `vane_faiss.h`.
const SOURCES: [&str; 21] = [
    "build.cpp",
    "build/adopt.cpp",
    "build/builder.cpp",
    "build/copies.cpp",
    "build/draft.cpp",
    "build/faiss_file.cpp",
    "build/reach.cpp",
    "build/steady_writer.cpp",
    "codes/few_bits.cpp",
    "codes/kernels.cpp",
    "codes/quantizer.cpp",
    "codes/rotation.cpp",
    "codes/sample.cpp",
    "format/image.cpp",
    "machine.cpp",
    "open.cpp",
    "scores.cpp",
    "search.cpp",
    "search/scan.cpp",
    "search/walk.cpp",
    "stock.cpp",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=shim");
    // faiss-sys declares `links = "faiss_c"` and its cmake build publishes its root.
    let root = std::env::var("DEP_FAISS_C_ROOT")?;
    // Fused operations round otherwise than one after the other.
    let short_rows =
        shim().flag("-ffp-contract=off").file("shim/short_rows.cpp").try_compile_intermediates()?;
    shim()
        // FAISS's headers hold inline OpenMP code: both sides must compile it alike.
        // The -m flags of the target features reach both through the cc crate.
        .flag("-fopenmp")
        .flag(format!("-isystem{root}/include"))
        .include("shim")
        .files(SOURCES.map(|name| format!("shim/{name}")))
        .objects(short_rows)
        .try_compile("vane_faiss_shim")?;
    Ok(())
}

fn shim() -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17");
    build
}
