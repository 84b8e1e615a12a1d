//! A schema, read field by field.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};

use super::code;

/// A field with its way from the object's root.
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) schema: &'a JSONSchemaProps,
    /// Whether what holds it must have it.
    pub(super) required: bool,
}

/// All fields below a schema, each before those that it holds. A condition is one thing.
pub(super) fn fields<'a>(schema: &'a JSONSchemaProps, path: &str) -> Vec<Field<'a>> {
    let mut found = Vec::new();
    for (name, property) in schema.properties.iter().flatten() {
        let path = format!("{path}.{name}");
        let required = schema.required.iter().flatten().any(|required| required == name);
        // Before what it holds: the page reads from the outside to the inside.
        found.push(Field { path: path.clone(), schema: property, required });
        found.extend(fields(property, &path));
        // Kubernetes has one form of condition, which the page need not repeat for each list.
        if let Some(item) = item(property).filter(|item| !is_condition(item)) {
            found.extend(fields(item, &format!("{path}[]")));
        }
    }
    found
}

/// The schema of a list's elements.
pub(super) fn item(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(item) => Some(item),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

/// The schema of a map's values.
fn value(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.additional_properties.as_ref()? {
        JSONSchemaPropsOrBool::Schema(value) => Some(value),
        JSONSchemaPropsOrBool::Bool(_) => None,
    }
}

/// Whether it is Kubernetes' own form of a condition.
pub(super) fn is_condition(schema: &JSONSchemaProps) -> bool {
    schema.properties.as_ref().is_some_and(|fields| fields.contains_key("lastTransitionTime"))
}

/// The type of a field's values, in words.
pub(super) fn kind(schema: &JSONSchemaProps) -> String {
    // Nothing else in our kinds is a number or a text.
    if schema.x_kubernetes_int_or_string == Some(true) {
        return "quantity".into();
    }
    match (item(schema), value(schema)) {
        (Some(item), _) if is_condition(item) => "list of conditions".into(),
        (Some(item), _) => format!("list of {}s", kind(item)),
        (None, Some(value)) => format!("map of {}s", kind(value)),
        (None, None) => schema.type_.clone().unwrap_or_else(|| "any".into()),
    }
}

/// What the API server takes, but for patterns and rules.
pub(super) fn bounds(schema: &JSONSchemaProps) -> String {
    let mut bounds = Vec::new();
    let values: Vec<String> =
        schema.enum_.iter().flatten().filter_map(|value| Some(code(value.0.as_str()?))).collect();
    if !values.is_empty() {
        bounds.push(values.join(", "));
    }
    // A quantity's pattern bounds it.
    if schema.x_kubernetes_int_or_string != Some(true) {
        bounds.extend(range(schema.minimum, schema.maximum, ""));
        bounds.extend(range(schema.min_length, schema.max_length, " characters"));
    }
    bounds.extend(range(schema.min_items, schema.max_items, " elements"));
    bounds.extend(range(schema.min_properties, schema.max_properties, " entries"));
    let keys: Vec<String> =
        schema.x_kubernetes_list_map_keys.iter().flatten().map(|key| code(key)).collect();
    match schema.x_kubernetes_list_type.as_deref() {
        Some("map") => bounds.push(format!("no two with the same {}", keys.join(" and "))),
        Some("set") => bounds.push("no two alike".into()),
        // An atomic list is replaced as a whole, which bounds nothing in it.
        _ => {}
    }
    let inner = item(schema).or(value(schema)).map(self::bounds).unwrap_or_default();
    if !inner.is_empty() {
        bounds.push(format!("each {inner}"));
    }
    bounds.join("; ")
}

fn range<N: std::fmt::Display + PartialEq>(
    min: Option<N>,
    max: Option<N>,
    of: &str,
) -> Option<String> {
    match (min, max) {
        (None, None) => None,
        (Some(min), None) => Some(format!("at least {min}{of}")),
        (None, Some(max)) => Some(format!("at most {max}{of}")),
        (Some(min), Some(max)) => Some(format!("{min} to {max}{of}")),
    }
}

/// Patterns and rules, each with the field that it is about, in Markdown.
pub(super) fn rules(schema: &JSONSchemaProps, path: &str) -> Vec<String> {
    let mut rules = Vec::new();
    // The head of the page says once how a quantity is written.
    if let Some(pattern) =
        schema.pattern.as_ref().filter(|_| schema.x_kubernetes_int_or_string != Some(true))
    {
        rules.push(format!("{} matches {}", code(path), code(pattern)));
    }
    rules.extend(schema.x_kubernetes_validations.iter().flatten().map(|found| rule(found, path)));
    for (name, property) in schema.properties.iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        rules.extend(self::rules(property, &path));
    }
    for inner in [item(schema), value(schema)].into_iter().flatten() {
        rules.extend(self::rules(inner, &format!("{path}[]")));
    }
    rules
}

fn rule(rule: &ValidationRule, path: &str) -> String {
    let field = format!("{path}{}", rule.field_path.as_deref().unwrap_or_default());
    let field = if field.is_empty() { "the object".to_owned() } else { code(&field) };
    // The API server runs a rule that names the old object only where there is one.
    let when = if rule.rule.contains("oldSelf") { ", on change" } else { "" };
    let message = rule.message.as_deref().unwrap_or("this must hold");
    format!("{field}{when}: {message}. {}", code(&rule.rule))
}
