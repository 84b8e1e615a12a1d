//! Writes the definitions' YAML: `vane-crds DIR`, or one document after the other to the
//! standard output.

use std::io::Write;
use std::path::Path;

use vane_crds::definitions;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1);
    for (file, definition) in definitions::all() {
        let yaml = definitions::yaml(&definition)?;
        match &dir {
            Some(dir) => std::fs::write(Path::new(dir).join(file), yaml)?,
            None => write!(std::io::stdout(), "---\n{yaml}")?,
        }
    }
    Ok(())
}
