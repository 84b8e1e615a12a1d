//! What became of the requests of the last entries, so that a copy of a change is not made again.
//!
//! Replicated state, as a shard's is: which outcomes are known at an index is a pure function of
//! the log. A request says behind which index all its copies lie; one whose outcome may be
//! forgotten is refused, never made on suspicion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vane_raft::Answer;
use vane_types::command::{DEDUPE_WINDOW, RequestId};
use vane_types::planted::{self, Fault};
use vane_types::text::shorten;
use vane_types::{LogIndex, Refusal};

/// Bytes of a refusal's text that are remembered. Names that clients make up are in it.
pub(crate) const REFUSAL_BYTES_MAX: usize = 512;

/// Session and sequence.
type Name = (u64, u64);

/// Outcomes by request, of at most [`DEDUPE_WINDOW`] entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Requests {
    outcomes: BTreeMap<LogIndex, Remembered>,
    /// Where the outcome of each request is.
    places: BTreeMap<Name, LogIndex>,
}

/// The outcome of a request, as it is on disk. The basis is not kept: a copy is judged by the one
/// that it brings itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) session: u64,
    pub(crate) sequence: u64,
    /// Absent where the change was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<Refusal>,
}

impl Requests {
    /// Requests whose outcomes are known.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether no outcome is known.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// What an entry with this request is to be answered without a change; `None` when it is the
    /// first copy.
    pub(crate) fn answer(&self, request: &RequestId, index: LogIndex) -> Option<Answer> {
        if planted::is(Fault::MetaCopyAgain) {
            return None;
        }
        if index.saturating_since(LogIndex(request.basis)) > DEDUPE_WINDOW {
            return Some(Err(Refusal::Expired));
        }
        let place = self.places.get(&(request.session, request.sequence))?;
        let Remembered { refusal, .. } = self.outcomes.get(place)?;
        Some(refusal.clone().map_or(Ok(()), Err))
    }

    /// Takes the outcome of an entry's request up and forgets those that no copy can come so late
    /// for; the entries that are no longer, or only now, among them.
    pub(crate) fn remember(
        &mut self,
        index: LogIndex,
        request: &RequestId,
        answer: &Answer,
    ) -> Vec<LogIndex> {
        let RequestId { session, sequence, .. } = *request;
        let refusal = answer.as_ref().err().cloned().map(shortened);
        self.insert(index, Remembered { session, sequence, refusal });
        let mut changed = vec![index];
        while let Some(first) = self.outcomes.first_entry() {
            if index.saturating_since(*first.key()) < DEDUPE_WINDOW {
                break;
            }
            let (left, Remembered { session, sequence, .. }) = first.remove_entry();
            self.places.remove(&(session, sequence));
            changed.push(left);
        }
        changed
    }

    pub(crate) fn insert(&mut self, index: LogIndex, remembered: Remembered) {
        self.places.insert((remembered.session, remembered.sequence), index);
        self.outcomes.insert(index, remembered);
    }

    pub(crate) fn at(&self, index: LogIndex) -> Option<&Remembered> {
        self.outcomes.get(&index)
    }
}

/// A refusal with a text of bounded length.
fn shortened(mut refusal: Refusal) -> Refusal {
    match &mut refusal {
        Refusal::AlreadyExists(text)
        | Refusal::NotFound(text)
        | Refusal::Invalid(text)
        | Refusal::Conflict(text) => {
            shorten(text, REFUSAL_BYTES_MAX);
        }
        Refusal::PointNotFound(_)
        | Refusal::StaleRoute
        | Refusal::TooMuch
        | Refusal::OutOfSlots
        | Refusal::Expired => {}
    }
    refusal
}
