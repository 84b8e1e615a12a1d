//! Faults that are known and not mended. Each run here must fail, for its own reason: whoever
//! mends the fault finds this test red, takes the line out, and lets ordinary runs meet the
//! situation from then on (`src/avoid.rs`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use vane_sim::{Avoid, Finding, Options, run};

/// A run that shows a fault.
struct Known {
    /// What goes wrong.
    name: &'static str,
    finding: Finding,
    seed: u64,
    /// A part of what the run says.
    says: &'static str,
}

const KNOWN: [Known; 9] = [
    Known {
        name: "a target that is changed back brings a removed peer id back",
        finding: Finding::UndoneMove,
        seed: 31,
        says: "is a member again",
    },
    Known {
        name: "a target that is changed while members move lets a node destroy a voter",
        finding: Finding::UndoneMove,
        seed: 7,
        says: "is destroyed, the members are",
    },
    Known {
        name: "a lone voter forgets its log past a snapshot in the making, and its files stay",
        finding: Finding::LoneVoter,
        seed: 31,
        says: "still has the snapshot",
    },
    Known {
        name: "a disk that was put back to an earlier state votes for what it forgot",
        finding: Finding::OldDisk,
        seed: 0,
        says: "is out of range",
    },
    Known {
        name: "a member votes before its snapshot is installed",
        finding: Finding::VoteBeforeData,
        seed: 1,
        says: "without data",
    },
    Known {
        name: "a replica that cannot be opened stays shut, and nothing replaces it",
        finding: Finding::ShutReplica,
        seed: 38,
        says: "a group has not got its members",
    },
    Known {
        name: "a late copy of a command of the meta group takes back what came after it",
        finding: Finding::LateMetaCommand,
        seed: 28,
        says: "have no linear order",
    },
    Known {
        name: "disks that are lost one after the other keep their votes in the meta group",
        finding: Finding::LostDisk,
        seed: 0,
        says: "group 0 can never elect again",
    },
    Known {
        name: "four moves to a node that is away stop one between nodes that are there",
        finding: Finding::StuckMoves,
        seed: 1,
        says: "with all its nodes there",
    },
];

#[test]
fn known_faults_are_still_there_and_fail_for_their_reasons() {
    for Known { name, finding, seed, says } in KNOWN {
        let options = Options { seed, avoid: Avoid::all_but(finding), ..Options::default() };
        let failure = run(options).unwrap().failure.unwrap_or_default();
        assert!(
            failure.contains(says),
            "{name}: seed {seed} with {finding:?} does not say {says:?} but {failure:?}. If the \
             fault is mended, take it out of this table and of `Finding`"
        );
    }
}

/// Read in the code and not met yet: no seed of 0..500 shows it.
const SUSPECTED: [Finding; 1] = [Finding::LateSettle];

#[test]
fn every_finding_is_shown_or_said_to_be_suspected() {
    for finding in Finding::ALL {
        let is_shown = KNOWN.iter().any(|known| known.finding == finding);
        assert_ne!(is_shown, SUSPECTED.contains(&finding), "{finding:?}: a seed, or suspected");
    }
}
