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
    /// A part of what the run says.
    says: &'static str,
}

const KNOWN: [Known; 1] = [Known {
    name: "a disk that was put back to an earlier state votes for what it forgot",
    finding: Finding::OldDisk,
    says: "applied to another state",
}];

/// Every change of the code moves the seeds that show a fault: these are enough for all.
const SEEDS: std::ops::Range<u64> = 0..150;

#[test]
fn known_faults_are_still_there_and_fail_for_their_reasons() {
    for Known { name, finding, says } in KNOWN {
        let failure = |seed| {
            let options = Options { seed, avoid: Avoid::all_but(finding), ..Options::default() };
            run(options).unwrap().failure
        };
        let shown =
            SEEDS.into_iter().find(|seed| failure(*seed).is_some_and(|it| it.contains(says)));
        let Some(seed) = shown else {
            panic!(
                "{name}: no seed of {SEEDS:?} with {finding:?} says {says:?}. If the fault is \
                 mended, take it out of this table and of `Finding`"
            );
        };
        println!("{name}: --finding {finding:?} --seed {seed}");
    }
}

#[test]
fn every_finding_is_shown() {
    for finding in Finding::ALL {
        assert!(KNOWN.iter().any(|known| known.finding == finding), "{finding:?}");
    }
}
