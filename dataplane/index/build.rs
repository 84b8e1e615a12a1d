//! Compiles the C++ shim against the headers that faiss-sys installed.

use std::error::Error;

/// One job each; all share `vane_faiss.h`.
const SOURCES: [&str; 4] = ["graph.cpp", "graph_file.cpp", "scores.cpp", "machine.cpp"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=shim");
    // faiss-sys declares `links = "faiss_c"` and its cmake build publishes its root.
    let root = std::env::var("DEP_FAISS_C_ROOT")?;
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // FAISS's headers hold inline OpenMP code: both sides must compile it alike.
        // The -m flags of the target features reach both through the cc crate.
        .flag("-fopenmp")
        .flag(format!("-isystem{root}/include"))
        .files(SOURCES.map(|name| format!("shim/{name}")))
        .try_compile("vane_faiss_shim")?;
    Ok(())
}
