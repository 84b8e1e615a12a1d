//! What the operator says in conditions is explained in docs/concepts.md, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

/// Where conditions and reasons stand.
const SOURCES: [&str; 22] = [
    "crds/src/conditions.rs",
    "operator/src/cluster/plan/failing.rs",
    "operator/src/cluster/plan/founding.rs",
    "operator/src/cluster/plan/made_from.rs",
    "operator/src/cluster/plan/refusals.rs",
    "operator/src/cluster/plan/scale_in.rs",
    "operator/src/cluster/plan/settings.rs",
    "operator/src/cluster/plan/step.rs",
    "operator/src/cluster/plan/taken.rs",
    "operator/src/cluster/plan/token.rs",
    "operator/src/cluster/plan/windows.rs",
    "operator/src/cluster/status.rs",
    "operator/src/cluster/updated.rs",
    "operator/src/cluster/volumes.rs",
    "operator/src/collection/plan/leave.rs",
    "operator/src/collection/plan/verdict.rs",
    "operator/src/collection/recall.rs",
    "operator/src/collection/status.rs",
    "operator/src/collection/vectors.rs",
    "operator/src/placement/build.rs",
    "operator/src/placement/pin.rs",
    "operator/src/status.rs",
];

/// What of a file comes behind them.
const END: &str = "#[cfg(test)]";

fn read(file: &str) -> String {
    std::fs::read_to_string(
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("..").join(file),
    )
    .unwrap()
}

/// What stands between two quotes in a line and is a word in CamelCase.
fn words(text: &str, quote: char) -> BTreeSet<String> {
    let quoted = text.lines().flat_map(|line| line.split(quote).skip(1).step_by(2));
    quoted.filter(|text| is_reason(text)).map(str::to_owned).collect()
}

fn is_reason(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(char::is_alphabetic)
        && !["True", "False"].contains(&text)
}

#[test]
fn every_reason_is_explained() {
    let mut said = BTreeSet::new();
    for file in SOURCES {
        let source = read(file);
        said.extend(words(source.split(END).next().unwrap(), '"'));
    }
    assert!(said.contains("RolledBack") && said.contains("CatchingUp"), "{said:?}");
    let page = read("docs/concepts.md");
    let (_, section) = page.split_once("\n## Conditions\n").unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(words(&rows.join("\n"), '`'), said);
}
