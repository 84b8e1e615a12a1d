//! Imports that go round between the first-level modules of a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::words::without_comments;

static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bcrate::(\w+|\{)").expect("the pattern is constant"));

/// Who names whom, by first-level module.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Modules of the largest cycle of a crate, given what of it is no test; empty where there is
/// none.
pub(crate) fn largest<'a>(sources: impl Iterator<Item = (&'a Path, &'a str)>) -> Vec<String> {
    let mut graph = Graph::new();
    for (path, text) in sources {
        if let Some(module) = first_level(path) {
            graph.entry(module).or_default().extend(references(text));
        }
    }
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        graph.keys().map(|module| (module, reach(&graph, module))).collect();
    let cycle = |module: &String| -> Vec<String> {
        let goes_back = |other: &&&String| reached[**other].contains(module);
        reached[module].iter().filter(goes_back).map(|other| (*other).clone()).collect()
    };
    let cycles = graph.keys().map(cycle).filter(|cycle| cycle.len() > 1);
    cycles.max_by_key(Vec::len).unwrap_or_default()
}

/// `shard` of `dataplane/x/src/shard/…` and of `dataplane/x/src/shard.rs`.
fn first_level(path: &Path) -> Option<String> {
    // Crates lie at different depths; their modules begin below `src`.
    let mut parts = path.iter().skip_while(|part| *part != "src").skip(1);
    let module = Path::new(parts.next()?).file_stem()?.to_str()?;
    (!["lib", "main", "bin"].contains(&module)).then(|| module.to_owned())
}

/// First-level modules that a text names, alone or in a group: `crate::a::b`, `crate::{a, c::d}`.
fn references(text: &str) -> BTreeSet<String> {
    // Comments may name modules that the code does not use.
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for reference in REFERENCE.captures_iter(&text) {
        let Some(head) = reference.get(1) else { continue };
        if head.as_str() == "{" {
            found.extend(group_heads(&text[head.end()..]));
        } else {
            found.insert(head.as_str().to_owned());
        }
    }
    found
}

/// First names of the members of a group, up to the brace that closes it.
fn group_heads(text: &str) -> Vec<String> {
    let (mut heads, mut depth, mut member) = (Vec::new(), 0_usize, String::new());
    for letter in text.chars() {
        match letter {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(std::mem::take(&mut member)),
            // Names in inner braces run into the member, of which the first name alone counts.
            _ => member.push(letter),
        }
    }
    // Behind the last member there is no comma.
    heads.push(member);
    let head = |member: &String| member.split("::").next().unwrap_or_default().trim().to_owned();
    heads.iter().map(head).filter(|head| !head.is_empty()).collect()
}

/// Modules that are reached from one, itself only where a way leads back.
fn reach<'a>(graph: &'a Graph, from: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&String> = graph[from].iter().collect();
    while let Some(module) = waiting.pop() {
        // Items of the crate's root have no module of their own.
        let Some((module, next)) = graph.get_key_value(module) else { continue };
        if reached.insert(module) {
            waiting.extend(next);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_found_through_groups_and_folders() {
        let sources = [
            ("x/src/lib.rs", "mod a; use crate::b::B;"),
            ("x/src/a.rs", "use crate::{\n    b::{C, D},\n    Root,\n};"),
            ("x/src/b/inner.rs", "fn f() { crate::c::g() }"),
            ("x/src/c.rs", "use crate::a::A; // crate::d\nuse crate::e::E;"),
            ("x/src/d.rs", "use crate::a::A;"),
            ("x/src/e.rs", ""),
        ];
        let found = largest(sources.iter().map(|(path, text)| (Path::new(*path), *text)));
        assert_eq!(found, ["a", "b", "c"]);
    }

    #[test]
    fn arrows_that_point_one_way_are_no_cycle() {
        let sources = [("x/src/a.rs", "use crate::b;"), ("x/src/b.rs", "")];
        let found = largest(sources.iter().map(|(path, text)| (Path::new(*path), *text)));
        assert_eq!(found, [""; 0]);
    }
}
