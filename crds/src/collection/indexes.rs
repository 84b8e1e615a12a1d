//! The payload indexes of a collection.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::limits::PAYLOAD_FIELD_CHARS_MAX;

/// An index over a field of the payload.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.text) || self.type == 'Text'")
        .message("is for indexes of type Text")
        .field_path(".text")
)]
pub struct PayloadIndex {
    /// Path of the field: `section`, `author.name`.
    #[schemars(length(min = 1, max = PAYLOAD_FIELD_CHARS_MAX))]
    pub field: String,
    /// What the field holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// How texts are taken apart; only of type `Text`.
    pub text: Option<TextIndex>,
    /// Whether the value is a point's tenant. Rows of one tenant then lie together, and a search
    /// with a filter on it reads one run of them.
    pub tenant: Option<bool>,
}

/// What a payload field holds.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldType {
    /// Words that match as a whole.
    Keyword,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Float,
    /// True or false.
    Bool,
    /// Places on earth.
    Geo,
    /// Points in time.
    Datetime,
    /// UUIDs.
    Uuid,
    /// Texts that are searched for words.
    Text,
}

/// How texts are taken apart. What is left out is as the database has it.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextIndex {
    /// What a token is; `Word` where it is left out.
    pub tokenizer: Option<Tokenizer>,
    /// Characters of a token at least.
    #[schemars(range(min = 0, max = 1024))]
    pub min_token_len: Option<i64>,
    /// Characters of a token at most.
    #[schemars(range(min = 0, max = 1024))]
    pub max_token_len: Option<i64>,
    /// Whether small and capital letters are the same, as they are where it is left out.
    pub lowercase: Option<bool>,
    /// Whether letters with marks count as those without.
    pub ascii_folding: Option<bool>,
    /// Whether phrases can be looked for; it takes more room.
    pub phrase_matching: Option<bool>,
    /// Words that do not count.
    pub stopwords: Option<Stopwords>,
    /// Language by which words are cut to their stems: `english`.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[a-z]+$"))]
    pub stemmer: Option<String>,
}

/// What a token is.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tokenizer {
    /// A run of letters and digits.
    Word,
    /// What stands between white space.
    Whitespace,
    /// Every beginning of a word.
    Prefix,
    /// A word of whichever script.
    Multilingual,
}

/// Words that do not count.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopwords {
    /// Those of these languages: `english`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 32), regex(pattern = "^[a-z]+$")))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub languages: Vec<String>,
    /// And these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024), inner(length(min = 1, max = 64)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub custom: Vec<String>,
}
