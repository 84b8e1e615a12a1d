//! Amounts as Kubernetes writes them: `10Gi`, `500m`, `2`.

use std::borrow::Cow;

use derive_more::Display;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_with::skip_serializing_none;

/// What may stand before the suffix, and the suffix; the API server checks it.
pub const PATTERN: &str = r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$";

/// An amount of memory, disk or processor time. Numbers are taken as they are, as Kubernetes
/// does: `cpu: 2` is `cpu: "2"`.
#[derive(Debug, Display, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub String);

impl Quantity {
    /// The amount in thousandths, or `None` where it is not one or too large for 128 bits.
    pub fn milli(&self) -> Option<u128> {
        let digits = self.0.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.0.len());
        let (number, suffix) = self.0.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // The fraction is filled up to nine digits below, and a longer one would shift the amount.
        if whole.is_empty() || fraction.len() > 9 || fraction.contains('.') {
            return None;
        }
        let scale: u128 = match suffix {
            "m" => 1,
            "" => 1_000,
            "k" => 1_000_000,
            "M" => 1_000_000_000,
            "G" => 1_000_000_000_000,
            "T" => 1_000_000_000_000_000,
            "P" => 1_000_000_000_000_000_000,
            "Ki" => 1_000 << 10,
            "Mi" => 1_000 << 20,
            "Gi" => 1_000 << 30,
            "Ti" => 1_000 << 40,
            "Pi" => 1_000 << 50,
            _ => return None,
        };
        // In whole billionths: floats would lose the last digits of a large size.
        let billionths: u128 = format!("{whole}{fraction:0<9}").parse().ok()?;
        // Kubernetes rounds up, too: an amount that is not zero never becomes zero.
        Some(billionths.checked_mul(scale)?.div_ceil(1_000_000_000))
    }
}

impl From<&str> for Quantity {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        // No fraction without quotes: what is `int-or-string`
        // for the API server is no float either.
        enum Written {
            Number(i64),
            Text(String),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Number(number) => Self(number.to_string()),
            Written::Text(text) => Self(text),
        })
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn inline_schema() -> bool {
        // Structural schemas, which definitions have, know no references.
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The pattern holds for strings, the minimum for numbers. The length bounds the cost of
        // the rules that read it.
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "pattern": PATTERN,
            "minimum": 0,
            "maxLength": 32
        })
    }
}

/// Processor time and memory.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// Processor time: `2`, `500m`.
    pub cpu: Option<Quantity>,
    /// Memory: `4Gi`.
    pub memory: Option<Quantity>,
}

/// What a node's container asks for and may use.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What the scheduler sets aside.
    pub requests: Option<Amounts>,
    /// What it may not exceed.
    pub limits: Option<Amounts>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_kubernetes_reads_them() {
        for (text, milli) in [
            ("2", 2_000),
            ("500m", 500),
            ("1.5", 1_500),
            ("0.0001", 1),
            ("1k", 1_000_000),
            ("1Ki", 1_024_000),
            ("1.5Gi", 1_610_612_736_000),
            ("10G", 10_000_000_000_000),
        ] {
            assert_eq!(Quantity::from(text).milli(), Some(milli), "{text}");
        }
        for text in ["", "Gi", "1.2.3", "1X", "-1", "1e3", "٣"] {
            assert_eq!(Quantity::from(text).milli(), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_taken_as_they_are() {
        let amounts: Amounts =
            serde_json::from_str(r#"{"cpu": 2, "memory": "4Gi"}"#).expect("both forms are valid");
        assert_eq!(amounts.cpu, Some("2".into()));
        assert_eq!(
            serde_json::to_string(&amounts).expect("it is plain"),
            r#"{"cpu":"2","memory":"4Gi"}"#
        );
    }
}
