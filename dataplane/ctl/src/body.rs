//! `--body`: JSON on the command line, in a file, or on stdin.

use std::fs::File;
use std::io::{self, Read};

use crate::error::Error;

/// The interface takes no longer message.
const BYTES_MAX: u64 = 4 << 20;

/// The JSON text that the flag stands for. It is checked to be an object; what is in it,
/// the cluster judges.
pub(crate) fn read(flag: &str) -> Result<String, Error> {
    let (origin, name, text) = match flag.strip_prefix('@') {
        None => ("--body".to_owned(), "--body", Ok(flag.to_owned())),
        Some("-") => ("the body on stdin".to_owned(), "stdin", read_text(io::stdin(), BYTES_MAX)),
        Some(path) => {
            let text = File::open(path).and_then(|file| read_text(file, BYTES_MAX));
            (format!("the body in {path}"), path, text)
        }
    };
    let text = text
        .map_err(|error| Error::Usage(format!("failed to read the body from {name}: {error}")))?;
    // Checked here, where the message can name the file and the place in it.
    let why = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if value.is_object() => return Ok(text),
        Ok(_) => "a JSON object".to_owned(),
        Err(error) => format!("JSON: {error}"),
    };
    Err(Error::Usage(format!("{origin} is not {why}; write {{...}} or @FILE")))
}

/// A text of at most so many bytes: the source may be a device, which never ends.
pub(crate) fn read_text(source: impl Read, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    // One byte more than allowed tells a text that is too long from one that just fits.
    source.take(bytes_max + 1).read_to_string(&mut text)?;
    match text.len() as u64 > bytes_max {
        true => Err(io::Error::other(format!("it is longer than {bytes_max} bytes"))),
        false => Ok(text),
    }
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
