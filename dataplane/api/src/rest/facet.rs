//! How many points have each value of a field.

use serde::Deserialize;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use vane_filter::{FacetValue, Filter};
use vane_types::JsonPath;

use super::read::limit;
use super::select::{RawFilter, filter};
use super::shard_key::{NamedKeys, keyed};
use crate::engine::FacetHit;
use crate::error::Error;

/// Values when the request does not say.
const LIMIT: usize = 10;

/// `POST facet`.
#[derive(Debug, Deserialize)]
pub struct FacetRequest {
    key: JsonPath,
    limit: Option<u64>,
    filter: Option<RawFilter>,
    /// Counts are always exact; a collection may refuse to be asked for that.
    exact: Option<bool>,
    shard_key: Option<NamedKeys>,
}

keyed!(FacetRequest);

impl FacetRequest {
    /// The field, the points to count, how many values are wanted, and whether an estimate is not
    /// enough.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where the limit is 0, `Kind::Malformed` where the filter is none.
    pub fn into_parts(self) -> Result<(JsonPath, Option<Filter>, usize, bool), Error> {
        let limit = limit("limit", self.limit, LIMIT)?;
        Ok((self.key, filter(self.filter)?, limit, self.exact.unwrap_or(false)))
    }
}

/// `{"hits": […]}`.
pub struct Hits<'a>(pub &'a [FacetHit]);

struct HitOut<'a>(&'a FacetHit);

struct ValueOut<'a>(&'a FacetValue);

impl Serialize for Hits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hits: Vec<_> = self.0.iter().map(HitOut).collect();
        let mut out = serializer.serialize_struct("FacetResponse", 1)?;
        out.serialize_field("hits", &hits)?;
        out.end()
    }
}

impl Serialize for HitOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("FacetValueHit", 2)?;
        out.serialize_field("value", &ValueOut(&self.0.value))?;
        out.serialize_field("count", &self.0.count)?;
        out.end()
    }
}

impl Serialize for ValueOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            FacetValue::Bool(value) => value.serialize(serializer),
            FacetValue::Integer(integer) => integer.serialize(serializer),
            FacetValue::Text(text) => text.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{assert_refused, parse_text};
    use super::*;

    #[test]
    fn requests_are_read_and_hits_are_written_by_their_types() {
        let read = |json| parse_text::<FacetRequest>(json).and_then(FacetRequest::into_parts);
        let (field, filter, limit, exact) = read(r#"{"key": "a[].b", "exact": true}"#).unwrap();
        assert_eq!((field.to_string().as_str(), filter, limit, exact), ("a[].b", None, 10, true));
        for (json, code, named) in [
            ("{}", 400, "key"),
            (r#"{"key": "a", "limit": 0}"#, 422, "limit"),
            (r#"{"key": "a..b"}"#, 400, "key"),
        ] {
            assert_refused(json, &read(json).unwrap_err(), code, named);
        }
        let values =
            [FacetValue::Bool(true), FacetValue::Integer(-3), FacetValue::Text("a".into())];
        let hits = values.map(|value| FacetHit { value, count: 2 });
        let expected = [json!(true), json!(-3), json!("a")];
        let expected = expected.map(|value| json!({ "value": value, "count": 2 }));
        assert_eq!(serde_json::to_value(Hits(&hits)).unwrap(), json!({ "hits": expected }));
    }
}
