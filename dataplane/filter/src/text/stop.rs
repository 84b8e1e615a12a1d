//! Which tokens are stop words.

use std::collections::HashSet;
use std::sync::OnceLock;

use vane_types::schema::text::{Language, TextParams};

use super::languages::stopwords;

/// Stop words of all languages, in the order of [`Language`]; read when one is asked for.
static WORDS: [OnceLock<Words>; Language::ALL.len()] =
    [const { OnceLock::new() }; Language::ALL.len()];

/// Stop words of one language.
struct Words {
    as_listed: HashSet<&'static str>,
    /// In small letters.
    small: HashSet<String>,
}

/// Whether a token is left out. Where tokens are in small letters, stop words are too.
pub(super) fn is_stopword(params: &TextParams, token: &str) -> bool {
    let stopwords = &params.stopwords;
    stopwords.custom.contains(token)
        || stopwords.languages.iter().any(|language| {
            let words = words(*language);
            match params.lowercase {
                true => words.small.contains(token),
                false => words.as_listed.contains(token),
            }
        })
}

fn words(language: Language) -> &'static Words {
    WORDS[language as usize].get_or_init(|| {
        let list = stopwords(language).iter();
        Words {
            as_listed: list.clone().copied().collect(),
            small: list.map(|word| word.to_lowercase()).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_types::schema::text::Stopwords;

    #[test]
    fn lists_and_words_of_ones_own_count_together() {
        let stopwords = Stopwords {
            languages: [Language::English, Language::German].into(),
            custom: ["qdrant".to_owned()].into(),
        };
        let mut params = TextParams { stopwords, ..TextParams::default() };
        let is = |params: &TextParams, word| is_stopword(params, word);
        for word in ["the", "und", "qdrant", "mustn't"] {
            assert!(is(&params, word), "{word}");
        }
        assert!(!is(&params, "hello") && !is(&params, "et"));
        params.lowercase = false;
        assert!(is(&params, "the") && !is(&params, "The"));
    }
}
