//! Which settings a node has, and what a change of each takes: for whoever sets them from outside.

/// What a change of a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: a node that runs takes it. With the default, as text.
    Nothing(&'static str),
    /// Another start of the node.
    Restart,
}

/// A setting of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// As the environment has it, but for `VANE_`.
    pub name: &'static str,
    /// What a change takes.
    pub takes: Takes,
}

const fn live(name: &'static str, default: &'static str) -> Setting {
    Setting { name, takes: Takes::Nothing(default) }
}

const fn restart(name: &'static str) -> Setting {
    Setting { name, takes: Takes::Restart }
}

/// All of them, by name.
pub const SETTINGS: &[Setting] = &[
    restart("CLUSTER__ADDRESS"),
    restart("CLUSTER__DIAL_FROM"),
    restart("CLUSTER__ENABLED"),
    restart("CLUSTER__LOST_AFTER_S"),
    restart("CLUSTER__NAME"),
    restart("CLUSTER__REST_ADDRESS"),
    restart("CLUSTER__SEEDS"),
    restart("CLUSTER__TOKEN"),
    restart("CLUSTER__TOKEN_FILE"),
    live("CONCURRENT_REQUESTS_MAX", "1024"),
    restart("DATA_DIR"),
    restart("GRPC_PORT"),
    restart("HOST"),
    restart("HTTP_PORT"),
    restart("LOG__FORMAT"),
    live("LOG__LEVEL", "info"),
    restart("MAX_REQUEST_BYTES"),
    restart("METRICS_PREFIX"),
    restart("PEER_PORT"),
    live("REQUEST_TIMEOUT_S", "60"),
    restart("SEARCH__PENDING_MAX"),
    restart("SEARCH__THREADS"),
    restart("SHUTDOWN_GRACE_S"),
    restart("STORAGE__BALLAST_MB"),
    restart("STORAGE__BUILD_MEMORY_MB"),
    restart("STORAGE__BUILD_THREADS"),
    restart("STORAGE__COMPARE_INTERVAL_S"),
    restart("STORAGE__FLUSH_INTERVAL_MS"),
    restart("STORAGE__GROWING_MB_MAX"),
    restart("STORAGE__GROWING_ROWS_MAX"),
    restart("STORAGE__IDLE_SEAL_MS"),
    restart("STORAGE__MIN_FREE_MB"),
    restart("STORAGE__PENDING_WRITE_MB"),
    restart("STORAGE__SCRUB_INTERVAL_S"),
    restart("STORAGE__SCRUB_MB_PER_S"),
];

/// The setting of a name.
pub fn setting(name: &str) -> Option<&'static Setting> {
    let found = SETTINGS.binary_search_by(|setting| setting.name.cmp(name));
    found.ok().map(|place| &SETTINGS[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_by_their_names() {
        assert!(SETTINGS.is_sorted_by_key(|setting| setting.name));
        for known in SETTINGS {
            assert_eq!(setting(known.name), Some(known));
        }
        assert_eq!(setting("LOG__LEVELS"), None);
    }
}
