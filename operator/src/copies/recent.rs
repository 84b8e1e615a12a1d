//! What is not watched, since nobody should be let see all of it: read by name, and believed for a
//! while.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::aging::Aging;

/// How long a token, and that settings are there, are believed.
const SHORT: Duration = Duration::from_secs(60);
/// How long the zone of a machine is: it hardly ever changes.
const LONG: Duration = Duration::from_secs(600);

/// Namespace and name.
type Key = (String, String);

/// What was read a while ago.
#[derive(Default)]
pub(crate) struct Recent {
    tokens: Mutex<Aging<Key, String>>,
    settings: Mutex<Aging<Key, String>>,
    /// Of settings, those that nodes take while they run.
    live: Mutex<Aging<Key, BTreeMap<String, String>>>,
    zones: Mutex<Aging<String, Option<String>>>,
}

impl Recent {
    /// The token in a Secret.
    pub(crate) fn token(&self, namespace: &str, secret: &str) -> Option<String> {
        self.tokens.lock().younger(&key(namespace, secret), SHORT).cloned()
    }

    /// Notes the token in a Secret; `None` where there is none.
    pub(crate) fn note_token(&self, namespace: &str, secret: &str, token: Option<&str>) {
        note(&self.tokens, key(namespace, secret), token.map(str::to_owned));
    }

    /// UUID of the cluster's own ConfigMap of this name.
    pub(crate) fn settings(&self, namespace: &str, name: &str) -> Option<String> {
        self.settings.lock().younger(&key(namespace, name), SHORT).cloned()
    }

    /// Notes that a ConfigMap is the cluster's own, by its UUID; `None` of one that is not.
    pub(crate) fn note_settings(&self, namespace: &str, name: &str, uid: Option<&str>) {
        note(&self.settings, key(namespace, name), uid.map(str::to_owned));
    }

    /// Of the settings in a ConfigMap, those that nodes take while they run.
    pub(crate) fn live(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, String>> {
        self.live.lock().younger(&key(namespace, name), LONG).cloned()
    }

    /// Notes them: a ConfigMap of settings never changes.
    pub(crate) fn note_live(&self, namespace: &str, name: &str, live: BTreeMap<String, String>) {
        self.live.lock().note(key(namespace, name), live);
    }

    /// Zone of a machine, which may have none.
    pub(crate) fn zone(&self, machine: &str) -> Option<Option<String>> {
        self.zones.lock().younger(machine, LONG).cloned()
    }

    /// Notes the zone of a machine.
    pub(crate) fn note_zone(&self, machine: &str, zone: Option<&str>) {
        self.zones.lock().note(machine.to_owned(), zone.map(str::to_owned));
    }
}

/// What is not there is not remembered: it may be made at any time.
fn note(aging: &Mutex<Aging<Key, String>>, key: Key, value: Option<String>) {
    let mut aging = aging.lock();
    match value {
        Some(value) => aging.note(key, value),
        None => aging.forget(&key),
    }
}

fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_remembered_and_what_is_not_is_not() {
        let recent = Recent::default();
        recent.note_token("a", "x", Some("t"));
        assert_eq!(recent.token("a", "x").as_deref(), Some("t"));
        assert_eq!(recent.token("b", "x"), None, "another namespace");
        recent.note_token("a", "x", None);
        assert_eq!(recent.token("a", "x"), None);
        recent.note_zone("m", None);
        assert_eq!((recent.zone("m"), recent.zone("n")), (Some(None), None));
    }
}
