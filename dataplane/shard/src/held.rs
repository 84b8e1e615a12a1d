//! A search in two steps, for a gateway that asks many shards: first what each found, then
//! the records of those that are among the best of all.

use std::sync::Arc;
use std::time::Instant;

use vane_types::{LogIndex, PointId, Slot};

use crate::check::check_want;
use crate::error::Error;
use crate::fetch::{stored_records, wanted_payload};
use crate::request::{Record, Search, Want, WantPayload};
use crate::shard::Shard;

/// What a search found, and what is needed to answer with records of the moment it saw.
///
/// It holds payloads rather than a snapshot of the database: it may be kept while the
/// gateway makes up its mind, and old versions of the whole database need not be.
pub struct HeldSearch {
    shard: Arc<Shard>,
    scored: Vec<(PointId, f32)>,
    points: Vec<Point>,
    /// Whether the search asked for payloads, so that they are here.
    has_payloads: bool,
}

struct Point {
    slot: Slot,
    version: LogIndex,
    /// As stored.
    payload: Vec<u8>,
}

impl Shard {
    /// The best points of this shard, best first, to be fetched later. `want` of the search
    /// says what may be asked for then.
    pub fn search_held(
        self: &Arc<Self>,
        search: &Search,
        deadline: Instant,
    ) -> Result<HeldSearch, Error> {
        let (view, hits) = self.hits(search, deadline)?;
        let slots: Vec<Slot> = hits.iter().map(|it| it.slot).collect();
        let has_payloads = !matches!(search.want.payload, WantPayload::Nothing);
        let heads = if has_payloads { None } else { self.heads(&view, &slots) };
        let found: Vec<(PointId, LogIndex, Vec<u8>)> = match heads {
            Some(heads) => {
                heads.into_iter().map(|it| (it.id, LogIndex(it.version), Vec::new())).collect()
            }
            None => {
                let records = stored_records(&view, &slots)?.into_iter();
                records
                    .map(|it| {
                        (it.id, it.version, if has_payloads { it.payload } else { Vec::new() })
                    })
                    .collect()
            }
        };
        let scored = found.iter().zip(&hits).map(|((id, ..), hit)| (*id, hit.score)).collect();
        let point = |((_, version, payload), slot)| Point { slot, version, payload };
        let points = found.into_iter().zip(slots).map(point).collect();
        Ok(HeldSearch { shard: Arc::clone(self), scored, points, has_payloads })
    }
}

impl HeldSearch {
    /// Ids and scores, best first.
    pub fn scored(&self) -> &[(PointId, f32)] {
        &self.scored
    }

    /// Bytes of payloads that are kept.
    pub fn bytes(&self) -> usize {
        self.points.iter().map(|it| it.payload.len()).sum()
    }

    /// The records at some places of [`HeldSearch::scored`], in the order asked for.
    ///
    /// Payloads are those of the moment of the search. A vector that was replaced since comes
    /// in its newer form, and one that was removed is left out.
    pub fn fetch(&self, which: &[usize], want: &Want) -> Result<Vec<Record>, Error> {
        check_want(&self.shard.state.read().config, want)?;
        if !self.has_payloads && !matches!(want.payload, WantPayload::Nothing) {
            return Err(Error::BadInput("the search that is held did not ask for payloads".into()));
        }
        let out_of_range = |place: usize| {
            Error::BadInput(format!("there is no place {place} in the search that is held"))
        };
        let mut records = Vec::with_capacity(which.len());
        let mut slots = Vec::with_capacity(which.len());
        for place in which {
            let point = self.points.get(*place).ok_or_else(|| out_of_range(*place))?;
            let payload = wanted_payload(&point.payload, &want.payload)?;
            records.push(Record {
                id: self.scored[*place].0,
                version: point.version.0,
                payload,
                vectors: None,
            });
            slots.push(point.slot);
        }
        self.shard.fetch_vectors(&slots, &want.vectors, &mut records)?;
        Ok(records)
    }
}
