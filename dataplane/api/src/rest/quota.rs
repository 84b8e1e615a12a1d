//! `/quotas`: how much of its memory and of its disk each node may use.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use vane_types::Quotas;

use crate::engine::{NodeUsage, QuotaOverview};
use crate::error::Error;

/// `PUT /quotas`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    enabled: Option<bool>,
    max_resident_memory_percent: Option<u64>,
    max_disk_usage_percent: Option<u64>,
    release_margin_percent: Option<u64>,
}

impl QuotaConfig {
    /// The quotas that it asks for.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where a number is no share.
    pub fn into_quotas(self) -> Result<Quotas, Error> {
        Ok(Quotas {
            enabled: self.enabled.unwrap_or(false),
            max_resident_memory_percent: percent(
                "max_resident_memory_percent",
                self.max_resident_memory_percent,
                1,
            )?,
            max_disk_usage_percent: percent(
                "max_disk_usage_percent",
                self.max_disk_usage_percent,
                1,
            )?,
            release_margin_percent: percent(
                "release_margin_percent",
                self.release_margin_percent,
                0,
            )?,
        })
    }
}

fn percent(field: &str, value: Option<u64>, least: u8) -> Result<Option<u8>, Error> {
    let range = u64::from(least)..=100;
    let Some(value) = value else { return Ok(None) };
    match u8::try_from(value) {
        Ok(percent) if range.contains(&value) => Ok(Some(percent)),
        _ => Err(Error::out_of_range(field, value, &range)),
    }
}

/// `GET /quotas`.
pub fn quota_status(overview: &QuotaOverview) -> Value {
    let peers = overview.peers.iter().map(|peer| {
        let mut shown = usage(peer.usage);
        shown.insert("exceeded".to_owned(), peer.exceeded.into());
        (peer.node.to_string(), Value::Object(shown))
    });
    json!({
        "config": overview.quotas,
        "usage": usage(overview.usage),
        "peers": peers.collect::<Map<_, _>>(),
    })
}

fn usage(NodeUsage { memory, disk }: NodeUsage) -> Map<String, Value> {
    let memory = ("resident_memory_percent".to_owned(), json!(memory));
    Map::from_iter([memory, ("disk_usage_percent".to_owned(), json!(disk))])
}

#[cfg(test)]
mod tests {
    use vane_types::NodeId;

    use super::super::fixture::{assert_refused, parse_text};
    use super::*;
    use crate::engine::PeerQuota;

    #[test]
    fn quotas_are_shares() {
        let read = |json| parse_text::<QuotaConfig>(json).and_then(QuotaConfig::into_quotas);
        let quotas = read(r#"{"enabled": true, "max_disk_usage_percent": 90}"#).unwrap();
        assert_eq!((quotas.enabled, quotas.max_disk_usage_percent), (true, Some(90)));
        assert!(read("{}").unwrap().is_unset());
        for (json, code, named) in [
            (r#"{"max_disk_usage_percent": 0}"#, 422, "max_disk_usage_percent"),
            (r#"{"max_resident_memory_percent": 101}"#, 422, "max_resident_memory_percent"),
            (r#"{"release_margin_percent": 400}"#, 422, "release_margin_percent"),
            (r#"{"max_disk_usage_percent": -1}"#, 400, "max_disk_usage_percent"),
            (r#"{"max_collections": 3}"#, 400, "max_collections"),
        ] {
            assert_refused(json, &read(json).unwrap_err(), code, named);
        }
    }

    #[test]
    fn members_are_shown_by_number() {
        let usage = NodeUsage { memory: Some(12), disk: None };
        let peers = vec![PeerQuota { node: NodeId(7), usage, exceeded: true }];
        let overview = QuotaOverview { quotas: Quotas::default(), usage, peers };
        let used = json!({ "resident_memory_percent": 12, "disk_usage_percent": null });
        let mut peer = used.clone();
        peer["exceeded"] = true.into();
        let expected =
            json!({ "config": { "enabled": false }, "usage": used, "peers": { "7": peer } });
        assert_eq!(quota_status(&overview), expected);
    }
}
