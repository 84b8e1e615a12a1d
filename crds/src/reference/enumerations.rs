//! What the values of enumerations mean. Structural schemas, which definitions have, keep the
//! values only.

use schemars::{Schema, schema_for};
use serde_json::Value;

use crate::cluster::{
    ExternalTraffic, Finalize, IpFamilies, LeaderBalance, PodUser, PullPolicy, RebalanceMode,
    RecoveryMode, Retain, ServiceKind, TaintEffect, TopologySpread, TrafficDistribution,
    UpdateStrategy,
};
use crate::collection::{
    Datatype, Distance, FieldType, Memory, Modifier, ShardingMethod, Tokenizer, VectorState,
};
use crate::placement::{MovePhase, Role};

fn all() -> [Schema; 24] {
    [
        schema_for!(PullPolicy),
        schema_for!(Retain),
        schema_for!(TopologySpread),
        schema_for!(TaintEffect),
        schema_for!(PodUser),
        schema_for!(ServiceKind),
        schema_for!(ExternalTraffic),
        schema_for!(IpFamilies),
        schema_for!(TrafficDistribution),
        schema_for!(UpdateStrategy),
        schema_for!(Finalize),
        schema_for!(RebalanceMode),
        schema_for!(LeaderBalance),
        schema_for!(RecoveryMode),
        schema_for!(Datatype),
        schema_for!(Distance),
        schema_for!(FieldType),
        schema_for!(Memory),
        schema_for!(Modifier),
        schema_for!(ShardingMethod),
        schema_for!(Tokenizer),
        schema_for!(VectorState),
        schema_for!(Role),
        schema_for!(MovePhase),
    ]
}

/// Each value with its meaning, of the enumeration that has exactly these; nothing when none has.
pub(super) fn meanings(values: &[&str]) -> Vec<(String, String)> {
    all()
        .iter()
        .map(documented)
        // By its values: a definition does not say which type a field has.
        .find(|variants| variants.iter().map(|(value, _)| value).eq(values.iter()))
        .unwrap_or_default()
}

/// The values of one enumeration with their doc comments.
fn documented(schema: &Schema) -> Vec<(String, String)> {
    let variants = schema.get("oneOf").and_then(Value::as_array);
    variants
        .into_iter()
        .flatten()
        .filter_map(|variant| Some((text(variant, "const")?, text(variant, "description")?)))
        .collect()
}

fn text(variant: &Value, key: &str) -> Option<String> {
    variant[key].as_str().map(str::to_owned)
}
