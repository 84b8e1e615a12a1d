//! What a collection, an alias or a vector may be called.

use thiserror::Error;

use crate::limits::{COLLECTION_NAME_CHARS_MAX, VECTOR_NAME_CHARS_MAX};

/// Characters that cannot stand in a file name, a URL segment or a label.
const FORBIDDEN: [char; 11] = ['<', '>', ':', '"', '/', '\\', '|', '?', '*', '\0', '\u{1F}'];

/// A name that breaks a rule. Nothing was done with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Too long, or empty where a name is needed.
    #[error("{what} must be from 1 to {chars_max} characters, it has {chars}")]
    Length {
        /// What the name is for.
        what: &'static str,
        /// Characters of the name.
        chars: usize,
        /// The most that it may have.
        chars_max: usize,
    },
    /// A dot or two, which a path takes for a directory.
    #[error("{what} cannot be \"{name}\"")]
    Reserved {
        /// What the name is for.
        what: &'static str,
        /// The name as it was given.
        name: String,
    },
    /// A character that cannot stand in a file name, a URL segment or a label.
    #[error("{what} cannot contain {character:?}")]
    Forbidden {
        /// What the name is for.
        what: &'static str,
        /// The first such character.
        character: char,
    },
}

/// Checks a collection or alias name.
///
/// # Errors
/// [`InvalidName`] with the first rule that it breaks.
pub fn check_collection_name(name: &str) -> Result<(), InvalidName> {
    check(name, COLLECTION_NAME_CHARS_MAX, "collection name")
}

/// Checks a vector name; the empty name is the unnamed vector and always fine.
///
/// # Errors
/// [`InvalidName`] with the first rule that it breaks.
pub fn check_vector_name(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Ok(());
    }
    check(name, VECTOR_NAME_CHARS_MAX, "vector name")
}

fn check(name: &str, chars_max: usize, what: &'static str) -> Result<(), InvalidName> {
    // Characters, not bytes: the limit is the same in every script.
    let chars = name.chars().count();
    if chars == 0 || chars > chars_max {
        return Err(InvalidName::Length { what, chars, chars_max });
    }
    if name == "." || name == ".." {
        return Err(InvalidName::Reserved { what, name: name.to_owned() });
    }
    match name.chars().find(|c| FORBIDDEN.contains(c) || c.is_control()) {
        Some(character) => Err(InvalidName::Forbidden { what, character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_fit_a_url_segment_pass() {
        for good in ["a", "Ünï", "a b.c-d_e", &"x".repeat(255)] {
            assert!(check_collection_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "..", "a\\b", "a\0", "a\nb", "a?b", &"x".repeat(256)] {
            assert!(check_collection_name(bad).is_err(), "{bad:?}");
        }
    }
}
