//! Checks a value by a definition's schema, as the API server does before its rules.

use regex::Regex;
use serde_json::{Map, Value};

/// Everything that is wrong with a value, each with its field.
pub(crate) fn problems(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, path, &mut found);
    found
}

fn check(schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let allowed: Vec<String> = allowed
            .iter()
            .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
            .collect();
        return found.push(format!("{path} is {value}; it must be one of {}", allowed.join(", ")));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    // One problem a field: of another type, it has no bounds to be held to.
    if !fits {
        return found.push(format!(
            "{path} is {value}; it must be of type {}",
            schema["type"].as_str().unwrap_or("?")
        ));
    }
    match value {
        Value::Object(fields) => object(schema, fields, path, found),
        Value::Array(items) => {
            bounds(schema, ("minItems", "maxItems"), items.len(), "entries", path, found);
            for (at, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{path}[{at}]"), found);
            }
        }
        Value::String(text) => {
            bounds(
                schema,
                ("minLength", "maxLength"),
                text.chars().count(),
                "characters",
                path,
                found,
            );
            let pattern = schema["pattern"].as_str();
            if pattern.is_some_and(|pattern| is_valid_and_fails(pattern, text)) {
                found.push(format!(
                    "{path} is {value}; it must match {}",
                    pattern.unwrap_or_default()
                ));
            }
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or_default();
            if schema["minimum"].as_f64().is_some_and(|min| number < min) {
                found.push(format!("{path} is {value}; it must be at least {}", schema["minimum"]));
            }
            if schema["maximum"].as_f64().is_some_and(|max| number > max) {
                found.push(format!("{path} is {value}; it must be at most {}", schema["maximum"]));
            }
        }
        _ => {}
    }
}

/// Whether a text does not match. A pattern that is no regular expression refuses nothing: the
/// definition would be wrong, not the text.
fn is_valid_and_fails(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
}

fn object(schema: &Value, fields: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    bounds(schema, ("minProperties", "maxProperties"), fields.len(), "fields", path, found);
    let known = schema["properties"].as_object();
    let others = schema.get("additionalProperties").filter(|schema| schema.is_object());
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match known.and_then(|known| known.get(name)).or(others) {
            Some(schema) => check(schema, value, &path, found),
            None if known.is_some() => found.push(format!("{path} is no field that there is")),
            // Where a schema names no fields, any may stand there.
            None => {}
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.extend(
        required
            .filter(|name| !fields.contains_key(*name))
            .map(|name| format!("{path}.{name} is missing")),
    );
}

fn bounds(
    schema: &Value,
    keys: (&str, &str),
    count: usize,
    of: &str,
    path: &str,
    found: &mut Vec<String>,
) {
    let count = count as u64;
    if let Some(min) = schema[keys.0].as_u64().filter(|min| count < *min) {
        found.push(format!("{path} has {count} {of}; it must have at least {min}"));
    }
    if let Some(max) = schema[keys.1].as_u64().filter(|max| count > *max) {
        found.push(format!("{path} has {count} {of}; it must have at most {max}"));
    }
}
