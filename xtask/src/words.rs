//! What is counted of words: `it`, comments in bodies, lines too wide to read side by side.

use std::sync::LazyLock;

use regex::Regex;

/// Columns of a line.
const COLUMNS_MAX: usize = 100;

static IT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bit\b").expect("the pattern is constant"));
static COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"//[^\n]*").expect("the pattern is constant"));
static BODY_COMMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^ +//[^/!]").expect("the pattern is constant"));

/// Counts of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) lines: usize,
    /// Times that `it` stands outside comments.
    pub(crate) it_words: usize,
    /// Lines of comments inside bodies, which should say why.
    pub(crate) body_comments: usize,
    /// Lines of more than [`COLUMNS_MAX`] characters.
    pub(crate) wide_lines: usize,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        Self {
            lines: text.matches('\n').count(),
            it_words: IT.find_iter(&without_comments(text)).count(),
            body_comments: BODY_COMMENT.find_iter(text).count(),
            // Characters and not bytes, as people count columns.
            wide_lines: text.lines().filter(|line| line.chars().count() > COLUMNS_MAX).count(),
        }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        Self {
            lines: self.lines + other.lines,
            it_words: self.it_words + other.it_words,
            body_comments: self.body_comments + other.body_comments,
            wide_lines: self.wide_lines + other.wide_lines,
        }
    }

    /// Times that `it` stands in 1,000 lines, rounded up.
    pub(crate) fn it_per_1000_lines(&self) -> usize {
        (self.it_words * 1000).div_ceil(self.lines.max(1))
    }
}

pub(crate) fn without_comments(text: &str) -> std::borrow::Cow<'_, str> {
    COMMENT.replace_all(text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_outside_comments() {
        let text = "/// it
fn f() {
    // why it is so
    list.map(|it| it.id); // it
    items();
}
";
        let wide = format!("{}\n", "ä".repeat(COLUMNS_MAX + 1));
        assert_eq!(
            Words::of(&(text.to_owned() + &wide)),
            Words { lines: 7, it_words: 2, body_comments: 1, wide_lines: 1 }
        );
        assert_eq!(Words { lines: 999, it_words: 10, ..Words::default() }.it_per_1000_lines(), 11);
    }
}
