//! Where the token comes from.

use std::fs::File;
use std::path::Path;

use tonic::metadata::{Ascii, MetadataValue};

use crate::body::read_text;
use crate::error::Error;

/// Whatever is longer is another file than the one that was meant.
const TOKEN_BYTES_MAX: u64 = 4096;

/// The token, ready to be sent. Its `Debug` does not show it.
#[derive(Debug, Clone)]
pub(crate) struct Token(MetadataValue<Ascii>);

impl Token {
    fn new(text: &str, origin: &str) -> Result<Self, Error> {
        // Files end with a line end, and variables are often filled from files.
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::Usage(format!("{origin} is empty: there is no token in it")));
        }
        let mut value: MetadataValue<Ascii> = format!("Bearer {text}").parse().map_err(|_| {
            Error::Usage(format!("{origin} is no token: it has characters that none can have"))
        })?;
        // Kept out of what is logged about the call.
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// Value of the metadata `authorization`.
    pub(super) fn bearer(&self) -> MetadataValue<Ascii> {
        self.0.clone()
    }
}

/// The token that the flags or else the environment name; `None` when neither does.
/// `environment` reads a variable; an empty one counts as absent.
///
/// # Errors
/// When what is named holds no token, or its file cannot be read.
pub(crate) fn find(
    token: Option<&str>,
    file: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Token>, Error> {
    let variable = |name| environment(name).filter(|value| !value.is_empty());
    // What is said with the call wins over what the environment says.
    if let Some(token) = token {
        return Token::new(token, "--token").map(Some);
    }
    if let Some(file) = file {
        return read(file).map(Some);
    }
    if let Some(token) = variable("VANECTL_TOKEN") {
        return Token::new(&token, "VANECTL_TOKEN").map(Some);
    }
    match variable("VANECTL_TOKEN_FILE") {
        Some(file) => read(Path::new(&file)).map(Some),
        None => Ok(None),
    }
}

fn read(path: &Path) -> Result<Token, Error> {
    let text = File::open(path).and_then(|file| read_text(file, TOKEN_BYTES_MAX));
    let text = text.map_err(|error| {
        Error::Usage(format!("failed to read the token file {}: {error}", path.display()))
    })?;
    Token::new(&text, &format!("the token file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::find;

    fn bearer(
        token: Option<&str>,
        file: Option<&Path>,
        environment: &[(&str, &str)],
    ) -> Option<String> {
        let variable = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let token = find(token, file, variable).unwrap()?;
        Some(token.bearer().to_str().unwrap().to_owned())
    }

    #[test]
    fn flags_win_over_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("admin-token");
        std::fs::write(&file, "from-file\n").unwrap();
        let name = file.to_str().unwrap();
        let both = [("VANECTL_TOKEN", "from-env"), ("VANECTL_TOKEN_FILE", name)];
        assert_eq!(bearer(Some("from-flag"), None, &both).unwrap(), "Bearer from-flag");
        assert_eq!(bearer(None, Some(&file), &both).unwrap(), "Bearer from-file");
        assert_eq!(bearer(None, None, &both).unwrap(), "Bearer from-env");
        assert_eq!(bearer(None, None, &both[1..]).unwrap(), "Bearer from-file");
        assert_eq!(bearer(None, None, &[("VANECTL_TOKEN", "")]), None);
    }

    #[test]
    fn what_is_no_token_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("admin-token");
        let refused = |file: &Path| find(None, Some(file), |_| None).unwrap_err().to_string();
        assert!(refused(&file).contains("admin-token"));
        std::fs::write(&file, "\n").unwrap();
        assert!(refused(&file).contains("is empty"));
        std::fs::write(&file, "x".repeat(5000)).unwrap();
        assert!(refused(&file).contains("longer than 4096 bytes"));
        std::fs::write(&file, "a\nb").unwrap();
        assert!(refused(&file).contains("is no token"));
    }

    #[test]
    fn debug_output_hides_the_token() {
        let token = find(Some("secret"), None, |_| None).unwrap().unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
