//! The schema of a database's values says what the definitions say.

use serde_json::{Value, json};

use crate::rendered::file;

/// Words that both have; what else a definition says is for the API server.
const WORDS: [&str; 9] = [
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "maxProperties",
];

/// Collects where they differ.
fn compare(at: &str, definition: &Value, values: &Value, differences: &mut Vec<String>) {
    for word in WORDS {
        if number(&definition[word]) != number(&values[word]) {
            differences
                .push(format!("{at}: {word} is {} and not {}", values[word], definition[word]));
        }
    }
    compare_children(at, definition, values, differences);
}

/// A number as a float, so that 1 and 1.0 are the same; anything else as it is.
fn number(value: &Value) -> Value {
    value.as_f64().map_or_else(|| value.clone(), |number| json!(number))
}

/// Names of the fields of a schema, in order.
fn names(schema: &Value) -> Vec<String> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let mut names: Vec<String> = fields.map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

fn compare_children(at: &str, definition: &Value, values: &Value, differences: &mut Vec<String>) {
    if names(definition) != names(values) {
        differences.push(format!(
            "{at}: fields are {:?} and not {:?}",
            names(values),
            names(definition)
        ));
    }
    for (name, field) in definition["properties"].as_object().into_iter().flatten() {
        compare(&format!("{at}.{name}"), field, &values["properties"][name], differences);
    }
    for part in ["items", "additionalProperties"] {
        if definition[part].is_object() {
            compare(&format!("{at}[]"), &definition[part], &values[part], differences);
        }
    }
}

fn spec(plural: &str) -> Value {
    let all = vane_crds::definitions::all();
    let mut definitions = all.into_iter().map(|(_, definition)| definition);
    let definition = definitions.find(|found| found.spec.names.plural == plural).unwrap();
    let definition = serde_json::to_value(definition).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

#[test]
fn a_databases_values_have_the_bounds_of_its_definitions() {
    let schema = std::fs::read_to_string(file("charts/vane-cluster/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let (mut cluster, mut collection) = (spec("vectorclusters"), spec("collections"));
    // Empty means the chart's; the chart names the cluster itself.
    let version = cluster["properties"]["version"].as_object_mut().unwrap();
    version.remove("minLength");
    version["pattern"] = "^([A-Za-z0-9_][A-Za-z0-9_.+-]*)?$".into();
    collection["properties"].as_object_mut().unwrap().remove("clusterRef");
    let mut differences = Vec::new();
    compare("cluster", &cluster, &schema["properties"]["cluster"], &mut differences);
    let collections = &schema["properties"]["collections"]["additionalProperties"];
    compare("collections.NAME", &collection, collections, &mut differences);
    assert_eq!(
        differences, [""; 0],
        "charts/vane-cluster/values.schema.json differs from the definitions"
    );
}
