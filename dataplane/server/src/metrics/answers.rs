//! What was answered through one door, by what was asked for and how it ended: how often, and how
//! long it took. Names are Qdrant's, for its clients and dashboards.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, RwLock};
use vane_api::rest::telemetry::DoorTelemetry;
pub(crate) use vane_api::rest::telemetry::Responses;
use vane_types::Durations;

/// Collections that are told apart; requests of further ones count in all figures but theirs.
pub(crate) const COLLECTIONS_TOLD_APART: usize = 256;

/// Counters of one door.
#[derive(Default)]
pub(crate) struct Answers {
    /// By what was asked for. Doors name routes, not paths, so that there is an end of them.
    all: RwLock<HashMap<String, Vec<Ended>>>,
    of_collections: Mutex<BTreeMap<String, Responses>>,
}

/// Requests that ended in one way.
struct Ended {
    status: i32,
    durations: Mutex<Durations>,
}

impl Answers {
    /// Counts an answer.
    pub(crate) fn note(&self, asked: &str, status: i32, took: Duration) {
        let (us, now) = (micros(took), now_ms());
        let known = |ended: &&Ended| ended.status == status;
        // Mostly it is there: readers do not keep each other waiting.
        if let Some(ended) = self.all.read().get(asked).and_then(|all| all.iter().find(known)) {
            ended.durations.lock().note(us, now);
            return;
        }
        let mut all = self.all.write();
        let all = all.entry(asked.to_owned()).or_default();
        if !all.iter().any(|ended| ended.status == status) {
            all.push(Ended { status, durations: Mutex::default() });
        }
        if let Some(ended) = all.iter().find(known) {
            ended.durations.lock().note(us, now);
        }
    }

    /// Counts an answer about a collection, beside [`Answers::note`]. Only where there is one of
    /// that name: clients may invent others.
    pub(crate) fn note_of(&self, collection: &str, asked: &str, status: i32, took: Duration) {
        let mut of_collections = self.of_collections.lock();
        if !of_collections.contains_key(collection) {
            if of_collections.len() >= COLLECTIONS_TOLD_APART {
                return;
            }
            of_collections.insert(collection.to_owned(), Responses::new());
        }
        let Some(responses) = of_collections.get_mut(collection) else { return };
        if !responses.contains_key(asked) {
            responses.insert(asked.to_owned(), BTreeMap::new());
        }
        if let Some(by_status) = responses.get_mut(asked) {
            by_status.entry(status).or_default().note(micros(took), now_ms());
        }
    }

    /// What was counted, by collection too where that is asked for.
    pub(crate) fn telemetry(
        &self,
        per_collection: bool,
        exists: impl Fn(&str) -> bool,
    ) -> DoorTelemetry {
        let of_collections =
            if per_collection { self.read_by_collection(exists) } else { BTreeMap::new() };
        DoorTelemetry { responses: self.read(), of_collections }
    }

    /// What was counted.
    pub(crate) fn read(&self) -> Responses {
        let by_status = |ended: &Vec<Ended>| {
            ended.iter().map(|ended| (ended.status, *ended.durations.lock())).collect()
        };
        self.all.read().iter().map(|(asked, ended)| (asked.clone(), by_status(ended))).collect()
    }

    /// What was counted of each collection that there still is. Others are forgotten.
    pub(crate) fn read_by_collection(
        &self,
        exists: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, Responses> {
        let mut of_collections = self.of_collections.lock();
        of_collections.retain(|name, _| exists(name));
        of_collections.clone()
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSERT: &str = "PUT /collections/{collection_name}/points";
    const TOOK: Duration = Duration::from_millis(3);

    #[test]
    fn answers_are_counted_by_what_was_asked_for_and_by_status() {
        let answers = Answers::default();
        [200, 200, 404].into_iter().for_each(|status| answers.note(UPSERT, status, TOOK));
        let read = answers.read();
        let counts = read[UPSERT].iter().map(|(status, durations)| (*status, durations.count));
        assert_eq!(counts.collect::<Vec<_>>(), [(200, 2), (404, 1)]);
        assert_eq!(read[UPSERT][&200].total_us, 6_000);
    }

    #[test]
    fn collections_that_are_gone_make_room_for_others() {
        let answers = Answers::default();
        for n in 0..COLLECTIONS_TOLD_APART + 5 {
            answers.note_of(&format!("c{n}"), UPSERT, 200, TOOK);
        }
        let all = answers.read_by_collection(|_| true);
        assert_eq!(all.len(), COLLECTIONS_TOLD_APART);
        assert_eq!(all["c0"][UPSERT][&200].count, 1);
        assert_eq!(answers.read_by_collection(|name| name == "c0").len(), 1);
        answers.note_of("new", UPSERT, 200, TOOK);
        assert!(answers.read_by_collection(|_| true).contains_key("new"));
    }
}
