//! What is generated is that of the types, and what the API server asks of it beyond syntax.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::Value;
use vane_crds::{definitions, reference};

/// Bytes of an object that `kubectl apply` can keep in its annotation; server-side apply has
/// no such limit, but not everybody uses it.
const BYTES_MAX: usize = 256 << 10;

#[test]
fn the_yaml_is_fresh() {
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    for (file, definition) in definitions::all() {
        let path = Path::new(&dir).join("generated").join(file);
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let fresh = definitions::yaml(&definition).unwrap();
        assert!(written == fresh, "{} is stale: run `make crds`", path.display());
        assert!(fresh.len() < BYTES_MAX, "{file} has {} bytes", fresh.len());
    }
}

#[test]
fn the_reference_is_fresh() {
    let path =
        Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../docs/reference.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let fresh = reference::markdown(&definitions::all().map(|(_, definition)| definition));
    assert!(written == fresh, "{} is stale: run `make crds`", path.display());
}

/// Calls `look` for every schema in the spec of a definition.
fn each(schema: &Value, path: &str, look: &mut impl FnMut(&str, &Value)) {
    look(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        each(property, &format!("{path}.{name}"), look);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            each(&schema[inner], &format!("{path}[]"), look);
        }
    }
}

#[test]
fn every_string_list_map_and_number_of_a_spec_is_bounded() {
    for (_, definition) in definitions::all() {
        let definition = serde_json::to_value(definition).unwrap();
        let spec =
            &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut seen = 0;
        each(spec, "spec", &mut |path, schema| {
            seen += 1;
            assert!(
                schema["description"].is_string() || path.ends_with("[]"),
                "{path} says nothing about itself"
            );
            let bounds: &[&str] = match schema["type"].as_str() {
                Some("string") if schema["enum"].is_null() => &["maxLength"],
                Some("integer") => &["minimum", "maximum"],
                Some("array") => &["maxItems"],
                Some("object") if schema["additionalProperties"].is_object() => &["maxProperties"],
                None => &["maxLength"],
                _ => &[],
            };
            for bound in bounds {
                assert!(schema[*bound].is_number(), "{path} has no {bound}");
            }
        });
        assert!(seen > 5);
    }
}
