//! `params.idf`: the points by which an index of a sparse vector is rare.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::super::select::RawFilter;

/// `global`, or `{"corpus": …}`.
#[derive(Debug)]
pub(super) struct Idf {
    /// What the points match; all that the query means when absent.
    pub(super) corpus: Option<RawFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Global,
}

#[derive(Deserialize)]
struct Fields {
    corpus: RawFilter,
}

impl<'de> Deserialize<'de> for Idf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose the path to a mistake.
        deserializer.deserialize_any(IdfVisitor)
    }
}

struct IdfVisitor;

impl<'de> Visitor<'de> for IdfVisitor {
    type Value = Idf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`global`, or an object with `corpus`, a filter")
    }

    fn visit_str<E: Error>(self, scope: &str) -> Result<Idf, E> {
        let Scope::Global = Scope::deserialize(StrDeserializer::new(scope))?;
        Ok(Idf { corpus: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Idf, A::Error> {
        let Fields { corpus } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Idf { corpus: Some(corpus) })
    }
}
