//! A search in two steps, for a gateway that asks many shards: first what each found, then
//! the records of those that are among the best of all.

use std::sync::Arc;
use std::time::Instant;

use vane_types::{LogIndex, PointId, Slot};

use crate::error::{BadInput, Error};
use crate::read::fetch::{stored_records, wanted_payload};
use crate::request::{Record, Search, Want, WantPayload};
use crate::search::side_by_side::Helpers;
use crate::search::view::View;
use crate::search::{Hit, Prepared};
use crate::shard::Shard;

/// What a search found, and what is needed to answer with records of the moment it saw.
///
/// It holds payloads rather than a snapshot of the database: it may be kept while the
/// gateway waits for other shards, and old versions of the whole database need not be.
pub struct SearchContext {
    shard: Arc<Shard>,
    scored: Vec<(PointId, f32)>,
    points: Vec<Point>,
    /// Whether the search asked for payloads, so that they are here.
    has_payloads: bool,
}

struct Point {
    slot: Slot,
    version: LogIndex,
    /// As stored; empty when the search asked for no payloads.
    payload: Vec<u8>,
}

impl Shard {
    /// The best points of this shard, best first, to be fetched later. `want` of the search
    /// says what may be asked for then.
    ///
    /// # Errors
    /// As [`Shard::search`]. Nothing is kept.
    pub fn search_context(
        self: &Arc<Self>,
        search: &Search,
        deadline: Instant,
        helpers: &dyn Helpers,
    ) -> Result<SearchContext, Error> {
        self.search_context_prepared(self.prepare(search, deadline)?, search, helpers)
    }

    /// The same of a search that was [prepared](Shard::prepare).
    ///
    /// # Errors
    /// As [`Shard::search`]. Nothing is kept.
    pub fn search_context_prepared(
        self: &Arc<Self>,
        prepared: Prepared<'_>,
        search: &Search,
        helpers: &dyn Helpers,
    ) -> Result<SearchContext, Error> {
        let (view, hits) = self.hits(prepared, search, helpers)?;
        let has_payloads = !matches!(search.want.payload, WantPayload::Nothing);
        let found = self.points(&view, &hits, has_payloads)?;
        let mut scored = Vec::with_capacity(hits.len());
        let mut points = Vec::with_capacity(hits.len());
        for (hit, (id, point)) in hits.iter().zip(found) {
            scored.push((id, hit.score));
            points.push(point);
        }
        Ok(SearchContext { shard: Arc::clone(self), scored, points, has_payloads })
    }

    fn points(
        &self,
        view: &View<'_>,
        hits: &[Hit],
        has_payloads: bool,
    ) -> Result<Vec<(PointId, Point)>, Error> {
        let slots: Vec<Slot> = hits.iter().map(|hit| hit.slot).collect();
        let known = if has_payloads { None } else { self.ids_and_versions(view, &slots) };
        if let Some(known) = known {
            let points = slots.iter().zip(known).map(|(slot, Record { id, version, .. })| {
                (id, Point { slot: *slot, version, payload: Vec::new() })
            });
            return Ok(points.collect());
        }
        let records = slots.iter().zip(stored_records(view, &slots)?);
        let points = records.map(|(slot, record)| {
            let payload = if has_payloads { record.payload } else { Vec::new() };
            (record.id, Point { slot: *slot, version: record.version, payload })
        });
        Ok(points.collect())
    }
}

impl SearchContext {
    /// Ids and scores, best first.
    pub fn scored(&self) -> &[(PointId, f32)] {
        &self.scored
    }

    /// Bytes of payloads that are kept.
    pub fn bytes(&self) -> usize {
        self.points.iter().map(|point| point.payload.len()).sum()
    }

    /// The records at some places of [`SearchContext::scored`], in the order asked for.
    ///
    /// Payloads are those of the moment of the search. A vector that was replaced since comes
    /// in its newer form, and one that was removed is left out.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a place that is not there, a vector that the collection lacks,
    /// or payloads that the search did not keep; [`Error::NotReady`] while the replica takes
    /// a snapshot. The context stays usable.
    pub fn fetch(&self, which: &[usize], want: &Want) -> Result<Vec<Record>, Error> {
        want.check(&self.shard.state.read().config)?;
        if !self.has_payloads && !matches!(want.payload, WantPayload::Nothing) {
            return Err(BadInput::PayloadsNotKept.into());
        }
        let mut records = Vec::with_capacity(which.len());
        let mut slots = Vec::with_capacity(which.len());
        for &place in which {
            let point = self.points.get(place).ok_or(BadInput::NoSuchPlace { place })?;
            let payload = wanted_payload(&point.payload, &want.payload)?;
            let (id, _) = self.scored[place];
            records.push(Record {
                id,
                version: point.version,
                payload,
                vectors: None,
                order_value: None,
            });
            slots.push(point.slot);
        }
        self.shard.fetch_vectors(&slots, &want.vectors, &mut records)?;
        Ok(records)
    }
}
