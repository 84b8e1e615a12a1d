//! Ids that clients give to points: their JSON form, their key, their place in the hash space.

use std::fmt;
use std::str::FromStr;

use derive_more::Display;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::tenant::TenantId;

/// What a client calls a point. Numbers order before UUIDs, which is the order of a scroll.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnId {
    /// An unsigned 64-bit integer.
    Num(u64),
    /// Any RFC 4122 value; hyphenated, simple and URN spellings are the same id.
    Uuid(Uuid),
}

/// Which point of its collection a point is: what a client calls it, among those of its tenant
/// where the collection has tenants. Its JSON form and its text are the client's id alone.
#[derive(Debug, Display, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[display("{own}")]
pub struct PointId {
    /// Whose it is. `None` in collections without tenants, and in ids as clients send them.
    pub tenant: Option<TenantId>,
    /// What the client calls it.
    pub own: OwnId,
}

/// What stands where a point's id is expected is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("value {0} is not a valid point ID, valid values are either an unsigned integer or a UUID")]
pub struct InvalidPointId(pub String);

const TAG_NUM: u8 = 0;
const TAG_UUID: u8 = 1;
const TAG_TENANT: u8 = 2;

impl OwnId {
    fn to_key(self) -> Vec<u8> {
        match self {
            Self::Num(n) => [&[TAG_NUM][..], &n.to_be_bytes()].concat(),
            Self::Uuid(u) => [&[TAG_UUID][..], u.as_bytes()].concat(),
        }
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        match key.split_first()? {
            (&TAG_NUM, rest) => Some(Self::Num(u64::from_be_bytes(rest.try_into().ok()?))),
            (&TAG_UUID, rest) => Some(Self::Uuid(Uuid::from_bytes(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

impl PointId {
    /// A number, of no tenant.
    pub const fn num(n: u64) -> Self {
        Self { tenant: None, own: OwnId::Num(n) }
    }

    /// A UUID, of no tenant.
    pub const fn uuid(uuid: Uuid) -> Self {
        Self { tenant: None, own: OwnId::Uuid(uuid) }
    }

    /// The same id of a client's, among those of a tenant.
    pub const fn of(self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), own: self.own }
    }

    /// Whether a condition that names `named` is about this point: an id without a tenant means
    /// those of all tenants.
    pub fn is_meant_by(self, named: Self) -> bool {
        self.own == named.own && (named.tenant.is_none() || named.tenant == self.tenant)
    }

    /// Stored form: a tag byte and the big-endian id (9 or 17 bytes), behind another tag and the
    /// tenant where there is one. Bytes order as ids do.
    pub fn to_key(self) -> Vec<u8> {
        let own = self.own.to_key();
        match self.tenant {
            None => own,
            Some(tenant) => [&Self::keys_of(tenant)[..], &own].concat(),
        }
    }

    /// What the stored forms of all points of a tenant begin with.
    pub fn keys_of(tenant: TenantId) -> [u8; 5] {
        let [a, b, c, d] = tenant.number().to_be_bytes();
        [TAG_TENANT, a, b, c, d]
    }

    /// Reads [`PointId::to_key`] back; `None` when the bytes are not of that form.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (tenant, own) = match key.split_first()? {
            (&TAG_TENANT, rest) => {
                let (number, own) = rest.split_first_chunk()?;
                (Some(TenantId::from_number(u32::from_be_bytes(*number))?), own)
            }
            _ => (None, key),
        };
        Some(Self { tenant, own: OwnId::from_key(own)? })
    }

    /// Place of the id in the hash space that shards divide: xxh3-64 of the stored form. With a
    /// tenant it lies among the places of that ([`TenantId::places`]).
    pub fn routing_hash(self) -> u64 {
        // With the tag: a number and a UUID of the same bytes are two ids.
        let hash = xxh3_64(&self.own.to_key());
        match self.tenant {
            None => hash,
            Some(tenant) => tenant.places().first | hash >> 32,
        }
    }
}

impl From<OwnId> for PointId {
    fn from(own: OwnId) -> Self {
        Self { tenant: None, own }
    }
}

impl From<u64> for PointId {
    fn from(n: u64) -> Self {
        Self::num(n)
    }
}

impl FromStr for PointId {
    type Err = InvalidPointId;

    /// Parses what stands in a URL: a number, or else a UUID.
    fn from_str(text: &str) -> Result<Self, InvalidPointId> {
        // No UUID reads as a number: 32 digits are more than a u64 has.
        if let Ok(n) = text.parse::<u64>() {
            return Ok(Self::num(n));
        }
        Uuid::parse_str(text).map(Self::uuid).map_err(|_| InvalidPointId(text.to_owned()))
    }
}

impl Serialize for PointId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.own {
            OwnId::Num(n) => serializer.serialize_u64(n),
            // In one spelling, whichever the client used: answers can be compared as text.
            OwnId::Uuid(u) => serializer.collect_str(&u),
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
                Ok(PointId::num(n))
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<PointId, E> {
                // Some formats hand every number over as signed.
                let unexpected = serde::de::Unexpected::Signed(n);
                let number = u64::try_from(n).map(PointId::num);
                number.map_err(|_| E::invalid_value(unexpected, &self))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PointId, E> {
                // A number in quotes is refused: `"7"` and `7` would be two spellings of one id.
                let uuid = Uuid::parse_str(text).map(PointId::uuid);
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
        let own = prop_oneof![
            any::<u64>().prop_map(OwnId::Num),
            any::<u128>().prop_map(|n| OwnId::Uuid(Uuid::from_u128(n))),
        ];
        let tenant = prop_oneof![Just(None), any::<u32>().prop_map(TenantId::from_number)];
        (tenant, own).prop_map(|(tenant, own)| PointId { tenant, own })
    }

    proptest! {
        #[test]
        fn stored_ids_read_back_and_order_as_ids(a in any_id(), b in any_id()) {
            prop_assert_eq!(PointId::from_key(&a.to_key()), Some(a));
            prop_assert_eq!(a.to_key().cmp(&b.to_key()), a.cmp(&b));
            if let Some(tenant) = a.tenant {
                prop_assert!(a.to_key().starts_with(&PointId::keys_of(tenant)));
                prop_assert!(tenant.places().contains(a.routing_hash()));
            }
            let json = serde_json::to_string(&a).unwrap();
            let read = serde_json::from_str::<PointId>(&json).unwrap();
            prop_assert_eq!(read, PointId::from(a.own));
            prop_assert!(a.is_meant_by(read) && a.is_meant_by(a));
            prop_assert_eq!(b.is_meant_by(a), a == b || a == PointId::from(b.own));
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

    #[test]
    fn what_is_no_stored_id_is_refused() {
        let own = PointId::num(1).to_key();
        let of_tenant = |number: u32, own: &[u8]| [&[2][..], &number.to_be_bytes(), own].concat();
        let nested = of_tenant(1, &of_tenant(1, &own));
        for bad in [&[][..], &[3], &own[..8], &of_tenant(0, &own), &of_tenant(1, &[]), &nested] {
            assert_eq!(PointId::from_key(bad), None, "{bad:?}");
        }
    }

    /// The hash places points on shards: a new value would lose every stored point.
    #[test]
    fn routing_hash_never_changes() {
        let one = PointId::num(1);
        assert_eq!(one.routing_hash(), xxh3_64(&[0, 0, 0, 0, 0, 0, 0, 0, 1]));
        let tenant = TenantId::from_number(7).unwrap();
        assert_eq!(one.of(tenant).to_key(), [2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let upper = xxh3_64(&[0, 0, 0, 7]) >> 32 << 32;
        assert_eq!(one.of(tenant).routing_hash(), upper | one.routing_hash() >> 32);
    }
}
