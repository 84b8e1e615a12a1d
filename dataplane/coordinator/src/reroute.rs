//! What is done about a command that its shard refused because the range that it was sent by
//! is not the shard's: how long to wait before the catalog is looked at again, and the parts
//! that the command falls into by what it says then. Pure.

use std::time::{Duration, Instant};

use vane_catalog::{CollectionEntry, Route};
use vane_commands::Change;

use crate::attempt::{LEADER_WAIT_MAX, PAUSE_MAX, PAUSE_MIN};

/// Tries of one write to find the shards that its points belong to.
#[derive(Debug)]
pub(crate) struct Reroute {
    until: Instant,
    pause: Duration,
}

impl Reroute {
    /// Of a write that begins now.
    pub(crate) fn new(now: Instant, deadline: Instant) -> Self {
        Self { until: deadline.min(now + LEADER_WAIT_MAX), pause: PAUSE_MIN }
    }

    /// How long to wait before the next look; `None` to give up. The catalog here may be behind
    /// the shard that refused, or the shard behind the catalog: both pass by themselves.
    pub(crate) fn pause(&mut self, now: Instant) -> Option<Duration> {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MAX);
        (now + pause < self.until).then_some(pause)
    }
}

/// The parts of a change that was refused on the way `stale`, by the collection as it is now;
/// `None` where the collection is gone, and what has its name is another.
pub(crate) fn parts(
    change: &Change,
    stale: Route,
    now: &CollectionEntry,
) -> Option<Vec<(Route, Change)>> {
    // Numbers of groups are never used twice: whose shard it is, is the same collection.
    if !now.shards.contains(&stale.group) {
        return None;
    }
    let routes = now.routes_in(stale.range.keys);
    Some(routes.filter_map(|to| Some((to, change.within(to.range.keys)?))).collect())
}

#[cfg(test)]
mod tests {
    use vane_commands::{DropIndex, Targets};
    use vane_types::{CollectionConfig, GroupId, KeyRange, PointId};

    use super::*;

    /// A collection with a shard for each of the groups.
    fn collection(groups: &[u64]) -> CollectionEntry {
        let shards = groups.iter().copied().map(GroupId).collect();
        CollectionEntry::new(CollectionConfig::default(), shards, (1, 1), String::new())
    }

    fn groups(parts: &[(Route, Change)]) -> Vec<GroupId> {
        parts.iter().map(|(route, _)| route.group).collect()
    }

    fn delete(ids: std::ops::Range<u64>) -> Change {
        let ids = ids.map(|id| PointId::num(id).to_key()).collect();
        Change::Delete(Targets { ids, ..Targets::default() })
    }

    #[test]
    fn points_go_to_the_shards_that_have_them_now_and_no_others() {
        // Shard 7 was the upper of two, and was halved: its group kept the lower half.
        let (before, now) = (collection(&[5, 7]), collection(&[5, 6, 7, 8]));
        let stale = before.route_at(1).unwrap();
        let ids: Vec<u64> = (0..200)
            .filter(|id| stale.range.keys.contains(PointId::num(*id).routing_hash()))
            .collect();
        let keys = ids.iter().map(|id| PointId::num(*id).to_key()).collect();
        let change = Change::Delete(Targets { ids: keys, ..Targets::default() });
        let found = parts(&change, stale, &now).unwrap();
        assert_eq!(groups(&found), [GroupId(7), GroupId(8)]);
        assert_eq!(found.iter().map(|(_, part)| part.keys().count()).sum::<usize>(), ids.len());
        for (route, part) in &found {
            assert_eq!(Some(part), change.within(route.range.keys).as_ref());
        }
    }

    #[test]
    fn what_is_of_a_shard_as_a_whole_goes_to_all_that_took_its_place() {
        let (before, now) = (collection(&[7]), collection(&[7, 8]));
        let change = Change::DropIndex(DropIndex { field: "f".into() });
        let found = parts(&change, before.route_at(0).unwrap(), &now).unwrap();
        assert_eq!(groups(&found), [GroupId(7), GroupId(8)]);
        assert!(found.iter().all(|(_, part)| *part == change));
    }

    #[test]
    fn a_catalog_that_says_the_same_sends_it_the_same_way_and_another_collection_gets_nothing() {
        let (same, other) = (collection(&[7]), collection(&[9]));
        let (stale, change) = (same.route_at(0).unwrap(), delete(0..3));
        assert_eq!(stale.range.keys, KeyRange::ALL);
        assert_eq!(parts(&change, stale, &same), Some(vec![(stale, change.clone())]));
        assert_eq!(parts(&change, stale, &other), None);
    }

    #[test]
    fn looks_become_rarer_and_end_in_time() {
        let now = Instant::now();
        for (patience, ends_after) in [
            (Duration::from_secs(60), LEADER_WAIT_MAX),
            (Duration::from_secs(1), Duration::from_secs(1)),
        ] {
            let (mut reroute, mut waited) = (Reroute::new(now, now + patience), Duration::ZERO);
            let mut pauses = Vec::new();
            while let Some(pause) = reroute.pause(now + waited) {
                waited += pause;
                pauses.push(pause);
            }
            assert!(pauses.is_sorted() && pauses[0] == PAUSE_MIN, "{pauses:?}");
            assert!(waited < ends_after && waited + PAUSE_MAX >= ends_after, "{waited:?}");
        }
    }
}
