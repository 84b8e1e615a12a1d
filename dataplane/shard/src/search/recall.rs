//! What searches by graphs find of what they should: a few are answered exactly as well, by
//! threads that have nothing else to do.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use vane_filter::SlotSet;
use vane_storage::segment_file::fit_into_memory;
use vane_types::{FilterClass, Slot};

use super::side_by_side::Helpers;
use super::{Hit, Searcher};
use crate::shard::Shard;
use crate::state::allowed::Allowed;

impl Shard {
    /// Has an idle thread answer a search exactly, if it is its turn; nobody waits for that.
    pub(super) fn measure_recall(
        &self,
        searcher: &Arc<Searcher>,
        found: &[Hit],
        helpers: &dyn Helpers,
    ) {
        let has_graph = searcher.vector.sealed.iter().any(|sealed| sealed.graph.is_some());
        let is_plain = searcher.params.exact || searcher.params.indexed_only;
        let is_near = searcher.measure.near().is_some();
        if !has_graph || !is_near || is_plain || found.is_empty() || !self.recall.is_due() {
            return;
        }
        // All rows are looked at: they must not come from a disk, nor drive others out of memory.
        if searcher.vector.on_disk || !fit_into_memory() {
            return;
        }
        let Some(turn) = self.settings.spare_time.take(Instant::now()) else { return };
        let (searcher, meter) = (Arc::clone(searcher), Arc::clone(&self.recall));
        let (found, turn) = (found.to_vec(), Mutex::new(Some(turn)));
        let work = move || {
            let Some(mut turn) = turn.lock().take() else { return };
            turn.begin();
            // One that is late, or meets damage, says nothing of recall.
            if let Ok(exact) = searcher.exactly() {
                let share = searcher.share_found(&found, &exact);
                let class = searcher.class();
                meter.add(class, share);
                match searcher.min_recall {
                    None => meter.pursuit.forget(),
                    // One that says itself how many it keeps is none of the collection's.
                    Some(_) if searcher.params.ef.is_some() => {}
                    Some(target) => meter.pursue(class, share, target),
                }
            }
        };
        // Where nobody takes it the turn goes with it.
        helpers.offer(1, &(Arc::new(work) as Arc<dyn Fn() + Send + Sync>));
    }
}

/// How much a filter leaves.
pub(super) fn class_of(allowed: Option<&Allowed>, live: &SlotSet) -> FilterClass {
    FilterClass::of(allowed.map(|allowed| allowed.slots.len()), live.len())
}

impl Searcher {
    /// The best rows, all of them scored.
    fn exactly(&self) -> Result<Vec<Hit>, crate::error::Error> {
        let mut best = Vec::new();
        for number in 0..self.parts() {
            best.extend(self.part_exactly(number)?);
            self.keep_best(&mut best);
        }
        Ok(best)
    }

    /// How much of the best rows was found. One that scores as the last of them is as good.
    fn share_found(&self, found: &[Hit], exact: &[Hit]) -> f64 {
        let Some(last) = exact.last() else { return 1.0 };
        let best: HashSet<Slot> = exact.iter().map(|hit| hit.slot).collect();
        let is_as_good = |hit: &Hit| {
            self.measure.best_first(self.vector.distance, hit.score, last.score)
                != std::cmp::Ordering::Greater
        };
        let hits = found.iter().filter(|hit| best.contains(&hit.slot) || is_as_good(hit)).count();
        hits.min(exact.len()) as f64 / exact.len() as f64
    }

    /// How much its filter leaves.
    fn class(&self) -> FilterClass {
        class_of(self.allowed.as_deref(), &self.live)
    }
}
