use super::*;
use crate::definitions;

fn page() -> String {
    markdown(&definitions::all().map(|(_, definition)| definition))
}

/// The row about a field of a kind's spec or status.
#[track_caller]
fn row(part: &str, field: &str) -> Vec<String> {
    let page = page();
    let (_, section) = page.split_once(&format!("\n### {part}\n")).expect("the section is there");
    let section = section.split("\n#").next().expect("a section has an end");
    let line = section
        .lines()
        .find(|line| line.starts_with(&format!("| `{field}` |")))
        .expect("the field is there");
    line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn a_field_comes_with_its_type_default_bounds_and_meaning() {
    let nodes = row("VectorCluster: spec", "spec.nodes");
    assert_eq!(nodes[1..4], ["integer", "*required*", "1 to 100"]);
    assert!(nodes[4].starts_with("Nodes of the database, each a pod"), "{nodes:?}");
    assert!(
        nodes[4].ends_with("survive the loss of one."),
        "doc comments of several lines are one: {nodes:?}"
    );
    assert_eq!(row("Collection: spec", "spec.shards")[1..4], ["integer", "`1`", "1 to 256"]);
    assert_eq!(
        row("VectorCluster: spec", "spec.image.repository")[2..4],
        ["`\"vanedb/vane\"`", "1 to 255 characters"]
    );
    assert_eq!(
        row("VectorCluster: spec", "spec.storage.size")[1..4],
        ["quantity", "*required*", ""]
    );
    assert_eq!(row("VectorCluster: spec", "spec.image")[1..4], ["object", "*of its fields*", ""]);
    assert_eq!(
        row("VectorCluster: spec", "spec.resources")[1..4],
        ["object", "", ""],
        "it may be left out"
    );
    assert_eq!(row("Collection: status", "status.points")[1], "integer");
}

#[test]
fn lists_and_maps_say_what_is_in_them() {
    let maps = row("VectorCluster: spec", "spec.placement.nodeSelector");
    assert_eq!(
        maps[1..4],
        ["map of strings", "", "at most 20 entries; each at most 63 characters"]
    );
    let sets = row("Collection: spec", "spec.aliases");
    assert_eq!(
        sets[1..4],
        ["list of strings", "", "at most 16 elements; no two alike; each 1 to 255 characters"]
    );
    let objects = row("Collection: spec", "spec.vectors");
    assert_eq!(
        objects[1..4],
        ["list of objects", "", "at most 32 elements; no two with the same `name`"]
    );
    assert_eq!(
        row("Collection: spec", "spec.vectors[].hnsw.efConstruct")[3],
        "4 to 4096",
        "objects in lists have rows"
    );
    assert!(!page().contains("status.conditions[]"), "Kubernetes' own form is not told again");
}

#[test]
fn values_come_with_what_they_mean() {
    let zones = row("VectorCluster: spec", "spec.placement.zones");
    assert_eq!(zones[2..4], ["`\"Preferred\"`", "`Preferred`, `Required`"]);
    assert!(
        zones[4].ends_with("`Required`: a node that would be one too many waits."),
        "{zones:?}"
    );
    for (_, definition) in definitions::all() {
        for version in &definition.spec.versions {
            let whole = version
                .schema
                .as_ref()
                .and_then(|schema| schema.open_api_v3_schema.as_ref())
                .expect("it has a schema");
            for field in fields(whole, "") {
                let values = field.schema.enum_.iter().flatten();
                let values: Vec<&str> = values.filter_map(|value| value.0.as_str()).collect();
                assert_eq!(enumerations::meanings(&values).len(), values.len(), "{}", field.path);
            }
        }
    }
}

#[test]
fn rules_stand_with_their_field_sentence_and_whether_they_look_back() {
    let page = page();
    for line in [
        "- the object, on change: spec.storage.size cannot be less than what the volumes have \
         (status.volumeSize): no volume becomes smaller. `!has(oldSelf.status) || ",
        "- `spec.storage.size`: must be more than 0. \
         `quantity(string(self)).isGreaterThan(quantity('0'))`\n",
        "- `spec.writeConsistencyFactor`: cannot be more than replicationFactor. ",
        "- the object: metadata.name must have at most 40 characters",
        "- `spec.aliases[]` matches `^[^<>:\"/\\\\|?*\\x00-\\x1F]+$`\n",
    ] {
        assert!(page.contains(line), "no {line}");
    }
}

#[test]
fn a_kind_is_told_as_kubectl_knows_it() {
    let page = page();
    for line in [
        "- `vectorclusters`; short `vc`, category `vane`.\n- Namespaced.\n",
        "- `kubectl scale` sets `spec.nodes`; what there is, is in `status.nodes` and \
         `status.selector`.\n",
        "- `--field-selector` takes `spec.clusterRef.name`, `spec.collection`.\n",
        "| UP | `status.readyNodes` |\n",
    ] {
        assert!(page.contains(line), "no {line}");
    }
}

#[test]
fn nothing_in_a_cell_breaks_its_table() {
    let rows = vec![vec!["a|b\nc".to_owned(), code("d`e")]];
    assert_eq!(table(&["x", "y"], rows), "| x | y |\n|---|---|\n| a\\|b c | ``d`e`` |\n");
    for line in page().lines().filter(|line| line.starts_with('|')) {
        let columns = line.matches('|').count() - line.matches("\\|").count();
        assert!([3, 4, 6].contains(&columns), "{line}");
    }
}
