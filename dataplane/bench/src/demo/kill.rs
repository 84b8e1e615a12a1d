//! Kills the leader of a shard in the middle of searches and writes, and brings it back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vane_testbed::Admin;

use super::COLLECTION;
use super::search::K;
use super::vane::{Node, Vane};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::failover::Failover;
use crate::load::bar;
use crate::pulse::Pulse;

/// Points of one write: enough for some of every shard.
const WRITTEN_AT_ONCE: usize = 30;
/// Time of searches and writes before the kill.
const BEFORE: Duration = Duration::from_secs(1);
/// Searches and writes that must work after the kill before it counts as over.
const AFTER: usize = 50;
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the demo did to the cluster while a node was down.
pub(super) struct Outage {
    /// Name of the killed node.
    pub(super) victim: String,
    /// Number of the last acknowledged write. Each rewrites some points with its number as
    /// their revision; at most one more was sent.
    pub(super) acknowledged: usize,
}

impl Outage {
    /// The least revision that a point must have now; 0 if none of the writes met it.
    pub(super) fn revision_of(&self, point: usize, points: usize) -> usize {
        // So many writes go round through all points once.
        let round = points / WRITTEN_AT_ONCE + 2;
        (1..=self.acknowledged)
            // From the last one: a point has what the newest write gave it.
            .rev()
            .take(round)
            .find(|write| written_by(*write, points).any(|written| written == point))
            .unwrap_or(0)
    }
}

/// The points that write number `write` rewrites.
fn written_by(write: usize, points: usize) -> impl Iterator<Item = usize> {
    (0..WRITTEN_AT_ONCE.min(points)).map(move |i| (write * WRITTEN_AT_ONCE + i) % points)
}

/// Searches and writes, kills the node that leads a shard, and tells how long both paused.
pub(super) fn leader(data: &Dataset, nodes: &[Node], shards: usize) -> Result<Outage, Error> {
    let admin = nodes[0].admin()?;
    // A meta group of one vote would stop with the node that has it.
    admin.wait_voters(nodes.len())?;
    let (ordinal, leader) = first_led(&admin)?;
    let victim = nodes.iter().find(|node| node.name == leader);
    let victim = victim.ok_or_else(|| Error::node(leader, "`vane status` does not know it"))?;
    println!(
        "\nWhile searches and writes go on, {} is killed (kill -9). \
         It leads shard {} of {shards}.",
        victim.name,
        ordinal + 1,
    );
    let urls: Vec<String> = nodes.iter().map(|node| node.url.clone()).collect();
    let (searches, writes, acknowledged) =
        (Pulse::default(), Pulse::default(), AtomicUsize::new(0));
    let killed = std::thread::scope(|scope| {
        scope.spawn(|| search(&searches, data, &urls));
        scope.spawn(|| write(&writes, &acknowledged, data, &urls));
        let killed = kill(victim, &searches, &writes);
        searches.end();
        writes.end();
        killed
    })?;
    let acknowledged = acknowledged.into_inner();
    println!(
        "  For {:.2} s no search was answered, for {:.2} s no write acknowledged: \
         the others elected leaders.",
        searches.longest_gap(killed).as_secs_f64(),
        writes.longest_gap(killed).as_secs_f64()
    );
    println!(
        "  In all {} searches and {acknowledged} writes; \
         {} and {} attempts failed and were made again.",
        searches.count(),
        searches.failures(),
        writes.failures()
    );
    Ok(Outage { victim: victim.name.clone(), acknowledged })
}

/// The first shard that has a leader, and the name of the node that leads it.
fn first_led(admin: &Admin) -> Result<(u32, String), Error> {
    let (ordinal, leader) = vane_testbed::wait_until("a shard to have a leader", TIMEOUT, || {
        admin.shards(COLLECTION).ok()?.into_iter().find_map(|shard| {
            let leader = shard.group?.leader_node;
            (leader > 0).then_some((shard.ordinal, leader))
        })
    })?;
    Ok((ordinal, admin.name_of(leader)?))
}

/// The time of the kill, once searches and writes work again.
fn kill(victim: &Node, searches: &Pulse, writes: &Pulse) -> Result<Instant, Error> {
    let bar = bar("searching", 0, "{msg:>10} {spinner} {elapsed}");
    bar.enable_steady_tick(Duration::from_millis(100));
    // Before the kill: a pause is measured between two successes.
    searches.wait_for(1, TIMEOUT)?;
    writes.wait_for(1, TIMEOUT)?;
    vane_testbed::pause(BEFORE);
    let killed = Instant::now();
    victim.kill()?;
    searches.wait_for(AFTER, TIMEOUT)?;
    writes.wait_for(AFTER, TIMEOUT)?;
    bar.finish_and_clear();
    Ok(killed)
}

fn search(searches: &Pulse, data: &Dataset, urls: &[String]) {
    let (mut client, mut turn) = (Failover::new(urls, 0), 0);
    searches.run(|| {
        let body = json!({"query": data.queries[turn % data.queries.len()].vector, "limit": K});
        let found = client.attempt(|node| node.query(COLLECTION, &body))?;
        turn += 1;
        // An answer that lacks a shard must not pass for one.
        if found.len() == K { Ok(()) } else { Err(Error::node("a search", "it found too few")) }
    });
}

fn write(writes: &Pulse, acknowledged: &AtomicUsize, data: &Dataset, urls: &[String]) {
    let mut client = Failover::new(urls, 0);
    writes.run(|| {
        // The same number until it is acknowledged, so that at most one more was sent.
        let number = acknowledged.load(Ordering::Relaxed) + 1;
        let points = written_by(number, data.len()).map(|i| {
            let mut payload = data.payloads[i].clone();
            payload["revision"] = number.into();
            json!({"id": i, "vector": data.vector(i), "payload": payload})
        });
        let body = json!({"points": points.collect::<Vec<_>>()});
        let path = format!("/collections/{COLLECTION}/points?wait=true");
        let _written: Value = client.attempt(|node| node.send("PUT", &path, &body))?;
        acknowledged.store(number, Ordering::Relaxed);
        Ok(())
    });
}

/// Has `vane up` start the killed node on its disk, and waits until it has what it missed.
pub(super) fn bring_back(vane: &Vane, nodes: &[Node], outage: &Outage) -> Result<(), Error> {
    println!();
    let start = Instant::now();
    vane.up(true)?;
    let started = start.elapsed();
    nodes[0].admin()?.wait_caught_up(COLLECTION, 0)?;
    println!(
        "{} was started again on its disk: ready after {:.1} s, \
         and after {:.1} s it had every write it missed.",
        outage.victim,
        started.as_secs_f64(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_written_in_its_turn() {
        let outage = Outage { victim: "demo-0".to_owned(), acknowledged: 5 };
        assert_eq!(outage.revision_of(WRITTEN_AT_ONCE, 1000), 1);
        assert_eq!(outage.revision_of(5 * WRITTEN_AT_ONCE + 3, 1000), 5);
        assert_eq!(outage.revision_of(0, 1000), 0);
        // 90 points: write 3 begins anew.
        assert_eq!(outage.revision_of(0, 90), 3);
        assert_eq!(outage.revision_of(89, 90), 5);
    }
}
