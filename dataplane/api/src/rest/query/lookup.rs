//! `with_lookup` of groups: the collection of the points that they are named after.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::super::select::{WithPayload, WithVector, want};
use crate::engine::GroupLookup;

/// The name of a collection, or an object with it and with what to return.
#[derive(Debug)]
pub(super) struct WithLookup(pub(super) GroupLookup);

#[derive(Deserialize)]
struct Fields {
    collection: String,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vector")]
    with_vectors: Option<WithVector>,
}

impl<'de> Deserialize<'de> for WithLookup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose the path to a mistake.
        deserializer.deserialize_any(WithLookupVisitor).map(Self)
    }
}

struct WithLookupVisitor;

impl<'de> Visitor<'de> for WithLookupVisitor {
    type Value = GroupLookup;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a collection, or an object with `collection`")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<GroupLookup, E> {
        Ok(GroupLookup { collection: name.to_owned(), want: want(None, None, true) })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GroupLookup, A::Error> {
        let Fields { collection, with_payload, with_vectors } =
            Fields::deserialize(MapAccessDeserializer::new(map))?;
        // Payloads unless it says otherwise, as for reads by id.
        Ok(GroupLookup { collection, want: want(with_payload, with_vectors, true) })
    }
}
