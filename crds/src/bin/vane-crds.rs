//! Writes what is made from the types: `vane-crds DIR PAGE` the definitions' YAML into a folder
//! and the reference into a file; without arguments the YAML goes to the standard output.

use std::io::Write;
use std::path::Path;

use vane_crds::{definitions, reference};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (dir, page) = (arguments.next(), arguments.next());
    for (file, definition) in definitions::all() {
        let yaml = definitions::yaml(&definition)?;
        match &dir {
            Some(dir) => std::fs::write(Path::new(dir).join(file), yaml)?,
            // Without a folder: one after the other, as `kubectl apply -f -` reads them.
            None => write!(std::io::stdout(), "---\n{yaml}")?,
        }
    }
    if let Some(page) = page {
        let definitions = definitions::all().map(|(_, definition)| definition);
        std::fs::write(page, reference::markdown(&definitions))?;
    }
    Ok(())
}
