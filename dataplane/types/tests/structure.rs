//! The shape of the source tree: which layer may know which, and how long things may be.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer with those it may know. `types` is at the bottom; arrows go one way.
const LAYERS: [(&str, &[&str]); 16] = [
    ("types", &[]),
    ("filter", &["types"]),
    ("index", &[]),
    ("storage", &["types"]),
    ("raft", &["types"]),
    ("proto", &[]),
    ("catalog", &["types", "storage", "raft"]),
    ("placement", &["types", "raft", "catalog"]),
    ("discovery", &["types"]),
    ("shard", &["types", "filter", "index", "storage", "raft"]),
    (
        "cluster",
        &[
            "types",
            "filter",
            "index",
            "storage",
            "raft",
            "shard",
            "proto",
            "catalog",
            "placement",
            "discovery",
        ],
    ),
    ("server", &["types", "filter", "index", "proto", "discovery", "cluster"]),
    ("ctl", &["proto"]),
    ("local", &["proto"]),
    ("bench", &["index", "local"]),
    ("sim", &["types", "raft", "storage", "shard", "filter", "catalog"]),
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

fn dataplane() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .parent()
        .unwrap()
        .to_owned()
}

/// All Rust sources below a directory.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    for (layer, allowed) in LAYERS {
        let manifest = fs::read_to_string(dataplane().join(layer).join("Cargo.toml")).unwrap();
        let known = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        for dependency in known.lines().filter_map(|it| it.strip_prefix("vane-")) {
            let dependency = dependency.split(['.', ' ', '=']).next().unwrap();
            assert!(allowed.contains(&dependency), "{layer} must not know {dependency}");
        }
    }
}

#[test]
fn every_folder_is_a_named_layer() {
    for entry in fs::read_dir(dataplane()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().join("Cargo.toml").exists() {
            assert!(
                LAYERS.iter().any(|(layer, _)| *layer == name),
                "{name} has no place among the layers"
            );
        }
    }
}

/// The crates of the Kubernetes half, with those of Vane that each may know.
const KUBERNETES_HALF: [(&str, &[&str]); 4] = [
    ("crds", &[]),
    ("operator", &["crds", "proto"]),
    ("operator/runner", &["crds", "operator", "proto"]),
    ("e2e", &["crds"]),
];

#[test]
fn the_halves_meet_in_the_admin_interface() {
    let root = dataplane().parent().unwrap().to_owned();
    let known = |manifest: &Path| {
        let text = fs::read_to_string(manifest).unwrap();
        let dependencies =
            text.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
        dependencies.lines().map(name).collect::<Vec<_>>()
    };
    for (folder, allowed) in KUBERNETES_HALF {
        for dependency in known(&root.join(folder).join("Cargo.toml"))
            .iter()
            .filter_map(|it| it.strip_prefix("vane-"))
        {
            assert!(allowed.contains(&dependency), "{folder} must not know {dependency}");
        }
    }
    for (layer, _) in LAYERS {
        for dependency in known(&dataplane().join(layer).join("Cargo.toml")) {
            let of_kubernetes = dependency.starts_with("kube") || dependency == "k8s-openapi";
            assert!(!of_kubernetes, "{layer} must know no Kubernetes: {dependency}");
        }
    }
}

#[test]
fn files_and_functions_can_be_read_in_one_go() {
    let mut files = Vec::new();
    let root = dataplane().parent().unwrap().to_owned();
    for folder in ["dataplane", "crds", "operator", "e2e"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 50, "the sources are not where they were");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= FILE_LINES_MAX, "{} has {} lines", file.display(), lines.len());
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_function = line.split_whitespace().take(4).any(|it| it == "fn");
            if !is_function || line.trim_start().starts_with("//") {
                continue;
            }
            let end = format!("{}}}", &line[..indent]);
            let length = lines[start..].iter().position(|it| *it == end).unwrap_or(0);
            assert!(
                length <= FUNCTION_LINES_MAX,
                "{}:{}: {length} lines",
                file.display(),
                start + 1
            );
        }
    }
}
