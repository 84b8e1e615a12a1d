//! What the values of enumerations mean. Structural schemas, which definitions have, keep the
//! values only.

use schemars::{Schema, schema_for};
use serde_json::Value;

use crate::cluster::{PullPolicy, Retain, ServiceKind, TaintEffect, TopologySpread};
use crate::collection::{Distance, FieldType};
use crate::placement::Role;

fn all() -> [Schema; 8] {
    [
        schema_for!(PullPolicy),
        schema_for!(Retain),
        schema_for!(TopologySpread),
        schema_for!(TaintEffect),
        schema_for!(ServiceKind),
        schema_for!(Distance),
        schema_for!(FieldType),
        schema_for!(Role),
    ]
}

/// Each value with its meaning, of the enumeration that has exactly these; nothing when none has.
pub(super) fn meanings(values: &[&str]) -> Vec<(String, String)> {
    let text = |it: &Value, key: &str| it[key].as_str().map(str::to_owned);
    let documented = |schema: Schema| -> Vec<(String, String)> {
        let variants = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        variants
            .iter()
            .filter_map(|it| Some((text(it, "const")?, text(it, "description")?)))
            .collect()
    };
    let has_these =
        |of: &Vec<(String, String)>| of.iter().map(|(value, _)| value).eq(values.iter());
    all().into_iter().map(documented).find(has_these).unwrap_or_default()
}
