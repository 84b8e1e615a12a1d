//! Which crate may know which: arrows point one way.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::workspace::Workspace;

/// Each crate with those that it knows. A crate knows those above it, never those below.
///
/// The data plane and the Kubernetes half meet in `proto` alone. `testbed` starts the product's
/// programs from outside, and nothing that is shipped knows it.
const LAYERS: &[(&str, &str)] = &[
    ("types", ""),
    ("index", ""),
    ("proto", ""),
    ("wire", ""),
    ("filter", "types"),
    ("storage", "types"),
    ("raft", "types"),
    ("catalog", "types storage raft"),
    ("placement", "types raft catalog"),
    ("discovery", ""),
    ("commands", "types filter"),
    ("shard", "types index filter storage raft commands"),
    ("transport", "types proto filter storage raft shard"),
    ("coordinator", "types filter catalog placement commands shard transport"),
    ("node", "types index storage raft catalog placement discovery shard transport coordinator"),
    ("api", "types proto wire filter raft catalog placement shard transport coordinator node"),
    ("service", "types filter raft catalog placement shard transport coordinator node api"),
    ("server", "types index proto wire discovery shard transport coordinator node api service"),
    ("sim", "types filter storage raft catalog placement commands shard transport coordinator"),
    ("fuzz", "types index proto wire storage commands server"),
    ("ctl", "proto"),
    ("crds", ""),
    ("operator", "crds proto"),
    ("up", "crds operator proto"),
    ("testbed", "crds proto up"),
    ("bench", "index filter testbed"),
    ("e2e", ""),
    ("xtask", ""),
];

/// Crates that know of Kubernetes: the others must depend on none of its libraries.
const KUBERNETES_HALF: [&str; 5] = ["crds", "operator", "up", "testbed", "e2e"];

/// What is wrong with the dependencies between crates, a line each.
pub fn arrows(workspace: &Workspace) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in &workspace.packages {
        let name = package.name.as_str();
        let Some(allowed) = known_by(name) else {
            wrong.push(format!("{name} ({}) has no place among the layers", package.folder));
            continue;
        };
        let known: BTreeSet<&str> = package.dependencies.iter().map(String::as_str).collect();
        let allowed: BTreeSet<&str> = allowed.collect();
        let over = known.difference(&allowed);
        wrong.extend(over.map(|other| format!("{name} must not know {other}")));
        // An arrow that nobody needs would let the next dependency in unseen.
        let stale = allowed.difference(&known);
        wrong.extend(stale.map(|other| format!("{name} no longer knows {other}: lower LAYERS")));
        if !KUBERNETES_HALF.contains(&name) {
            let libraries = package.libraries.iter().filter(|other| is_of_kubernetes(other));
            wrong.extend(libraries.map(|other| format!("{name} must know no Kubernetes: {other}")));
        }
    }
    for (place, (layer, known)) in LAYERS.iter().enumerate() {
        if !workspace.packages.iter().any(|package| package.name == *layer) {
            wrong.push(format!("LAYERS has {layer}, which is no crate"));
        }
        // Only those before it in the list, so that no way leads round.
        let above = &LAYERS[..place];
        let below =
            known.split_whitespace().filter(|other| !above.iter().any(|(name, _)| name == other));
        wrong
            .extend(below.map(|other| format!("LAYERS: {layer} knows {other}, which is below it")));
    }
    wrong
}

fn known_by(layer: &str) -> Option<impl Iterator<Item = &'static str>> {
    let (_, known) = LAYERS.iter().find(|(name, _)| *name == layer)?;
    Some(known.split_whitespace())
}

fn is_of_kubernetes(library: &str) -> bool {
    library.starts_with("kube") || library == "k8s-openapi"
}

/// The layers as text: who knows whom. Crates that know the same share a line; what a crate
/// knows through another is left out.
pub fn picture() -> String {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for (layer, known) in LAYERS {
        let known: Vec<&str> = known.split_whitespace().collect();
        let through: BTreeSet<&str> = known.iter().flat_map(|other| all_known(other)).collect();
        let direct: Vec<&str> =
            known.into_iter().filter(|other| !through.contains(other)).collect();
        match lines.iter_mut().find(|(_, others)| *others == direct) {
            Some((layers, _)) => layers.push_str(&format!(", {layer}")),
            None => lines.push(((*layer).to_owned(), direct)),
        }
    }
    let width = lines.iter().map(|(layers, _)| layers.chars().count()).max().unwrap_or_default();
    let line = |(layers, known): (String, Vec<&str>)| match known.is_empty() {
        true => format!("{layers}\n"),
        false => format!("{layers:width$} ─► {}\n", known.join(", ")),
    };
    lines.into_iter().map(line).collect()
}

fn all_known(layer: &str) -> BTreeSet<&'static str> {
    // It ends because a layer knows only those above it, which `arrows` checks.
    let known = known_by(layer).into_iter().flatten();
    known.flat_map(|other| all_known(other).into_iter().chain([other])).collect()
}

/// Whether ARCHITECTURE.md has the picture as it is.
///
/// # Errors
///
/// The page cannot be read.
pub fn picture_is_shown(workspace: &Workspace) -> Result<bool, Error> {
    // With its fences: a picture that goes on below would be another one.
    Ok(workspace.text("ARCHITECTURE.md")?.contains(&format!("```\n{}```\n", picture())))
}
