//! What a collection, an alias or a vector may be called.

use crate::limits::{COLLECTION_NAME_CHARS_MAX, VECTOR_NAME_CHARS_MAX};

/// Characters that cannot stand in a file name, a URL segment or a label.
const FORBIDDEN: [char; 11] = ['<', '>', ':', '"', '/', '\\', '|', '?', '*', '\0', '\u{1F}'];

/// Checks a collection or alias name; the message says which rule it breaks.
pub fn check_collection_name(name: &str) -> Result<(), String> {
    check(name, COLLECTION_NAME_CHARS_MAX, "collection name")
}

/// Checks a vector name; the empty name is the unnamed vector and always fine.
pub fn check_vector_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Ok(());
    }
    check(name, VECTOR_NAME_CHARS_MAX, "vector name")
}

fn check(name: &str, chars_max: usize, what: &str) -> Result<(), String> {
    let chars = name.chars().count();
    if chars == 0 || chars > chars_max {
        return Err(format!("{what} must be from 1 to {chars_max} characters, it has {chars}"));
    }
    if name == "." || name == ".." {
        return Err(format!("{what} cannot be \"{name}\""));
    }
    match name.chars().find(|c| FORBIDDEN.contains(c) || c.is_control()) {
        Some(c) => Err(format!("{what} cannot contain {c:?}")),
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
