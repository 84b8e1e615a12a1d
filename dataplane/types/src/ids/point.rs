//! Ids that clients give to points: their JSON form, their key, their place in the hash space.

use std::fmt;
use std::str::FromStr;

use derive_more::Display;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

/// What a client calls a point. Numbers order before UUIDs, which is the order of a scroll.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PointId {
    /// An unsigned 64-bit integer.
    Num(u64),
    /// Any RFC 4122 value; hyphenated, simple and URN spellings are the same id.
    Uuid(Uuid),
}

/// What stands where a point's id is expected is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("value {0} is not a valid point ID, valid values are either an unsigned integer or a UUID")]
pub struct InvalidPointId(pub String);

const TAG_NUM: u8 = 0;
const TAG_UUID: u8 = 1;

impl PointId {
    /// Stored form: a tag byte and the big-endian id (9 or 17 bytes). Bytes order as ids do.
    pub fn to_key(self) -> Vec<u8> {
        match self {
            Self::Num(n) => [&[TAG_NUM][..], &n.to_be_bytes()].concat(),
            Self::Uuid(u) => [&[TAG_UUID][..], u.as_bytes()].concat(),
        }
    }

    /// Reads [`PointId::to_key`] back; `None` when the bytes are not of that form.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        match key.split_first()? {
            (&TAG_NUM, rest) => Some(Self::Num(u64::from_be_bytes(rest.try_into().ok()?))),
            (&TAG_UUID, rest) => Some(Self::Uuid(Uuid::from_bytes(rest.try_into().ok()?))),
            _ => None,
        }
    }

    /// Place of the id in the hash space that shards divide: xxh3-64 of the stored form.
    pub fn routing_hash(self) -> u64 {
        // With the tag: a number and a UUID of the same bytes are two ids.
        xxh3_64(&self.to_key())
    }
}

impl From<u64> for PointId {
    fn from(n: u64) -> Self {
        Self::Num(n)
    }
}

impl FromStr for PointId {
    type Err = InvalidPointId;

    /// Parses what stands in a URL: a number, or else a UUID.
    fn from_str(text: &str) -> Result<Self, InvalidPointId> {
        // No UUID reads as a number: 32 digits are more than a u64 has.
        if let Ok(n) = text.parse::<u64>() {
            return Ok(Self::Num(n));
        }
        Uuid::parse_str(text).map(Self::Uuid).map_err(|_| InvalidPointId(text.to_owned()))
    }
}

impl Serialize for PointId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Num(n) => serializer.serialize_u64(*n),
            // In one spelling, whichever the client used: answers can be compared as text.
            Self::Uuid(u) => serializer.collect_str(u),
        }
    }
}

impl<'de> Deserialize<'de> for PointId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = PointId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a point ID: an unsigned integer or a UUID string")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<PointId, E> {
                Ok(PointId::Num(n))
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<PointId, E> {
                // Some formats hand every number over as signed.
                let unexpected = serde::de::Unexpected::Signed(n);
                let number = u64::try_from(n).map(PointId::Num);
                number.map_err(|_| E::invalid_value(unexpected, &self))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PointId, E> {
                // A number in quotes is refused: `"7"` and `7` would be two spellings of one id.
                let uuid = Uuid::parse_str(text).map(PointId::Uuid);
                uuid.map_err(|_| E::custom(InvalidPointId(text.to_owned())))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = PointId> {
        prop_oneof![
            any::<u64>().prop_map(PointId::Num),
            any::<u128>().prop_map(|n| PointId::Uuid(Uuid::from_u128(n))),
        ]
    }

    proptest! {
        #[test]
        fn stored_ids_read_back_and_order_as_ids(a in any_id(), b in any_id()) {
            prop_assert_eq!(PointId::from_key(&a.to_key()), Some(a));
            prop_assert_eq!(a.to_key().cmp(&b.to_key()), a.cmp(&b));
            let json = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<PointId>(&json).unwrap(), a);
        }
    }

    #[test]
    fn other_spellings_are_refused_by_name() {
        for bad in ["-1", "1.5", "\"7\"", "\"abc\"", "null", "[1]"] {
            assert!(serde_json::from_str::<PointId>(bad).is_err(), "{bad}");
        }
        let simple = "\"936da01f9abd4d9d80c702af85c822a8\"";
        assert!(serde_json::from_str::<PointId>(simple).is_ok());
    }

    /// The hash places points on shards: a new value would lose every stored point.
    #[test]
    fn routing_hash_never_changes() {
        assert_eq!(PointId::Num(1).routing_hash(), xxh3_64(&[0, 0, 0, 0, 0, 0, 0, 0, 1]));
    }
}
