//! Why a request is not let in, as data.

use std::time::Duration;

use vane_types::{Error, JsonPath};

/// A request was not let in.
#[derive(Debug, Clone, PartialEq)]
pub enum Denied {
    /// By a limit of its collection.
    Limited(Limited),
    /// What a limit is compared with could not be had.
    Failed(Error),
}

impl From<Limited> for Denied {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The limit that a request is over.
#[derive(Debug, Clone, PartialEq)]
pub enum Limited {
    /// A number of the request.
    Over {
        /// What it is a number of, as clients know it.
        what: &'static str,
        /// The number.
        value: f64,
        /// What it may be.
        limit: f64,
    },
    /// It asks for a whole scan.
    Exact,
    /// A search of a vector that has no graph.
    Scan {
        /// The vector; `""` is the unnamed one.
        vector: String,
        /// Whether tenants would have graphs of their own, and the search is of none.
        but_of_tenants: bool,
    },
    /// A field that no payload index serves.
    Unindexed {
        /// The field.
        key: JsonPath,
        /// Types of indexes that would do.
        wanted: Vec<&'static str>,
        /// What names it.
        user: User,
    },
    /// The field that points are grouped by has no index of values, or one of this type.
    Ungrouped {
        /// The field.
        key: JsonPath,
        /// Type of its index.
        found: Option<&'static str>,
    },
    /// Conditions of one filter.
    Conditions {
        /// In it.
        found: u64,
        /// Allowed.
        limit: u64,
    },
    /// Values of one condition.
    ConditionSize {
        /// In it.
        found: u64,
        /// Allowed.
        limit: u64,
    },
    /// There are as many points as there may be.
    Points(u64),
    /// There are as many bytes of vectors as there may be.
    VectorBytes(u64),
    /// There are as many bytes of payloads as there may be.
    PayloadBytes(u64),
    /// There are as many payload indexes as there may be.
    Indexes(u64),
    /// Rows of a vector of vectors.
    Rows {
        /// The vector.
        vector: String,
        /// In it.
        found: usize,
        /// Allowed.
        limit: u64,
    },
    /// Numbers of a sparse vector.
    Numbers {
        /// The vector.
        vector: String,
        /// In it.
        found: usize,
        /// Allowed.
        limit: u64,
    },
    /// This node uses more of its memory than writes are taken at, both in per cent.
    Memory {
        /// In use.
        used: u64,
        /// Allowed.
        limit: u64,
    },
    /// More than is left of what may be spent in a minute.
    Rate {
        /// Whether of writes.
        writes: bool,
        /// What the request costs.
        cost: u64,
        /// What is left.
        available: f64,
        /// When there will be enough.
        retry_after: Duration,
    },
    /// More than may be spent in a whole minute.
    TooCostly {
        /// Whether of writes.
        writes: bool,
    },
}

impl Limited {
    /// Whether it follows from figures of the collection, which may have changed since they were
    /// asked for.
    pub(super) fn is_by_figures(&self) -> bool {
        match self {
            Self::Unindexed { .. }
            | Self::Ungrouped { .. }
            | Self::Points(_)
            | Self::VectorBytes(_)
            | Self::PayloadBytes(_)
            | Self::Indexes(_) => true,
            Self::Over { .. }
            | Self::Exact
            | Self::Scan { .. }
            | Self::Conditions { .. }
            | Self::ConditionSize { .. }
            | Self::Rows { .. }
            | Self::Numbers { .. }
            | Self::Memory { .. }
            | Self::Rate { .. }
            | Self::TooCostly { .. } => false,
        }
    }
}

/// What names a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// A filter.
    Filter,
    /// A formula.
    Formula,
}
