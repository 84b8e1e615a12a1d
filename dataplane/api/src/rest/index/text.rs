//! Parameters of text indexes: as requests give them, and as answers show them.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use vane_types::schema::text::{Language, StemmerLanguage, Stopwords, TextParams, Tokenizer};

use crate::error::{Error, Kind};

/// The parameters that decide which tokens a text has.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    tokenizer: Option<Tokenizer>,
    min_token_len: Option<u64>,
    max_token_len: Option<u64>,
    lowercase: Option<bool>,
    ascii_folding: Option<bool>,
    phrase_matching: Option<bool>,
    stopwords: Option<Value>,
    stemmer: Option<Stemmer>,
}

/// Their names, but for the one that an index alone keeps.
const KEPT: [&str; 7] = [
    "tokenizer",
    "min_token_len",
    "max_token_len",
    "lowercase",
    "ascii_folding",
    "phrase_matching",
    "stemmer",
];
const STOPWORDS: &str = "stopwords";

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StopwordsSet {
    languages: Option<Vec<Language>>,
    custom: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Stemmer {
    Snowball { language: StemmerLanguage },
    None {},
}

/// The parameters among the options of an index, which lose what the index itself keeps.
///
/// # Errors
///
/// [`Kind::Malformed`] where one is none of its values, [`Kind::Unsupported`] for what this
/// version does not have.
pub(in crate::rest) fn params(options: &mut Map<String, Value>) -> Result<TextParams, Error> {
    let names = KEPT.into_iter().chain([STOPWORDS]);
    let given: Map<String, Value> =
        names.filter_map(|name| Some((name.to_owned(), options.get(name)?.clone()))).collect();
    options.remove(STOPWORDS);
    let malformed = |error| Error::new(Kind::Malformed, "field_schema", error);
    let given = Given::deserialize(Value::from(given)).map_err(malformed)?;
    let lowercase = given.lowercase.unwrap_or(true);
    Ok(TextParams {
        tokenizer: given.tokenizer.unwrap_or(Tokenizer::Word),
        min_token_len: given.min_token_len,
        max_token_len: given.max_token_len,
        lowercase,
        ascii_folding: given.ascii_folding.unwrap_or_default(),
        phrase_matching: given.phrase_matching.unwrap_or_default(),
        stopwords: stopwords(given.stopwords, lowercase)
            .map_err(|error| Error::new(Kind::Malformed, "field_schema.stopwords", error))?,
        stemmer: given.stemmer.and_then(|stemmer| match stemmer {
            Stemmer::Snowball { language } => Some(language),
            Stemmer::None {} => None,
        }),
    })
}

/// A language alone, or languages and words of one's own.
fn stopwords(given: Option<Value>, lowercase: bool) -> Result<Stopwords, serde_json::Error> {
    let set = match given {
        None => StopwordsSet::default(),
        Some(name @ Value::String(_)) => {
            let languages = Some(vec![Language::deserialize(name)?]);
            StopwordsSet { languages, custom: None }
        }
        Some(set) => StopwordsSet::deserialize(set)?,
    };
    let as_tokens = |word: String| if lowercase { word.to_lowercase() } else { word };
    Ok(Stopwords {
        languages: set.languages.into_iter().flatten().collect(),
        custom: set.custom.into_iter().flatten().map(as_tokens).collect(),
    })
}

/// Whether an option is one of those that decide which tokens a text has.
pub(in crate::rest) fn is_param(option: &str) -> bool {
    option == STOPWORDS || KEPT.contains(&option)
}

/// The options of a text index as an answer shows them: those that were given, of which the index
/// itself keeps part; all that are not as they are by default where nothing else is known.
pub(crate) fn shown(params: &TextParams, given: Option<&Map<String, Value>>) -> Map<String, Value> {
    let TextParams {
        tokenizer,
        min_token_len,
        max_token_len,
        lowercase,
        ascii_folding,
        phrase_matching,
        stopwords,
        stemmer,
    } = params;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        shown.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("tokenizer", Some(json!(tokenizer)));
    put(STOPWORDS, shown_stopwords(stopwords));
    match given {
        Some(given) => given.iter().for_each(|(name, value)| put(name, Some(value.clone()))),
        None => {
            put("min_token_len", min_token_len.map(Value::from));
            put("max_token_len", max_token_len.map(Value::from));
            put("lowercase", (!lowercase).then_some(false.into()));
            put("ascii_folding", ascii_folding.then_some(true.into()));
            put("phrase_matching", phrase_matching.then_some(true.into()));
            let stemmer = stemmer.map(|of| json!({ "type": "snowball", "language": of }));
            put("stemmer", stemmer);
        }
    }
    shown
}

fn shown_stopwords(stopwords: &Stopwords) -> Option<Value> {
    let Stopwords { languages, custom } = stopwords;
    match languages.first() {
        None if custom.is_empty() => None,
        Some(alone) if custom.is_empty() && languages.len() == 1 => Some(json!(alone)),
        _ => Some(json!({ "languages": languages, "custom": custom })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: Value) -> (TextParams, Value) {
        let mut options = options.as_object().unwrap().clone();
        let params = params(&mut options).unwrap();
        (params, options.into())
    }

    #[test]
    fn parameters_are_read_and_shown_as_they_were_given() {
        for given in [
            json!({"tokenizer": "multilingual", "min_token_len": 2, "max_token_len": 20}),
            json!({"tokenizer": "word", "lowercase": true, "stopwords": "english"}),
            json!({"tokenizer": "prefix", "on_disk": true, "memory": "cold"}),
            json!({"tokenizer": "word", "stemmer": {"type": "snowball", "language": "armenian"},
                "stopwords": {"languages": ["english", "german"], "custom": ["x"]}}),
            json!({"tokenizer": "whitespace", "stemmer": {"type": "none"}, "lowercase": false,
                "ascii_folding": true, "phrase_matching": true}),
        ] {
            let (params, kept) = read(given.clone());
            assert!(kept.get(STOPWORDS).is_none());
            assert_eq!(Value::from(shown(&params, kept.as_object())), given);
        }
        let (params, _) = read(json!({"lowercase": false, "ascii_folding": true,
            "stemmer": {"type": "snowball", "language": "english"}, "max_token_len": 9}));
        let again = read(shown(&params, None).into()).0;
        assert_eq!(again, params);
    }

    #[test]
    fn words_of_ones_own_are_as_tokens_are() {
        let custom = |lowercase: bool| {
            let given = json!({"lowercase": lowercase, "stopwords": {"custom": ["The", "the"]}});
            read(given).0.stopwords.custom.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(custom(true), ["the"]);
        assert_eq!(custom(false), ["The", "the"]);
    }
}
