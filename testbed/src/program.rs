//! Where the programs under test are.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// Path of `vane`: what `VANE_BIN` names, or the last build's. `vane-up` lies beside it.
///
/// # Errors
///
/// It is not there.
pub fn vane() -> Result<PathBuf, Error> {
    program("VANE_BIN", "vane")
}

/// Path of `vane-operator`: what `VANE_OPERATOR_BIN` names, or the last build's.
///
/// # Errors
///
/// It is not there.
pub fn vane_operator() -> Result<PathBuf, Error> {
    program("VANE_OPERATOR_BIN", "vane-operator")
}

fn program(variable: &str, binary: &'static str) -> Result<PathBuf, Error> {
    let built = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let beside_sources = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
        target.unwrap_or_else(beside_sources).join("debug").join(binary)
    };
    let path = std::env::var_os(variable).map_or_else(built, PathBuf::from);
    if path.is_file() {
        return Ok(path);
    }
    let dir = path.parent().unwrap_or(Path::new("")).to_owned();
    Err(Error::Missing { dir, binary, advice: "run `make build`" })
}
