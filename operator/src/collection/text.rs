//! How text indexes take texts apart, as the database shows it.

use serde_json::{Value, json};
use vane_crds::collection::{Stopwords, TextIndex, Tokenizer};

/// The parameters that are declared, without what is so by default.
pub(super) fn parameters(declared: &TextIndex) -> Value {
    let TextIndex { tokenizer, min_token_len, max_token_len, stopwords, stemmer, .. } = declared;
    let TextIndex { lowercase, ascii_folding, phrase_matching, .. } = declared;
    let mut text = json!({ "tokenizer": token(*tokenizer) });
    for (name, length) in [("min_token_len", min_token_len), ("max_token_len", max_token_len)] {
        if let Some(length) = length {
            text[name] = (*length).into();
        }
    }
    for (name, flag) in [("ascii_folding", ascii_folding), ("phrase_matching", phrase_matching)] {
        if *flag == Some(true) {
            text[name] = true.into();
        }
    }
    if *lowercase == Some(false) {
        text["lowercase"] = false.into();
    }
    if let Some(Stopwords { languages, custom }) = stopwords {
        let custom = custom.iter().map(|word| match lowercase {
            Some(false) => word.clone(),
            _ => word.to_lowercase(),
        });
        let custom: Vec<String> = custom.collect();
        match languages.as_slice() {
            [] if custom.is_empty() => {}
            [alone] if custom.is_empty() => text["stopwords"] = alone.clone().into(),
            _ => text["stopwords"] = json!({ "languages": languages, "custom": custom }),
        }
    }
    if let Some(language) = stemmer {
        text["stemmer"] = json!({ "type": "snowball", "language": language });
    }
    text
}

fn token(tokenizer: Option<Tokenizer>) -> &'static str {
    match tokenizer {
        None | Some(Tokenizer::Word) => "word",
        Some(Tokenizer::Whitespace) => "whitespace",
        Some(Tokenizer::Prefix) => "prefix",
        Some(Tokenizer::Multilingual) => "multilingual",
    }
}

/// Whether two texts are taken apart alike. The order of words that do not count has no meaning.
pub(super) fn is_same_text(declared: &Value, there: &Value) -> bool {
    let sorted = |text: &Value| {
        let mut text = text.clone();
        for list in ["languages", "custom"] {
            if let Some(Value::Array(words)) = text.pointer_mut(&format!("/stopwords/{list}")) {
                words.sort_by_key(|word| word.to_string());
                words.dedup();
            }
        }
        text
    };
    sorted(declared) == sorted(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: Value) -> Value {
        parameters(&serde_json::from_value(text).expect("a text index"))
    }

    #[test]
    fn what_is_so_by_default_is_left_out() {
        assert_eq!(declared(json!({})), json!({"tokenizer": "word"}));
        let defaults = json!({"tokenizer": "Word", "lowercase": true, "asciiFolding": false,
            "phraseMatching": false, "stopwords": {}});
        assert_eq!(declared(defaults), json!({"tokenizer": "word"}));
        let all = json!({"tokenizer": "Prefix", "minTokenLen": 2, "maxTokenLen": 20,
            "lowercase": false, "asciiFolding": true, "phraseMatching": true,
            "stopwords": {"languages": ["english"]}, "stemmer": "german"});
        let shown = json!({"tokenizer": "prefix", "min_token_len": 2, "max_token_len": 20,
            "lowercase": false, "ascii_folding": true, "phrase_matching": true,
            "stopwords": "english", "stemmer": {"type": "snowball", "language": "german"}});
        assert_eq!(declared(all), shown);
    }

    #[test]
    fn words_that_do_not_count_have_no_order() {
        let declared = declared(
            json!({"stopwords": {"languages": ["german", "english"], "custom": ["B", "a"]}}),
        );
        let there = |custom: Value| {
            json!({"tokenizer": "word",
                "stopwords": {"languages": ["english", "german"], "custom": custom}})
        };
        assert!(is_same_text(&declared, &there(json!(["a", "b"]))));
        assert!(!is_same_text(&declared, &there(json!(["a"]))));
    }
}
