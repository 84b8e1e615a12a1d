//! The definitions as a page for people: every field, bound, default and rule. Pure; what it
//! says is what the API server holds objects to, but for what an enumeration's values mean,
//! which definitions leave out.

mod enumerations;
mod schema;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionVersion,
    JSONSchemaProps,
};

use crate::quantity::PATTERN;
use schema::{Field, bounds, fields, is_condition, item, kind, rules};

/// Where conditions are explained, seen from the page.
const CONDITIONS: &str = "concepts.md#conditions";

/// The page, in Markdown.
pub fn markdown(definitions: &[CustomResourceDefinition]) -> String {
    let kinds: Vec<String> = definitions.iter().map(|it| link(&it.spec.names.kind)).collect();
    let mut page = format!(
        "<!-- Generated from crds/src by `make crds`. -->\n\n\
         # API reference\n\n\
         {}, all in `{}/{}`. `kubectl explain` has the same words; what the kinds are to each other is in \
         [concepts.md](concepts.md).\n\n\
         - `a.b` is the field `b` of `a`, `a[].b` that of each element of the list `a`.\n\
         - Where the default is empty, a field may be left out and is then not set.\n\
         - A *quantity* is a whole number, or a text that matches {}: `10Gi`, `500m`.\n\
         - The API server checks bounds and rules, and gives the rule's sentence as the reason. A rule *on change* \
         compares with what was there before.\n",
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
    let whole = version.schema.as_ref().and_then(|it| it.open_api_v3_schema.as_ref());
    let Some(whole) = whole else { return String::new() };
    let part = |of: &str| whole.properties.as_ref().and_then(|it| it.get(of));
    let mut section = format!("\n## {name}\n\n{}\n\n", prose(whole.description.as_deref()));
    section.push_str(&facts(definition, version));
    section.push_str(&columns(version));
    if let Some(spec) = part("spec") {
        section.push_str(&format!("\n### {name}: spec\n\n{}", spec_table(spec)));
    }
    let rules = rules(whole, "");
    if !rules.is_empty() {
        section.push_str(&format!("\n### {name}: rules\n\n"));
        rules.iter().for_each(|it| section.push_str(&format!("- {it}\n")));
    }
    if let Some(status) = part("status") {
        section.push_str(&format!("\n### {name}: status\n\n{}", status_table(status)));
    }
    section
}

/// How it is called and what can be done with it.
fn facts(
    definition: &CustomResourceDefinition,
    version: &CustomResourceDefinitionVersion,
) -> String {
    let names = &definition.spec.names;
    let listed = |names: &Option<Vec<String>>| {
        names.iter().flatten().map(|it| code(it)).collect::<Vec<_>>().join(", ")
    };
    let mut facts = format!(
        "- {}; short {}, category {}.\n- {}.\n",
        code(&names.plural),
        listed(&names.short_names),
        listed(&names.categories),
        definition.spec.scope,
    );
    if let Some(scale) = version.subresources.as_ref().and_then(|it| it.scale.as_ref()) {
        facts.push_str(&format!(
            "- `kubectl scale` sets {}; what there is, is in {} and {}.\n",
            path(&scale.spec_replicas_path),
            path(&scale.status_replicas_path),
            path(scale.label_selector_path.as_deref().unwrap_or_default()),
        ));
    }
    let selectable: Vec<String> =
        version.selectable_fields.iter().flatten().map(|it| path(&it.json_path)).collect();
    if !selectable.is_empty() {
        facts.push_str(&format!("- `--field-selector` takes {}.\n", selectable.join(", ")));
    }
    facts
}

/// What `kubectl get` shows.
fn columns(version: &CustomResourceDefinitionVersion) -> String {
    let row =
        |it: &CustomResourceColumnDefinition| vec![it.name.to_uppercase(), path(&it.json_path)];
    let rows = version.additional_printer_columns.iter().flatten().map(row).collect();
    format!("\nWhat `kubectl get` shows, after the name:\n\n{}", table(&["column", "from"], rows))
}

fn spec_table(spec: &JSONSchemaProps) -> String {
    let row = |it: Field| {
        let default = match &it.schema.default {
            _ if it.required => "*required*".into(),
            Some(default) if default.0.is_object() => "*of its fields*".into(),
            Some(default) => code(&default.0.to_string()),
            None => String::new(),
        };
        vec![code(&it.path), kind(it.schema), default, bounds(it.schema), meaning(it.schema)]
    };
    let rows = fields(spec, "spec").into_iter().map(row).collect();
    table(&["field", "type", "default", "bounds", "meaning"], rows)
}

fn status_table(status: &JSONSchemaProps) -> String {
    let row = |it: Field| vec![code(&it.path), kind(it.schema), meaning(it.schema)];
    table(&["field", "type", "meaning"], fields(status, "status").into_iter().map(row).collect())
}

/// What a field is for, and what each of its values does.
fn meaning(schema: &JSONSchemaProps) -> String {
    let mut text = prose(schema.description.as_deref());
    if item(schema).is_some_and(is_condition) {
        text.push_str(&format!(" [Conditions]({CONDITIONS}) lists them."));
    }
    let values: Vec<&str> = schema.enum_.iter().flatten().filter_map(|it| it.0.as_str()).collect();
    for (value, meaning) in enumerations::meanings(&values) {
        text.push_str(&format!(" {}: {}", code(&value), uncapitalised(&prose(Some(&meaning)))));
    }
    text
}

/// As it goes on after a colon; abbreviations stay.
fn uncapitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => sentence.to_owned(),
    }
}

/// One line of a doc comment that has several.
fn prose(description: Option<&str>) -> String {
    description.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A JSON path, as it is written elsewhere on the page.
fn path(json: &str) -> String {
    code(json.trim_start_matches('.'))
}

/// A code span, whatever is in it.
fn code(text: &str) -> String {
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(if text.contains('`') { longest + 1 } else { 1 });
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A table; what is in a cell cannot end it.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> =
            cells.iter().map(|it| it.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut table = line(head.iter().map(|it| (*it).to_owned()).collect());
    table.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    rows.into_iter().for_each(|it| table.push_str(&line(it)));
    table
}

#[cfg(test)]
mod tests;
