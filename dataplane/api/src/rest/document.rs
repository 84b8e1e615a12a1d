//! Texts in place of vectors, for BM25: the one model that is a formula, so that no service is
//! asked. Others are refused.

use serde::Deserialize;
use serde_json::{Map, Value};
use vane_filter::Bm25;
use vane_types::schema::text::{Language, StemmerLanguage, Stopwords, TextParams};
use vane_types::{SparseVector, Vector};

use super::NOT_SUPPORTED;
use super::index::text;

/// Names of the model, in any case.
const MODELS: [&str; 2] = ["qdrant/bm25", "bm25"];
/// No stop words, and no stems.
const NO_LANGUAGE: &str = "none";

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextAs {
    /// Numbers of a point: how much each token says of it.
    Stored,
    /// Numbers of a query: each token counts once.
    Sought,
}

/// `{"text": …, "model": …, "options": …}`.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) model: String,
    pub(super) options: Option<Map<String, Value>>,
}

/// Options of the formula itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Weights {
    k: Option<f64>,
    b: Option<f64>,
    avg_len: Option<f64>,
    language: Option<Value>,
}

impl Document {
    /// The sparse vector of the text.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: another model, or an option that is none.
    pub(super) fn into_vector(self, text_as: TextAs) -> Result<Vector, String> {
        let Self { text, model, options } = self;
        if !MODELS.iter().any(|known| known.eq_ignore_ascii_case(&model)) {
            return Err(format!("inference by the model `{model}` {NOT_SUPPORTED}"));
        }
        let bm25 = formula(options.unwrap_or_default())?;
        let numbers = match text_as {
            TextAs::Stored => bm25.document(&text),
            TextAs::Sought => bm25.query(&text),
        };
        let (indices, values) = numbers.into_iter().unzip();
        SparseVector::new(indices, values).map(Vector::from).map_err(|error| error.to_string())
    }
}

fn formula(mut options: Map<String, Value>) -> Result<Bm25, String> {
    // Clients send what nobody set.
    options.retain(|_, value| !value.is_null());
    let (stopwords, stemmer) = (options.get("stopwords"), options.get("stemmer"));
    let (has_stopwords, has_stemmer) = (stopwords.is_some(), stemmer.is_some());
    let mut params =
        text::params(&mut options).map_err(|error| format!("options: {}", error.detail))?;
    options.retain(|name, _| !text::is_param(name));
    let malformed = |error| format!("options: {error}");
    let Weights { k, b, avg_len, language } =
        Weights::deserialize(Value::from(options)).map_err(malformed)?;
    if language.as_ref().is_none_or(|language| *language != NO_LANGUAGE) {
        let (words, stems) = of_language(language).map_err(malformed)?;
        if !has_stopwords {
            params.stopwords = words;
        }
        if !has_stemmer {
            params.stemmer = stems;
        }
    }
    let known = Bm25::default();
    let (k, b) = (k.unwrap_or(known.k), b.unwrap_or(known.b));
    let avg_len = avg_len.unwrap_or(known.avg_len);
    if k < 0.0 || !(0.0..=1.0).contains(&b) || avg_len <= 0.0 {
        return Err("options: `k` must be 0 or more, `b` from 0 to 1, `avg_len` above 0".into());
    }
    Ok(Bm25 { k, b, avg_len, text: params })
}

/// Stop words and stems of a language; of English where none is named. Not every one has stems.
fn of_language(
    language: Option<Value>,
) -> Result<(Stopwords, Option<StemmerLanguage>), serde_json::Error> {
    let TextParams { stopwords, stemmer, .. } = Bm25::default().text;
    let Some(language) = language else { return Ok((stopwords, stemmer)) };
    let stems = StemmerLanguage::deserialize(&language).ok();
    let languages = [Language::deserialize(&language)?].into();
    Ok((Stopwords { languages, ..Stopwords::default() }, stems))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str, model: &str, options: Value, text_as: TextAs) -> Result<Vector, String> {
        let options = options.as_object().cloned();
        Document { text: text.into(), model: model.into(), options }.into_vector(text_as)
    }

    #[test]
    fn a_text_becomes_what_the_formula_says() {
        let default = Bm25::default();
        let text = "Cats and dogs, and one more cat";
        for model in ["qdrant/bm25", "Qdrant/BM25", "bm25"] {
            for (text_as, expected) in
                [(TextAs::Stored, default.document(text)), (TextAs::Sought, default.query(text))]
            {
                let Ok(Vector::Sparse(found)) = of(text, model, json!({}), text_as) else {
                    panic!("{model}")
                };
                let (indices, values): (Vec<u32>, Vec<f32>) = expected.into_iter().unzip();
                assert_eq!((found.indices(), found.values()), (&*indices, &*values));
            }
        }
    }

    #[test]
    fn options_change_what_counts() {
        let numbers = |options: Value| {
            let vector = of("the cats", "bm25", options, TextAs::Sought).unwrap();
            vector.values().len()
        };
        assert_eq!(numbers(json!({})), 1, "English knows `the`");
        assert_eq!(numbers(json!({ "language": "none" })), 2);
        assert_eq!(numbers(json!({ "language": "german", "k": null })), 2);
        assert_eq!(numbers(json!({ "stopwords": { "custom": ["the", "cats"] } })), 0);
        assert_eq!(numbers(json!({ "min_token_len": 9 })), 0);
        let weight = |options| of("a b", "bm25", options, TextAs::Stored).unwrap().values()[0];
        assert!(weight(json!({ "avg_len": 1.0 })) < weight(json!({ "avg_len": 100.0 })));
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        let refused = |model: &str, options| of("x", model, options, TextAs::Stored).unwrap_err();
        assert!(refused("openai/x", json!({})).contains("the model `openai/x` is not supported"));
        for options in [
            json!({ "k": -1 }),
            json!({ "b": 2 }),
            json!({ "avg_len": 0 }),
            json!({ "k": "x" }),
            json!({ "surprise": 1 }),
            json!({ "language": "klingon" }),
            json!({ "tokenizer": "none" }),
        ] {
            assert!(!refused("bm25", options.clone()).is_empty(), "{options}");
        }
    }
}
