//! Limits that a collection sets on the requests for it.
//!
//! Looked at once, before a request is worked on, whichever door it came through. What is decided
//! is pure ([`Rules`], over what was asked and [`Facts`]); here the facts are got, and the rates
//! counted.

mod cost;
mod figures;
mod filters;
mod limited;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Instant;

use vane_commands::{Selection, Write};
use vane_filter::Filter;
use vane_types::{Error, StrictMode};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::query::{Grouping, Matrix, Query};
use crate::rates::Short;
use crate::shards::Shards;
use cost::cost_of_reads;
pub use limited::{Denied, Limited, User};
use rules::{Facts, Needs, Rules};

/// What a client asks of a collection, as far as limits go.
#[derive(Debug)]
pub enum Requested<'a> {
    /// The points that a query ranks first.
    Query(&'a Query),
    /// Queries of one batch.
    Queries(Vec<&'a Query>),
    /// The best groups of a query.
    Groups(&'a Query, &'a Grouping),
    /// So many points by their ids.
    Retrieve(usize),
    /// A page.
    Scroll {
        /// Points to look among.
        filter: Option<&'a Filter>,
        /// Points of it.
        limit: usize,
    },
    /// How many points match.
    Count {
        /// Which.
        filter: Option<&'a Filter>,
        /// Whether an estimate is not enough.
        exact: bool,
    },
    /// The values of a field.
    Facet {
        /// Points to count.
        filter: Option<&'a Filter>,
        /// Values.
        limit: usize,
        /// Whether an estimate is not enough.
        exact: bool,
    },
    /// How near points are to each other.
    Matrix(&'a Matrix),
    /// Changes, which are applied one after the other.
    Writes(Vec<&'a Write>),
}

impl<S: Shards> Collection<S> {
    /// Whether it limits requests: mostly it does not, and this is all that is looked at.
    pub fn is_strict(&self) -> bool {
        self.entry.config.strict.is_on()
    }

    /// Lets a request in whose client gives it `timeout` seconds, where it says so; counts what it
    /// costs.
    ///
    /// # Errors
    /// [`Denied::Limited`] with the limit that it is over; [`Denied::Failed`] where what the limits
    /// are compared with could not be had. Nothing was begun.
    pub async fn admit(
        &self,
        asked: &Requested<'_>,
        timeout: Option<u64>,
        options: &RequestOptions,
    ) -> Result<(), Denied> {
        let strict = &self.entry.config.strict;
        if !strict.is_on() {
            return Ok(());
        }
        let began = self.coordinator.shards.now();
        let rules = Rules { strict, config: &self.entry.config };
        rules.check_timeout(timeout)?;
        let needs = Needs::of(strict, asked);
        let mut facts = Facts::default();
        if needs.memory {
            facts.resident_percent = self.coordinator.shards.resident_percent();
        }
        if needs.figures {
            let since = needs.fresh.then_some(began);
            facts.figures = Some(self.figures(since, options).await?);
        }
        let checked = rules.check(asked, &facts);
        // What was known may be from before an index was made, or points deleted.
        if checked.as_ref().is_err_and(Limited::is_by_figures) {
            facts.figures = Some(self.figures(Some(began), options).await?);
            rules.check(asked, &facts)?;
        } else {
            checked?;
        }
        self.charge(strict, asked, began, options).await
    }

    /// Takes what the request costs from what may be spent in a minute.
    async fn charge(
        &self,
        strict: &StrictMode,
        asked: &Requested<'_>,
        now: Instant,
        options: &RequestOptions,
    ) -> Result<(), Denied> {
        let (per_minute, cost) = match asked {
            Requested::Writes(writes) => match strict.write_rate_limit {
                None => return Ok(()),
                Some(limit) => (limit, self.cost_of_writes(writes, options).await?),
            },
            reads => match strict.read_rate_limit {
                None => return Ok(()),
                Some(limit) => (limit, cost_of_reads(reads)),
            },
        };
        let writes = matches!(asked, Requested::Writes(_));
        let watch = self.watch();
        let mut bucket = if writes { watch.writes.lock() } else { watch.reads.lock() };
        bucket.take(per_minute, cost, now).map_err(|Short { left, retry_after }| {
            Denied::Limited(match retry_after {
                None => Limited::TooCostly { writes },
                Some(retry_after) => Limited::Rate { writes, cost, available: left, retry_after },
            })
        })
    }

    /// As many as points that writes name, or that their filters match now; one at least for each.
    async fn cost_of_writes(
        &self,
        writes: &[&Write],
        options: &RequestOptions,
    ) -> Result<u64, Error> {
        let mut cost = 0_u64;
        for write in writes {
            let points = match filter_of(write) {
                Some(filter) => self.count(Some(filter.clone()), options.clone()).await?,
                None => named(write),
            };
            cost = cost.saturating_add(points.max(1) as u64);
        }
        Ok(cost)
    }
}

/// What picks the points of a write; `None` where they are named.
pub(crate) fn filter_of(write: &Write) -> Option<&Filter> {
    match selection_of(write)? {
        Selection::Filter(filter) => Some(filter),
        Selection::Ids(_) => None,
    }
}

/// Points that a write names.
fn named(write: &Write) -> usize {
    match (write, selection_of(write)) {
        (_, Some(Selection::Ids(points))) => points.len(),
        (Write::Upsert(points) | Write::UpsertIf(points, _), _) => points.len(),
        (Write::UpdateVectors(points) | Write::UpdateVectorsIf(points, _), _) => points.len(),
        _ => 0,
    }
}

fn selection_of(write: &Write) -> Option<&Selection> {
    match write {
        Write::Delete(points)
        | Write::ClearPayload(points)
        | Write::DeleteVectors { points, .. }
        | Write::SetPayload { points, .. }
        | Write::OverwritePayload { points, .. }
        | Write::DeletePayload { points, .. } => Some(points),
        Write::Upsert(_)
        | Write::UpsertIf(..)
        | Write::UpdateVectors(_)
        | Write::UpdateVectorsIf(..)
        | Write::CreateIndex { .. }
        | Write::DropIndex { .. }
        | Write::CloseTenant(_) => None,
    }
}
