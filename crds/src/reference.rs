//! The definitions as a page for people: every field, bound, default and rule. Pure; what it
//! says is what the API server holds objects to, but for what an enumeration's values mean,
//! which definitions leave out.

mod enumerations;
mod schema;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps,
};

use crate::quantity::PATTERN;
use schema::{Field, bounds, fields, is_condition, item, kind, rules};

/// Where conditions are explained, seen from the page.
const CONDITIONS: &str = "concepts.md#conditions";

/// The page, in Markdown.
pub fn markdown(definitions: &[CustomResourceDefinition]) -> String {
    let kinds: Vec<String> =
        definitions.iter().map(|definition| link(&definition.spec.names.kind)).collect();
    let mut page = format!(
        "<!-- Generated from crds/src by `make crds`. -->\n\n\
         # API reference\n\n\
         {}, all in `{}/{}`. `kubectl explain` has the same words; what the kinds are to each \
         other is in [concepts.md](concepts.md).\n\n\
         - `a.b` is the field `b` of `a`, `a[].b` that of each element of the list `a`.\n\
         - Where the default is empty, a field may be left out and is then not set.\n\
         - A *quantity* is a whole number, or a text that matches {}: `10Gi`, `500m`.\n\
         - The API server checks bounds and rules, and gives the rule's sentence as the reason. \
         A rule *on change* compares with what was there before.\n",
        kinds.join(", "),
        crate::GROUP,
        crate::VERSION,
        code(PATTERN),
    );
    for definition in definitions {
        for version in &definition.spec.versions {
            page.push_str(&section(definition, version));
        }
    }
    page
}

fn link(kind: &str) -> String {
    format!("[{kind}](#{})", kind.to_lowercase())
}

/// All about one kind.
fn section(
    definition: &CustomResourceDefinition,
    version: &CustomResourceDefinitionVersion,
) -> String {
    let name = &definition.spec.names.kind;
    let whole = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    let Some(whole) = whole else { return String::new() };
    let mut section = format!("\n## {name}\n\n{}\n\n", prose(whole.description.as_deref()));
    section.push_str(&facts(definition, version));
    section.push_str(&columns(version));
    if let Some(spec) = property(whole, "spec") {
        section.push_str(&format!("\n### {name}: spec\n\n{}", spec_table(spec)));
    }
    // Of the whole object: some rules read the name beside the spec.
    let rules = rules(whole, "");
    if !rules.is_empty() {
        section.push_str(&format!("\n### {name}: rules\n\n"));
        for rule in rules {
            section.push_str(&format!("- {rule}\n"));
        }
    }
    if let Some(status) = property(whole, "status") {
        section.push_str(&format!("\n### {name}: status\n\n{}", status_table(status)));
    }
    section
}

fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref()?.get(name)
}

/// The names of a kind, its scope, and what else `kubectl` can do with it.
fn facts(
    definition: &CustomResourceDefinition,
    version: &CustomResourceDefinitionVersion,
) -> String {
    let names = &definition.spec.names;
    let mut facts = format!(
        "- {}; short {}, category {}.\n- {}.\n",
        code(&names.plural),
        listed(names.short_names.iter().flatten()),
        listed(names.categories.iter().flatten()),
        definition.spec.scope,
    );
    if let Some(scale) = version.subresources.as_ref().and_then(|with| with.scale.as_ref()) {
        facts.push_str(&format!(
            "- `kubectl scale` sets {}; what there is, is in {} and {}.\n",
            path(&scale.spec_replicas_path),
            path(&scale.status_replicas_path),
            path(scale.label_selector_path.as_deref().unwrap_or_default()),
        ));
    }
    let selectable: Vec<String> =
        version.selectable_fields.iter().flatten().map(|field| path(&field.json_path)).collect();
    if !selectable.is_empty() {
        facts.push_str(&format!("- `--field-selector` takes {}.\n", selectable.join(", ")));
    }
    facts
}

/// Words as code, with commas between them.
fn listed<'a>(words: impl Iterator<Item = &'a String>) -> String {
    words.map(|word| code(word)).collect::<Vec<_>>().join(", ")
}

/// What `kubectl get` shows.
fn columns(version: &CustomResourceDefinitionVersion) -> String {
    let columns = version.additional_printer_columns.iter().flatten();
    let rows = columns.map(|column| vec![column.name.to_uppercase(), path(&column.json_path)]);
    let table = table(&["column", "from"], rows.collect());
    format!("\nWhat `kubectl get` shows, after the name:\n\n{table}")
}

fn spec_table(spec: &JSONSchemaProps) -> String {
    let rows = fields(spec, "spec").iter().map(spec_row).collect();
    table(&["field", "type", "default", "bounds", "meaning"], rows)
}

fn spec_row(field: &Field) -> Vec<String> {
    let schema = field.schema;
    let default = match &schema.default {
        // Before the default: what must be written has none that counts.
        _ if field.required => "*required*".into(),
        // It repeats the defaults of its fields, which have rows of their own.
        Some(default) if default.0.is_object() => "*of its fields*".into(),
        Some(default) => code(&default.0.to_string()),
        None => String::new(),
    };
    vec![code(&field.path), kind(schema), default, bounds(schema), meaning(schema)]
}

fn status_table(status: &JSONSchemaProps) -> String {
    let fields = fields(status, "status");
    let rows = fields
        .iter()
        .map(|field| vec![code(&field.path), kind(field.schema), meaning(field.schema)]);
    table(&["field", "type", "meaning"], rows.collect())
}

/// What a field is for, and what each of its values does.
fn meaning(schema: &JSONSchemaProps) -> String {
    let mut text = prose(schema.description.as_deref());
    if item(schema).is_some_and(is_condition) {
        text.push_str(&format!(" [Conditions]({CONDITIONS}) lists them."));
    }
    let values: Vec<&str> =
        schema.enum_.iter().flatten().filter_map(|value| value.0.as_str()).collect();
    // The definition keeps the values alone, so the meanings come from the types.
    for (value, meaning) in enumerations::meanings(&values) {
        text.push_str(&format!(" {}: {}", code(&value), uncapitalised(&prose(Some(&meaning)))));
    }
    text
}

/// A sentence as it goes on after a colon. One that begins with an abbreviation stays.
fn uncapitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence.to_owned(),
    }
}

/// A doc comment of several lines in one line.
fn prose(description: Option<&str>) -> String {
    description.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A JSON path as the page writes paths: without the dot that it begins with.
fn path(json: &str) -> String {
    code(json.trim_start_matches('.'))
}

/// A code span. In CommonMark its fence is a run of backticks that the text has not, and a
/// space keeps a backtick at an end of the text apart from the fence.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(if text.contains('`') { longest + 1 } else { 1 });
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A table; what is in a cell cannot end it.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = format!("{}|{}\n", table_line(head), "---|".repeat(head.len()));
    for row in &rows {
        table.push_str(&table_line(row));
    }
    table
}

fn table_line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<String> =
        cells.iter().map(|cell| cell.as_ref().replace('|', "\\|").replace('\n', " ")).collect();
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests;
