//! Whose points of a collection are meant, where its points are of tenants.

use vane_types::{ShardKey, TenantId};

/// Shard keys that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardKeys {
    /// All of them are meant.
    pub keys: Vec<ShardKey>,
    /// Is meant in their place where one of them is not there.
    pub fallback: Option<ShardKey>,
}

/// Whose points are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All points there are.
    All,
    /// The same, also where it is written: ids say themselves whose they are.
    Every,
    /// Those of some tenants, each once and in order.
    Tenants(Vec<TenantId>),
}

impl Scope {
    /// The one tenant that is meant.
    pub(crate) fn one(&self) -> Option<TenantId> {
        match self {
            Self::Tenants(tenants) if tenants.len() == 1 => tenants.first().copied(),
            Self::Tenants(_) | Self::All | Self::Every => None,
        }
    }
}
