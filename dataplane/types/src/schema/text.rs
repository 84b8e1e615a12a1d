//! How a text index makes tokens of texts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::limits::TOKEN_PREFIX_CHARS_MAX;

/// Parameters of a text index. They decide which tokens a text has, and so what conditions on
/// the field mean. Two that make the same tokens of every text are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextParams {
    /// How a text is taken apart.
    pub tokenizer: Tokenizer,
    /// Characters of a token at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_token_len: Option<u64>,
    /// Characters of a token at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_token_len: Option<u64>,
    /// Tokens are in small letters.
    pub lowercase: bool,
    /// Letters with marks count as those without.
    #[serde(skip_serializing_if = "is_false")]
    pub ascii_folding: bool,
    /// Phrases are looked for; without it none is found.
    #[serde(skip_serializing_if = "is_false")]
    pub phrase_matching: bool,
    /// Tokens that are left out.
    #[serde(skip_serializing_if = "Stopwords::is_empty")]
    pub stopwords: Stopwords,
    /// Tokens are cut to their stems, as this language has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stemmer: Option<StemmerLanguage>,
}

impl Default for TextParams {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::Word,
            min_token_len: None,
            max_token_len: None,
            lowercase: true,
            ascii_folding: false,
            phrase_matching: false,
            stopwords: Stopwords::default(),
            stemmer: None,
        }
    }
}

impl TextParams {
    /// Characters of the shortest and of the longest prefix that is a token, of a tokenizer that
    /// makes prefixes.
    pub fn prefix_chars(&self) -> (usize, usize) {
        let longest = TOKEN_PREFIX_CHARS_MAX as u64;
        let limited = |chars: u64| chars.min(longest) as usize;
        let min = self.min_token_len.map_or(1, |min| min.clamp(1, longest + 1) as usize);
        (min, self.max_token_len.map_or(TOKEN_PREFIX_CHARS_MAX, limited))
    }
}

/// How a text is taken apart into tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tokenizer {
    /// At all that is neither letter nor digit.
    Word,
    /// At white space.
    Whitespace,
    /// As words, of which each beginning is a token.
    Prefix,
    /// By the rules of the script that a text is written in.
    Multilingual,
}

/// Words that are no tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stopwords {
    /// Those of these languages.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub languages: BTreeSet<Language>,
    /// These; in small letters where tokens are.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub custom: BTreeSet<String>,
}

impl Stopwords {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.languages.is_empty() && self.custom.is_empty()
    }
}

/// Names languages as the API does: in small letters.
macro_rules! languages {
    ($(#[$doc:meta])* $name:ident: $($language:ident),* $(,)?) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(rename_all = "lowercase")]
        #[allow(missing_docs, reason = "each is what its name says")]
        pub enum $name { $($language),* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$language),*];
        }
    };
}

languages!(
    /// A language with a list of stop words.
    Language:
    Arabic, Azerbaijani, Basque, Bengali, Catalan, Chinese, Danish, Dutch, English, Finnish,
    French, German, Greek, Hebrew, Hinglish, Hungarian, Indonesian, Italian, Japanese, Kazakh,
    Nepali, Norwegian, Portuguese, Romanian, Russian, Slovene, Spanish, Swedish, Tajik, Turkish,
);
languages!(
    /// A language whose words have stems.
    StemmerLanguage:
    Arabic, Armenian, Danish, Dutch, English, Finnish, French, German, Greek, Hungarian, Italian,
    Norwegian, Portuguese, Romanian, Russian, Spanish, Swedish, Tamil, Turkish,
);

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_read_back_and_say_no_more_than_they_must() {
        let params = TextParams::default();
        let json = serde_json::to_string(&params).unwrap();
        assert_eq!(json, r#"{"tokenizer":"word","lowercase":true}"#);
        let params = TextParams {
            tokenizer: Tokenizer::Prefix,
            min_token_len: Some(2),
            max_token_len: Some(7),
            lowercase: false,
            ascii_folding: true,
            phrase_matching: true,
            stopwords: Stopwords {
                languages: [Language::English, Language::Hinglish].into(),
                custom: ["x".to_owned()].into(),
            },
            stemmer: Some(StemmerLanguage::Armenian),
        };
        let json = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<TextParams>(&json).unwrap(), params);
        assert!(serde_json::from_str::<TextParams>(r#"{"scoring":true}"#).is_err());
    }

    #[test]
    fn prefixes_have_an_end() {
        let of = |min, max| {
            let (min_token_len, max_token_len) = (min, max);
            TextParams { min_token_len, max_token_len, ..TextParams::default() }.prefix_chars()
        };
        assert_eq!(of(None, None), (1, TOKEN_PREFIX_CHARS_MAX));
        assert_eq!(of(Some(0), Some(3)), (1, 3));
        assert_eq!(of(Some(u64::MAX), Some(u64::MAX)).1, TOKEN_PREFIX_CHARS_MAX);
    }
}
