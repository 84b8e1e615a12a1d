//! Which points, which parts of them, and whose.

use serde_json::{Value, json};
use vane_types::ShardKey;
use vane_wire::qdrant::point_id::PointIdOptions;
use vane_wire::qdrant::points_selector::PointsSelectorOneOf;
use vane_wire::qdrant::shard_key::Key;
use vane_wire::qdrant::{
    PointId, PointsSelector, ShardKey as KeyMessage, ShardKeyDescription, ShardKeySelector,
    WithPayloadSelector, WithVectorsSelector, with_payload_selector, with_vectors_selector,
};

use super::filter::filter;
use super::{Fields, needed, put};
use crate::error::Error;

/// The id of a point. Whether a text is one is for its reader to say.
pub(super) fn point_id(id: Option<PointId>) -> Result<Value, Error> {
    Ok(match needed(id.and_then(|id| id.point_id_options), "id")? {
        PointIdOptions::Num(number) => number.into(),
        PointIdOptions::Uuid(text) => text.into(),
    })
}

/// Several ids.
pub(super) fn point_ids(ids: Vec<PointId>) -> Result<Value, Error> {
    ids.into_iter().map(|id| point_id(Some(id))).collect()
}

/// The points that a change is about. Without any the reader says what is needed.
pub(super) fn points(
    fields: &mut Fields,
    selector: Option<PointsSelector>,
    keys: Option<ShardKeySelector>,
) -> Result<(), Error> {
    match selector.and_then(|selector| selector.points_selector_one_of) {
        None => {}
        Some(PointsSelectorOneOf::Points(list)) => {
            put(fields, "points", Some(point_ids(list.ids)?));
        }
        Some(PointsSelectorOneOf::Filter(part)) => put(fields, "filter", Some(filter(part)?)),
    }
    among(fields, keys)
}

/// The shard keys that a request is about.
pub(super) fn among(fields: &mut Fields, keys: Option<ShardKeySelector>) -> Result<(), Error> {
    let Some(ShardKeySelector { shard_keys, fallback }) = keys else { return Ok(()) };
    let mut keys: Vec<Value> = shard_keys.into_iter().map(key).collect::<Result<_, _>>()?;
    let keys = match (fallback, keys.len()) {
        (None, _) => Value::Array(keys),
        (Some(fallback), 1) => json!({ "target": keys.remove(0), "fallback": key(fallback)? }),
        (Some(_), _) => {
            return Err(Error::malformed("shard_key_selector: a fallback is of one shard key"));
        }
    };
    put(fields, "shard_key", Some(keys));
    Ok(())
}

/// A shard key that was asked for.
pub(super) fn key(key: KeyMessage) -> Result<Value, Error> {
    Ok(match needed(key.key, "shard_key")? {
        Key::Keyword(text) => text.into(),
        Key::Number(number) => number.into(),
    })
}

/// A shard key in an answer.
pub fn shard_key(key: &ShardKey) -> KeyMessage {
    let key = match key {
        ShardKey::Number(number) => Key::Number(*number),
        ShardKey::Text(text) => Key::Keyword(text.clone()),
    };
    KeyMessage { key: Some(key) }
}

/// A list of shard keys in an answer.
pub fn shard_keys(keys: &[ShardKey]) -> Vec<ShardKeyDescription> {
    keys.iter().map(|key| ShardKeyDescription { key: Some(shard_key(key)) }).collect()
}

/// What is to be returned of points.
pub(super) fn want(
    fields: &mut Fields,
    payload: Option<WithPayloadSelector>,
    vectors: Option<WithVectorsSelector>,
) -> Result<(), Error> {
    use with_payload_selector::SelectorOptions as Payload;
    use with_vectors_selector::SelectorOptions as Vectors;
    if let Some(payload) = payload {
        let wanted = match needed(payload.selector_options, "with_payload.selector_options")? {
            Payload::Enable(all) => all.into(),
            Payload::Include(keys) => json!({ "include": keys.fields }),
            Payload::Exclude(keys) => json!({ "exclude": keys.fields }),
        };
        put(fields, "with_payload", Some(wanted));
    }
    if let Some(vectors) = vectors {
        let wanted: Value = match needed(vectors.selector_options, "with_vectors.selector_options")?
        {
            Vectors::Enable(all) => all.into(),
            Vectors::Include(names) => names.names.into(),
        };
        put(fields, "with_vector", Some(wanted));
    }
    Ok(())
}
