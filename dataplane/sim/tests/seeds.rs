//! The cluster keeps its promises on many seeds, and the checks see when it does not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use vane_sim::{Bug, Options, Report, run, sweep};

const SEEDS: std::ops::Range<u64> = 0..500;

fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// How many seeds from 0 on it took stands beside each test, as of when it was written.
fn is_found(bug: Bug, by: &[&str]) {
    let mut failure = None;
    let options = Options { bug: Some(bug), ..Options::default() };
    sweep(SEEDS, jobs(), options, |report| {
        failure = report.failure;
        failure.is_none()
    })
    .unwrap();
    let why = failure.unwrap_or_else(|| panic!("{bug:?} was not found within {SEEDS:?}"));
    assert!(
        by.iter().any(|text| why.contains(text)),
        "{bug:?} was found for another reason: {why}"
    );
}

/// What must have happened to the clusters for their good health to mean anything.
const SUFFERED: [&str; 33] = [
    "asked",
    "bit flipped",
    "collection deleted",
    "collection made",
    "crash",
    "cut one way",
    "destroyed",
    "freeze",
    "installed",
    "isolate",
    "job",
    "leased",
    "parameters changed",
    "put back",
    "quiet",
    "reconfigure",
    "recorded",
    "refused",
    "restored",
    "settle",
    "snapshot made",
    "snapshot sent",
    "split",
    "start",
    "stays shut",
    "stop",
    "sync failed",
    "transfer",
    "vector added",
    "vector removed",
    "vector replaced",
    "vote",
    "whole",
];

#[test]
fn no_seed_gives_an_alarm() {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut failed = None;
    sweep(SEEDS, jobs(), Options::default(), |report| {
        report.counts.iter().for_each(|(what, count)| *counts.entry(what).or_default() += count);
        failed = Some(report).filter(|report| report.failure.is_some());
        failed.is_none()
    })
    .unwrap();
    if let Some(Report { seed, failure, .. }) = failed {
        panic!("replay with `vane-sim --seed {seed} --trace`: {failure:?}");
    }
    for what in SUFFERED {
        let count = counts.get(what).copied().unwrap_or(0);
        assert!(count >= 40, "{what} happened only {count} times: {counts:?}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in [7, 77, 777] {
        let options = Options { seed, ..Options::default() };
        let (first, second) =
            (run(options).unwrap(), run(Options { trace: true, ..options }).unwrap());
        assert_eq!((first.hash, first.events), (second.hash, second.events), "seed {seed}");
        let other = run(Options { seed: seed + 1, ..options }).unwrap();
        assert_ne!(first.hash, other.hash);
    }
}

/// It took 1 seed.
#[test]
fn an_acknowledgement_before_the_sync_is_found() {
    is_found(
        Bug::AckBeforeFsync,
        &[
            "raft.db has lost entries",
            "its votes are lost",
            "is out of range",
            "another entry",
            "acknowledged",
        ],
    );
}

/// It took 31 seeds.
#[test]
fn a_forgotten_vote_is_found() {
    is_found(Bug::VoteForgotten, &["voted in term", "lead in term"]);
}

/// It took 2 seeds.
#[test]
fn a_truncation_past_what_is_applied_is_found() {
    is_found(Bug::TruncationPastApplied, &["is not in the log", "data is incomplete"]);
}

/// It took 1 seed.
#[test]
fn a_request_that_is_applied_twice_is_found() {
    is_found(Bug::DoubleApply, &["the log says", "is Ok("]);
}

/// It took 9 seeds, and some hundreds until the search found it as well.
#[test]
fn a_stale_read_is_found_by_the_logs_order_and_by_the_search() {
    let (mut order, mut search) = (0, 0);
    let options = Options { bug: Some(Bug::StaleRead), ..Options::default() };
    sweep(SEEDS, jobs(), options, |report| {
        let failure = report.failure.unwrap_or_default();
        order += u32::from(failure.contains("was answered"));
        search += u32::from(failure.contains("have no linear order"));
        order == 0 || search == 0
    })
    .unwrap();
    assert!(
        order > 0 && search > 0,
        "found {order} times by the order and {search} times by the search"
    );
}

/// It took 20 seeds.
#[test]
fn a_read_that_no_majority_confirmed_is_found() {
    is_found(Bug::ReadUnconfirmed, &["was answered", "have no linear order"]);
}

/// It took 2 seeds.
#[test]
fn a_follower_that_reads_without_its_leaders_word_is_found() {
    is_found(Bug::ReadUntold, &["was answered", "have no linear order"]);
}

/// It took 109 seeds.
#[test]
fn an_acknowledgement_that_the_leaders_word_lacks_is_found() {
    is_found(Bug::AckUnshown, &["was answered", "have no linear order"]);
}

/// It took 185 seeds.
#[test]
fn a_leader_that_waits_for_none_that_has_a_lease_is_found() {
    is_found(Bug::LeaseUnkept, &["was answered", "have no linear order"]);
}

/// It took 8 seeds.
#[test]
fn a_follower_with_a_lease_that_does_not_read_its_own_log_is_found() {
    is_found(Bug::LeaseUnread, &["was answered", "have no linear order"]);
}

/// It took 202 seeds.
#[test]
fn an_acknowledgement_before_the_write_is_found() {
    let mut found = None;
    let options = Options { bug: Some(Bug::AckBeforeWrite), ..Options::default() };
    sweep(SEEDS, jobs(), options, |report| {
        // A follower that forgot what its leader believes it has may also just stay behind, which
        // shows no more than that something is wrong: later seeds show what.
        let stays_behind = ["has not got its", "has not heard of its vectors"];
        let is_plain = |why: &String| !stays_behind.iter().any(|text| why.contains(text));
        found = report.failure.filter(is_plain);
        found.is_none()
    })
    .unwrap();
    let why = found.unwrap_or_else(|| panic!("it was not found within {SEEDS:?}"));
    let says = ["is out of range", "another entry", "acknowledged", "voted in term"];
    assert!(says.iter().any(|text| why.contains(text)), "found for another reason: {why}");
}

/// It took 3 seeds.
#[test]
fn members_that_change_when_the_change_is_logged_are_found() {
    is_found(Bug::ConfAtAppend, &["applied another entry"]);
}

/// It took 2 seeds.
#[test]
fn a_vote_for_a_learner_that_is_behind_is_found() {
    is_found(Bug::PromoteTooEarly, &["is to vote and is not caught up"]);
}

/// It took 8 seeds.
#[test]
fn a_replica_that_goes_because_the_catalog_does_not_name_it_is_found() {
    is_found(Bug::RemoveUnproven, &["is destroyed, the members are"]);
}

/// It took 8 seeds.
#[test]
fn a_peer_id_that_is_given_twice_is_found() {
    is_found(Bug::PeerIdTwice, &["is a member again"]);
}

/// It took 1 seed.
#[test]
fn a_copy_of_a_change_of_the_catalog_that_is_made_again_is_found() {
    is_found(Bug::MetaCopyAgain, &["and changed the state"]);
}

/// It took 1 seed.
#[test]
fn a_forgotten_copy_of_a_write_is_found() {
    is_found(Bug::ForgetUnknown, &["was said to have done nothing"]);
}

/// It took 1 seed.
#[test]
fn a_delete_that_is_lost_in_sealing_is_found() {
    is_found(Bug::SealTheDead, &["a search by", "it has a vector but no record"]);
}

/// It took 1 seed.
#[test]
fn a_delete_that_is_lost_in_merging_is_found() {
    // Or its slot has no place in memory any more, which ends the job that publishes it.
    let no_place = "segments/jobs/publish.rs";
    is_found(Bug::MergeTheDead, &["a search by", "it has a vector but no record", no_place]);
}

/// It took 1 seed.
#[test]
fn a_digest_that_is_not_brought_up_to_date_is_found() {
    // The scrub adds up anew, and finds no other reason.
    is_found(Bug::DigestOfTheFirst, &["its digest says", "its disk gave back what was written"]);
}

/// It took 4 seeds.
#[test]
fn a_vector_that_gets_the_id_of_another_is_found() {
    is_found(
        Bug::VectorIdAgain,
        &[
            "has vectors",
            "its digest says",
            "was meant for another",
            // What the disk has of the earlier vector is not what the later one has.
            "its disk gave back what was written",
        ],
    );
}

/// It took 58 seeds.
#[test]
fn a_vector_that_is_taken_for_another_of_its_name_is_found() {
    is_found(Bug::VectorByName, &["was taken at", "was meant for another"]);
}

/// It took 14 seeds.
#[test]
fn a_change_by_filter_that_is_not_looked_at_again_is_found() {
    let says = ["the log says", "is Ok(", "have no linear order", "was refused at", "was taken at"];
    is_found(Bug::FilterOnce, &says);
}

/// It took 5 seeds.
#[test]
fn a_snapshot_without_its_index_is_found() {
    is_found(Bug::SnapshotWithoutItsIndex, &["is given entry", "differs", "told of"]);
}

/// It took 1 seed.
#[test]
fn a_vote_before_the_snapshot_is_installed_is_found() {
    is_found(Bug::VoteBeforeInstall, &["without data"]);
}

/// It took 1 seed.
#[test]
fn a_start_from_the_past_that_is_taken_is_found() {
    // A leader that counts what an older copy acknowledged never sends it to the newest disk.
    let behind = "a replica has not got its entries";
    // Or it counts them for an entry that the newest disk never had.
    let elsewhere = "applied to another state";
    let says =
        ["voted in term", "another entry", "acknowledged", "nobody refuses it", behind, elsewhere];
    is_found(Bug::StaleStartAccepted, &says);
}

#[test]
fn every_bug_has_a_name_of_its_own() {
    for (at, bug) in Bug::ALL.iter().enumerate() {
        assert!(!Bug::ALL[..at].contains(bug), "{bug:?} is twice in the list");
    }
}
