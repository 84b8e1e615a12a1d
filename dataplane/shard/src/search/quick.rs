//! Which searches surely end within a millisecond or two, so that handing them to another thread
//! would cost more than it saves: docs/decisions/0008.

use std::time::Instant;

use vane_storage::segment_file::fit_into_memory;
use vane_types::Residence;

use crate::error::Error;
use crate::request::{Search, Sought};
use crate::search::parts::Effort;
use crate::search::{Prepared, Searcher};
use crate::segments::sealed::Residences;
use crate::shard::Shard;
use crate::state::filter_indexes::FilterIndexes;
use crate::state::vector::VectorState;
use crate::state::{State, residences};

/// Values of payload indexes, as they are counted there, that are looked up within half a
/// millisecond.
const LOOKUPS_MAX: usize = 1 << 15;
/// Points of a shard up to which their sets are joined in some ten microseconds.
const POINTS_MAX: u64 = 1 << 21;
/// How many times as long a walk takes that has to look for rows that match.
const FILTERED_WALK: usize = 8;

impl Shard {
    /// A search that is sure to end soon: it walks graphs of bounded effort, or few rows match, few
    /// lie outside graphs, and nothing has to come from a disk. `None` where that is not sure.
    ///
    /// # Errors
    /// As [`Shard::prepare`].
    pub fn prepare_quick(
        &self,
        search: &Search,
        deadline: Instant,
    ) -> Result<Option<Prepared<'_>>, Error> {
        if !self.may_be_quick(search) {
            return Ok(None);
        }
        let asked = self.asked(search)?;
        let (view, vector) = self.vector_view(search.filter.as_ref(), &search.using)?;
        // What the indexes do not say for sure is looked up in points, on the disk.
        if !view.is_resolved() {
            return Ok(None);
        }
        let prepared = self.prepare_in((view, vector), search, asked, deadline)?;
        Ok(prepared.searcher.is_quick().then_some(prepared))
    }

    /// Whether it is worth a look: what can be told without a look-up of the filter.
    fn may_be_quick(&self, search: &Search) -> bool {
        // What scores every row says nothing of its effort before.
        if search.params.exact || matches!(search.sought, Sought::Examples(_)) {
            return false;
        }
        let (filter, indexes) = {
            let state = self.state.read();
            // An unknown vector is refused at once.
            let Some((_, vector)) = state.vector(&search.using) else { return true };
            if !in_memory(&state, vector) {
                return false;
            }
            match search.filter.as_ref().filter(|filter| !filter.is_empty()) {
                None => return true,
                Some(_) if state.live.len() > POINTS_MAX => return false,
                Some(filter) => (filter, FilterIndexes::of(&state)),
            }
        };
        indexes.is_known(filter)
            || indexes.lookups(filter).is_some_and(|lookups| lookups <= LOOKUPS_MAX)
    }
}

/// Whether all that a vector's rows and indexes are in lies in memory. Where mapped files outgrow
/// the memory, a page of theirs may be a wait for the disk: on a thread that serves connections all
/// of those would wait.
pub(crate) fn in_memory(state: &State, vector: &VectorState) -> bool {
    let Residences { rows, graph } = residences(&state.config, vector);
    let is_cold = [rows, graph].contains(&Residence::Cold) || !fit_into_memory();
    vector.sealed.is_empty() || !is_cold
}

impl Searcher {
    fn is_quick(&self) -> bool {
        let memory = self.vector.memory.iter().flatten().map(|chunk| chunk.slots.len()).sum();
        let times = if self.allowed.is_some() { FILTERED_WALK } else { 1 };
        let ef = self.ef.max(self.k).saturating_mul(times);
        let effort = Effort::of(&self.vector.sealed, memory, ef).at_most(self.matching_at_most());
        effort.is_quick(self.vector.width)
    }
}
