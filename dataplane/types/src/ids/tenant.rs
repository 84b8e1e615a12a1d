//! Tenants of a collection: the number that points know, and what clients call it.

use std::num::NonZeroU32;

use derive_more::Display;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::KeyRange;

/// A tenant of a collection, by a number that the cluster never uses twice.
#[derive(Display, Serialize, Deserialize)]
#[serde(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(NonZeroU32);

impl TenantId {
    /// The tenant of a number; `None` for 0, which no tenant has.
    pub fn from_number(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The places of its points in the hash space: 2^32 of them, behind the upper half of xxh3-64
    /// of its big-endian number.
    pub fn places(self) -> KeyRange {
        let first = xxh3_64(&self.number().to_be_bytes()) >> 32 << 32;
        KeyRange { first, last: first | u64::from(u32::MAX) }
    }
}

/// What clients call a tenant. A number and the text of its digits are two keys.
#[derive(Debug, Display, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShardKey {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}
