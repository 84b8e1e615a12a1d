//! Whether a new collection would be spread as it should be. Pure.
//!
//! Copies stay where they are put when a collection is made, so it waits for the nodes that
//! its cluster asks for: each must have joined, and the database must know its zone. What the
//! database knows counts, not what is ready: a node that is away later holds nothing up. Nor
//! does one that never comes, for ever: a machine that is broken must not keep a cluster that
//! works from taking a collection that fits on the others.

use std::time::Duration;

use jiff::Timestamp;
use vane_proto::admin;

use crate::database::Database;

/// Time in which nodes join, after the founding and after their pods were made. Longer than
/// it takes to pull an image and to attach a volume.
const JOINING_MAX: Duration = Duration::from_secs(300);
/// Nodes that are named in one message.
const NAMED_MAX: usize = 3;

/// A pod that there should be.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Name of the pod, by which the database knows the node.
    pub(super) name: String,
    /// When the pod was made; none while it is not there.
    pub(super) made: Option<Timestamp>,
    /// Zone of the pod's machine, where the machine names one.
    pub(super) zone: Option<String>,
}

impl Wanted {
    /// A pod that is not there.
    pub(super) fn absent(name: String) -> Self {
        Self { name, made: None, zone: None }
    }
}

/// What a new collection waits for; none when it does not. `founded` is when the database
/// was, where that is known.
pub(super) fn awaited<'a>(
    wanted: impl IntoIterator<Item = &'a Wanted>,
    nodes: Vec<admin::Node>,
    founded: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let database = Database { nodes, ..Database::default() };
    let known = database.newest();
    let mut missing = Vec::new();
    for pod in wanted {
        let Some(why) = why_missing(pod, known.get(pod.name.as_str()).copied()) else { continue };
        // What is not known is taken to be of this moment.
        let since = founded.unwrap_or(now).max(pod.made.unwrap_or(now));
        // An operator's clock may be behind that of the API server: that is no age at all.
        if age(now, since) < JOINING_MAX {
            missing.push(format!("{} {why}", pod.name));
        }
    }
    let named: Vec<&str> = missing.iter().take(NAMED_MAX).map(String::as_str).collect();
    let named = named.join(", ");
    match missing.len().saturating_sub(NAMED_MAX) {
        _ if missing.is_empty() => None,
        0 => Some(named),
        more => Some(format!("{named}, and {more} more")),
    }
}

fn why_missing(pod: &Wanted, node: Option<&admin::Node>) -> Option<&'static str> {
    match (node, &pod.zone, pod.made) {
        (Some(node), Some(zone), _) if node.zone != *zone => {
            Some("stands in a zone that the database does not know yet")
        }
        (Some(_), ..) => None,
        (None, _, Some(_)) => Some("has not joined yet"),
        (None, _, None) => Some("is not there yet"),
    }
}

fn age(now: Timestamp, since: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("the second is in range")
    }

    fn wanted(name: &str, made: Option<i64>, zone: Option<&str>) -> Wanted {
        Wanted { name: name.into(), made: made.map(at), zone: zone.map(str::to_owned) }
    }

    fn node(id: u64, name: &str, zone: &str) -> admin::Node {
        admin::Node { id, name: name.into(), zone: zone.into(), ..admin::Node::default() }
    }

    /// With a founding so many seconds ago.
    fn awaited_after(seconds: i64, wanted: &[Wanted], nodes: &[admin::Node]) -> Option<String> {
        awaited(wanted, nodes.to_vec(), Some(at(NOW - seconds)), at(NOW))
    }

    #[test]
    fn every_node_is_waited_for_and_its_zone() {
        let pods = [
            wanted("demo-0", Some(NOW - 900), Some("a")),
            wanted("demo-1", Some(NOW - 900), Some("b")),
        ];
        let told = |nodes: &[admin::Node]| awaited_after(2, &pods, nodes).unwrap_or_default();
        assert_eq!(told(&[node(1, "demo-0", "a")]), "demo-1 has not joined yet");
        let why = "demo-1 stands in a zone that the database does not know yet";
        assert_eq!(told(&[node(1, "demo-0", "a"), node(2, "demo-1", "")]), why);
        assert_eq!(told(&[node(1, "demo-0", "a"), node(2, "demo-1", "b")]), "");
        let missing = [wanted("demo-0", None, None)];
        assert_eq!(
            awaited(&missing, Vec::new(), None, at(NOW)).as_deref(),
            Some("demo-0 is not there yet")
        );
    }

    #[test]
    fn a_node_that_joined_holds_nothing_up_when_it_is_away() {
        let nodes = [node(1, "demo-0", "a")];
        for pod in [wanted("demo-0", None, None), wanted("demo-0", Some(NOW - 1), None)] {
            assert_eq!(awaited_after(900, &[pod], &nodes), None);
        }
    }

    #[test]
    fn a_node_that_never_comes_is_waited_for_so_long() {
        let waits = |founded, made| {
            awaited_after(founded, &[wanted("demo-3", Some(NOW - made), None)], &[]).is_some()
        };
        assert!(waits(10, 900) && waits(900, 10), "since the later of the two");
        assert!(!waits(301, 900) && !waits(900, 301));
    }

    #[test]
    fn many_are_counted() {
        let pods: Vec<Wanted> =
            (0..5).map(|pod| wanted(&format!("demo-{pod}"), Some(NOW), None)).collect();
        assert!(awaited_after(0, &pods, &[]).is_some_and(|told| told.ends_with(", and 2 more")));
    }
}
