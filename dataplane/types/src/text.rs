//! Texts of bounded length: what clients made up is in many of them.

/// Bytes of a text that travels as a header: escaped it is three times as long, and readers take
/// 16 KB of headers in all.
pub const HEADER_BYTES_MAX: usize = 4000;

/// Cuts a text to at most so many bytes, between two characters.
pub fn shorten(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_between_two_characters() {
        let cut = |text: &str, bytes_max| {
            let mut text = text.to_owned();
            shorten(&mut text, bytes_max);
            text
        };
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("short", 4), "shor");
        assert_eq!(cut("aäö", 4), "aä");
        assert_eq!(cut("ä", 1), "");
    }
}
