//! Which points a change is for: by id, or by a filter that was looked up.

use std::collections::HashSet;

use prost::Message;
use vane_filter::Filter;
use vane_types::limits::POINTS_PER_REQUEST_MAX;
use vane_types::{FeatureLevel, PointId, TenantId};

use crate::error::Error;

/// Version of what a filter means; logged with every filter so a replay on newer code can
/// tell an old meaning. Since 2 ranges compare whole numbers without rounding them.
pub const FILTER_SEMANTICS: u32 = 2;
/// The same of a filter with conditions that only members from [`FeatureLevel::KINDS`] on read.
const FILTER_SEMANTICS_OF_KINDS: u32 = 3;

/// Points as a caller names them.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These; for payload changes each must exist.
    Ids(Vec<PointId>),
    /// Those that match when the change is applied.
    Filter(Filter),
}

/// Points as they are logged. With a filter the ids are those it matched when the command
/// was made; apply checks each again and leaves out those that match no more.
#[derive(Clone, PartialEq, Message)]
pub struct Targets {
    /// Keys of the points ([`PointId::to_key`]).
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub ids: Vec<Vec<u8>>,
    /// Filter as JSON; empty when the ids were given by the client.
    #[prost(string, tag = "2")]
    pub filter: String,
    /// Version of the filter's meaning ([`FILTER_SEMANTICS`]).
    #[prost(uint32, tag = "3")]
    pub semantics: u32,
}

impl Targets {
    /// Points that the client named.
    pub(crate) fn of_ids(ids: &[PointId]) -> Self {
        Self { ids: keys(ids), ..Self::default() }
    }

    /// Points that a filter matched.
    pub(crate) fn of_filter(ids: &[PointId], filter: &WrittenFilter) -> Self {
        let WrittenFilter { json, semantics } = filter;
        Self { ids: keys(ids), filter: json.clone(), semantics: *semantics }
    }

    /// The level from which on members can read them.
    pub(crate) fn level(&self) -> FeatureLevel {
        match self.semantics {
            FILTER_SEMANTICS_OF_KINDS.. => FeatureLevel::KINDS,
            _ => FeatureLevel::FIRST,
        }
    }
}

/// A filter as it is logged.
pub(crate) struct WrittenFilter {
    /// Empty where it constrains nothing: it needs no second look.
    pub(crate) json: String,
    semantics: u32,
}

impl WrittenFilter {
    pub(crate) fn new(filter: &Filter) -> Self {
        let json = match filter.is_empty() {
            true => String::new(),
            false => serde_json::to_string(filter).expect("a filter is plain data"),
        };
        let semantics = match filter.level() >= FeatureLevel::KINDS {
            true => FILTER_SEMANTICS_OF_KINDS,
            false => FILTER_SEMANTICS,
        };
        Self { json, semantics }
    }
}

impl Selection {
    /// Points by id are those of a tenant.
    pub(crate) fn bind(&mut self, tenant: TenantId) {
        match self {
            Self::Ids(ids) => ids.iter_mut().for_each(|id| *id = id.of(tenant)),
            Self::Filter(_) => {}
        }
    }

    /// The same with each id once, in the order of their first mention.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        match self {
            Self::Ids(mut ids) => {
                check_count(ids.len())?;
                let mut seen = HashSet::with_capacity(ids.len());
                // Points of one command are distinct: apply takes each as it was before the entry.
                ids.retain(|id| seen.insert(*id));
                Ok(Self::Ids(ids))
            }
            // How many it matches only the shards can say: their ids are spread over entries later.
            Self::Filter(filter) => Ok(Self::Filter(filter)),
        }
    }
}

/// Refuses more points than one request may name.
pub(crate) fn check_count(points: usize) -> Result<(), Error> {
    if points > POINTS_PER_REQUEST_MAX {
        return Err(Error::TooManyPoints { points });
    }
    Ok(())
}

fn keys(ids: &[PointId]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| id.to_key()).collect()
}
