//! How much of its memory and of its disk a node may use before it takes no more writes that grow.

use serde::{Deserialize, Serialize};

/// How far below its limit a resource has to fall where nothing else is said, in points of a per
/// cent.
const RELEASE_MARGIN: u8 = 5;

/// Limits on what each node of a cluster uses, the same for all. What is absent limits nothing, and
/// nothing does while they are not switched on. Fields are called as in the API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Whether the limits hold.
    pub enabled: bool,
    /// Memory in use at which a node takes no more writes that grow, in per cent of what it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_resident_memory_percent: Option<u8>,
    /// The same of the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_disk_usage_percent: Option<u8>,
    /// How far below its limit a resource has to fall before they are taken again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_margin_percent: Option<u8>,
}

impl Quotas {
    /// Whether nothing is said.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }

    /// Per cent of memory at which writes are refused.
    pub fn memory(&self) -> Option<u8> {
        self.max_resident_memory_percent.filter(|_| self.enabled)
    }

    /// Per cent of the disk at which writes are refused.
    pub fn disk(&self) -> Option<u8> {
        self.max_disk_usage_percent.filter(|_| self.enabled)
    }

    /// Below this a resource with such a limit is free again once it reached it.
    pub fn release_below(&self, limit: u8) -> u8 {
        limit.saturating_sub(self.release_margin_percent.unwrap_or(RELEASE_MARGIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_only_while_they_are_switched_on() {
        let off = Quotas { max_disk_usage_percent: Some(90), ..Quotas::default() };
        assert_eq!((off.disk(), off.is_unset()), (None, false));
        let on = Quotas { enabled: true, ..off };
        assert_eq!((on.disk(), on.memory(), on.release_below(90)), (Some(90), None, 85));
        let exact = Quotas { release_margin_percent: Some(0), ..on };
        assert_eq!((exact.release_below(90), on.release_below(3)), (90, 0));
    }

    #[test]
    fn what_is_stored_is_read_back_and_nothing_else() {
        let json = r#"{"enabled":true,"max_disk_usage_percent":90}"#;
        let quotas: Quotas = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&quotas).unwrap(), json);
        assert_eq!(serde_json::to_string(&Quotas::default()).unwrap(), r#"{"enabled":false}"#);
        assert!(serde_json::from_str::<Quotas>(r#"{"max_cpu":1}"#).is_err());
    }
}
