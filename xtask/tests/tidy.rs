//! The shape of the source tree.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use xtask::{
    Figures, Rule, Workspace, arrows, broken, orphans, picture, picture_is_shown, too_long,
};

fn workspace() -> Workspace {
    let workspace = Workspace::read().unwrap();
    assert!(workspace.sources.len() > 300, "the sources are not where they were");
    workspace
}

/// Nothing is wrong; else a line for each thing that is.
fn none(title: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{title}:\n{}", wrong.join("\n"));
}

fn keeps(rule: Rule) {
    none("see the table of `make tidy`", &broken(rule, &Figures::of_all(&workspace())));
}

#[test]
fn dependencies_point_one_way() {
    none("xtask/src/layers.rs says who may know whom", &arrows(&workspace()));
}

#[test]
fn the_architecture_shows_the_layers() {
    assert!(
        picture_is_shown(&workspace()).unwrap(),
        "ARCHITECTURE.md must have this block:\n```\n{}```",
        picture()
    );
}

#[test]
fn every_source_is_in_a_module() {
    let orphans: Vec<String> =
        orphans(&workspace()).iter().map(|path| path.display().to_string()).collect();
    none("no crate compiles these files", &orphans);
}

#[test]
fn files_and_functions_can_be_read_in_one_go() {
    none("too long", &too_long(&workspace()));
}

#[test]
fn import_cycles_are_small() {
    keeps(Rule::Cycle);
}

#[test]
fn what_matters_has_a_name() {
    keeps(Rule::It);
}

#[test]
fn lines_fit_side_by_side() {
    keeps(Rule::Wide);
}
