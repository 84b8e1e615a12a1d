//! What became of the requests of the last entries, so that a copy is not applied again.
//!
//! Replicated state: which outcomes are known at an index is a pure function of the log. A
//! request says behind which index all its copies lie; one that may have left the table is
//! refused, never applied on suspicion.

use std::collections::{HashMap, VecDeque};

use vane_raft::Answer;
use vane_types::command::{DEDUPE_WINDOW, RequestId};
use vane_types::{LogIndex, Refusal};

/// Names of the stored outcomes begin with this; the index of the entry follows.
pub(crate) const PREFIX: &[u8] = b"request/";

/// Session and sequence.
type Name = (u64, u64);

/// Outcomes by request, for entries with an index above that of the last minus the window.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// Oldest first.
    entries: VecDeque<(LogIndex, Name)>,
    /// `None` for those that were applied.
    refusals: HashMap<Name, Option<Box<Refusal>>>,
}

impl Requests {
    /// What an entry with this request is to be answered without being applied; `None` when
    /// it is the first copy.
    pub(crate) fn answer(&self, request: &RequestId, index: LogIndex) -> Option<Answer> {
        if index.saturating_since(LogIndex(request.basis)) > DEDUPE_WINDOW {
            return Some(Err(Refusal::Expired));
        }
        let refusal = self.refusals.get(&(request.session, request.sequence))?;
        Some(refusal.as_ref().map_or(Ok(()), |refusal| Err((**refusal).clone())))
    }

    /// Entries whose outcome is not known any more once `index` is applied.
    pub(crate) fn leaving(&self, index: LogIndex) -> impl Iterator<Item = LogIndex> {
        self.entries
            .iter()
            .map(|(entry, _)| *entry)
            .take_while(move |entry| has_left(*entry, index))
    }

    /// Takes the outcome of a request up.
    pub(crate) fn insert(&mut self, index: LogIndex, request: &RequestId, answer: &Answer) {
        let name = (request.session, request.sequence);
        self.entries.push_back((index, name));
        self.refusals.insert(name, answer.as_ref().err().cloned().map(Box::new));
    }

    /// The same from its stored form; `None` when that cannot be read.
    pub(crate) fn insert_stored(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let index = key.strip_prefix(PREFIX)?.try_into().map(u64::from_be_bytes).ok()?;
        let (session, rest) = value.split_first_chunk()?;
        let (sequence, refusal) = rest.split_first_chunk()?;
        let (session, sequence) = (u64::from_be_bytes(*session), u64::from_be_bytes(*sequence));
        let answer = match refusal {
            [] => Ok(()),
            json => Err(serde_json::from_slice(json).ok()?),
        };
        // The basis is not stored: a copy is judged by the one that it brings itself.
        self.insert(LogIndex(index), &RequestId { session, sequence, basis: 0 }, &answer);
        Some(())
    }

    /// Forgets what [`Requests::leaving`] says.
    pub(crate) fn forget(&mut self, index: LogIndex) {
        while let Some((_, name)) =
            self.entries.front().filter(|(entry, _)| has_left(*entry, index))
        {
            self.refusals.remove(name);
            self.entries.pop_front();
        }
    }
}

fn has_left(entry: LogIndex, index: LogIndex) -> bool {
    index.saturating_since(entry) >= DEDUPE_WINDOW
}

/// Name that an outcome is stored under.
pub(crate) fn key(index: LogIndex) -> Vec<u8> {
    [PREFIX, &index.0.to_be_bytes()].concat()
}

/// Stored form of an outcome: session, sequence, and JSON of the refusal if it was refused.
pub(crate) fn encode(request: &RequestId, answer: &Answer) -> Vec<u8> {
    let mut bytes = [request.session.to_be_bytes(), request.sequence.to_be_bytes()].concat();
    if let Err(refusal) = answer {
        bytes.extend(serde_json::to_vec(refusal).expect("a refusal is plain data"));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(sequence: u64, basis: u64) -> RequestId {
        RequestId { session: 7, sequence, basis }
    }

    #[test]
    fn an_outcome_is_known_for_exactly_the_window() {
        let mut requests = Requests::default();
        requests.insert(LogIndex(10), &request(1, 9), &Ok(()));
        requests.insert(LogIndex(11), &request(2, 9), &Err(Refusal::Invalid("no".into())));
        let last = LogIndex(9 + DEDUPE_WINDOW);
        requests.forget(last);
        assert_eq!(
            requests.answer(&request(1, 9), last),
            Some(Ok(())),
            "the last place a copy can be at"
        );
        assert_eq!(requests.answer(&request(1, 9), last + 1), Some(Err(Refusal::Expired)));
        assert_eq!(requests.leaving(last + 1).collect::<Vec<_>>(), [LogIndex(10)]);
        requests.forget(last + 1);
        assert_eq!(
            requests.answer(&request(2, 10), last + 1),
            Some(Err(Refusal::Invalid("no".into())))
        );
        assert_eq!(requests.answer(&request(3, last.0), last + 1), None);
        requests.forget(last + 2);
        assert!(requests.entries.is_empty() && requests.refusals.is_empty());
    }

    #[test]
    fn outcomes_read_back() {
        let refused = Err(Refusal::PointNotFound(8.into()));
        let mut requests = Requests::default();
        for (index, answer) in [(3, Ok(())), (4, refused.clone())] {
            let stored = encode(&request(index, 0), &answer);
            requests.insert_stored(&key(LogIndex(index)), &stored).unwrap();
            assert_eq!(requests.answer(&request(index, 2), LogIndex(5)), Some(answer));
            assert!(requests.insert_stored(&key(LogIndex(index)), &stored[..9]).is_none());
        }
        assert!(requests.insert_stored(b"request/1", &[0; 16]).is_none());
    }
}
