//! `--body`: JSON on the command line, in a file, or on stdin.

use std::fs::File;
use std::io::{self, Read};

use crate::error::Error;

/// The interface takes no longer message.
const BODY_BYTES_MAX: u64 = 4 << 20;

/// The JSON text that the flag stands for. It is checked to be an object; what is in it,
/// the cluster judges.
pub(crate) fn read(flag: &str) -> Result<String, Error> {
    let (origin, text) = match flag.strip_prefix('@') {
        None => ("--body".to_owned(), flag.to_owned()),
        Some("-") => ("the body on stdin".to_owned(), read_all("stdin", io::stdin())?),
        Some(path) => {
            let file = File::open(path).map_err(|error| failed(path, &error))?;
            (format!("the body in {path}"), read_all(path, file)?)
        }
    };
    // Checked here, where the message can name the file and the place in it.
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if value.is_object() => Ok(text),
        Ok(_) => {
            Err(Error::Usage(format!("{origin} is not a JSON object; write {{...}} or @FILE")))
        }
        Err(error) => {
            Err(Error::Usage(format!("{origin} is not JSON: {error}; write {{...}} or @FILE")))
        }
    }
}

fn read_all(name: &str, source: impl Read) -> Result<String, Error> {
    let mut text = String::new();
    source
        // One byte more than allowed tells a body that is too long from one that just fits.
        .take(BODY_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| failed(name, &error))?;
    if text.len() as u64 > BODY_BYTES_MAX {
        return Err(failed(name, &format_args!("it is longer than {BODY_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn failed(name: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::Usage(format!("failed to read the body from {name}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_body_is_text_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("docs.json");
        std::fs::write(&file, "{\"shard_number\": 2}\n").unwrap();
        assert_eq!(read("{}").unwrap(), "{}");
        assert_eq!(read(&format!("@{}", file.display())).unwrap(), "{\"shard_number\": 2}\n");
    }

    #[test]
    fn what_is_no_object_is_refused_by_name() {
        assert!(read("@/no/such").unwrap_err().to_string().contains("/no/such"));
        assert!(read("{").unwrap_err().to_string().starts_with("--body is not JSON"));
        assert!(read("[]").unwrap_err().to_string().starts_with("--body is not a JSON object"));
    }
}
