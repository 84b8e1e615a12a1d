//! Cases that are tried each time: what once broke something, and what looks as if it might.
//!
//! A case is a file below `corpus/`, in the folder of its door: a line that says where it goes,
//! then what goes there. A file whose name ends in `.hex` has it in hexadecimal.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its file.
    pub path: PathBuf,
    /// Where it goes.
    pub place: String,
    /// What goes there.
    pub content: Vec<u8>,
}

/// The cases of one door, by name.
///
/// # Errors
/// A file that cannot be read.
pub fn cases(door: &str) -> Result<Vec<Case>, Failure> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(door);
    let failed = |error: &dyn std::fmt::Display| Failure::of(&dir.display().to_string(), error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(&dir).map_err(|error| failed(&error))? {
        paths.push(entry.map_err(|error| failed(&error))?.path());
    }
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<Case, Failure> {
    let name = path.display().to_string();
    let bytes = fs::read(&path).map_err(|error| Failure::of(&name, error))?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let place = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let content = bytes.get(end + 1..).unwrap_or_default().to_vec();
    let content = match name.ends_with(".hex") {
        true => from_hex(&content).ok_or_else(|| Failure::of(&name, "is not hexadecimal"))?,
        false => content,
    };
    Ok(Case { path, place, content })
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}
