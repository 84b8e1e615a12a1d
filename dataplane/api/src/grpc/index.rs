//! Payload indexes.

use serde_json::{Value, json};
use vane_wire::qdrant::payload_index_params::IndexParams;
use vane_wire::qdrant::stemming_algorithm::StemmingParams;
use vane_wire::qdrant::{
    CreateFieldIndexCollection, DisabledStemmer, FieldType, KeywordIndexParams,
    KeywordPrefixParams, PayloadIndexParams, SnowballParams, StemmingAlgorithm, StopwordsSet,
    TextIndexParams, TokenizerType,
};

use super::config::{Flat, in_json, in_message, word};
use super::{Fields, Form, Lists, put, unread};
use crate::error::Error;
use crate::rest::index::CreateIndex;

impl Form for CreateFieldIndexCollection {
    type Body = CreateIndex;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let named = self
            .field_type
            .map(|part| word(part, "field_type", FieldType::as_str_name))
            .transpose()?
            .map(|name| in_json(name.trim_start_matches("FieldType")));
        let params = self.field_index_params.and_then(|params| params.index_params);
        let schema = match (params, named) {
            (None, named) => named.map(Value::from),
            // They say the type themselves.
            (Some(params), _) => Some(schema(params)?.into()),
        };
        let mut fields = Fields::new();
        put(&mut fields, "field_name", Some(self.field_name));
        put(&mut fields, "field_schema", schema);
        Ok(fields.into())
    }
}

fn schema(params: IndexParams) -> Result<Fields, Error> {
    let (name, mut fields) = match params {
        IndexParams::KeywordIndexParams(mut part) => {
            let prefix = part.prefix.take().is_some();
            let mut fields = part.fields()?;
            put(&mut fields, "prefix", prefix.then_some(true));
            ("keyword", fields)
        }
        IndexParams::IntegerIndexParams(part) => ("integer", part.fields()?),
        IndexParams::FloatIndexParams(part) => ("float", part.fields()?),
        IndexParams::GeoIndexParams(part) => ("geo", part.fields()?),
        IndexParams::TextIndexParams(part) => ("text", text(part)?),
        IndexParams::BoolIndexParams(part) => ("bool", part.fields()?),
        IndexParams::DatetimeIndexParams(part) => ("datetime", part.fields()?),
        IndexParams::UuidIndexParams(part) => ("uuid", part.fields()?),
    };
    put(&mut fields, "type", Some(name));
    Ok(fields)
}

fn text(mut part: TextIndexParams) -> Result<Fields, Error> {
    let tokenizer = word(part.tokenizer, "tokenizer", TokenizerType::as_str_name)?;
    if part.tokenizer == i32::from(TokenizerType::Unknown) {
        return Err(Error::malformed("`tokenizer` is needed: which one makes the tokens"));
    }
    let (stopwords, stemmer) = (part.stopwords.take(), part.stemmer.take());
    let scoring = part.scoring.take();
    let mut fields = part.fields()?;
    put(&mut fields, "tokenizer", Some(in_json(tokenizer)));
    let stopwords = stopwords.map(
        |StopwordsSet { languages, custom }| json!({ "languages": languages, "custom": custom }),
    );
    put(&mut fields, "stopwords", stopwords);
    let stemmer = stemmer.and_then(|stemmer| stemmer.stemming_params).map(|params| match params {
        StemmingParams::Snowball(SnowballParams { language }) => {
            json!({ "type": "snowball", "language": language })
        }
        StemmingParams::Disabled(DisabledStemmer {}) => json!({ "type": "none" }),
    });
    put(&mut fields, "stemmer", stemmer);
    put(&mut fields, "scoring", unread(scoring));
    Ok(fields)
}

fn text_params(json: &Value) -> TextIndexParams {
    let words = |list: &Value| -> Vec<String> {
        let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    let stopwords = json.get("stopwords").map(|stopwords| match stopwords {
        Value::String(alone) => StopwordsSet { languages: vec![alone.clone()], custom: Vec::new() },
        set => StopwordsSet { languages: words(&set["languages"]), custom: words(&set["custom"]) },
    });
    let stemmer = json.get("stemmer").map(|stemmer| {
        let stemming_params = match stemmer["language"].as_str() {
            Some(language) => {
                StemmingParams::Snowball(SnowballParams { language: language.to_owned() })
            }
            None => StemmingParams::Disabled(DisabledStemmer {}),
        };
        StemmingAlgorithm { stemming_params: Some(stemming_params) }
    });
    let tokenizer = json["tokenizer"].as_str().map(in_message).unwrap_or_default();
    let tokenizer = TokenizerType::from_str_name(&tokenizer).unwrap_or_default().into();
    TextIndexParams { tokenizer, stopwords, stemmer, ..Flat::of(json) }
}

/// The message of the parameters that an index of a type has.
pub(super) fn params_of(name: &str, json: &Value) -> Option<PayloadIndexParams> {
    let params = match name {
        "keyword" => IndexParams::KeywordIndexParams(KeywordIndexParams {
            prefix: (json["prefix"] == true).then_some(KeywordPrefixParams {}),
            ..Flat::of(json)
        }),
        "integer" => IndexParams::IntegerIndexParams(Flat::of(json)),
        "float" => IndexParams::FloatIndexParams(Flat::of(json)),
        "geo" => IndexParams::GeoIndexParams(Flat::of(json)),
        "bool" => IndexParams::BoolIndexParams(Flat::of(json)),
        "datetime" => IndexParams::DatetimeIndexParams(Flat::of(json)),
        "uuid" => IndexParams::UuidIndexParams(Flat::of(json)),
        "text" => IndexParams::TextIndexParams(text_params(json)),
        _ => return None,
    };
    Some(PayloadIndexParams { index_params: Some(params) })
}
