//! Settings that change while the node runs: what all nodes agreed on takes the place of what this
//! one was started with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vane_api::{Error, Kind};
use vane_proto::{Takes, setting};

use crate::settings::{Layers, Settings};
use crate::state::AppState;
use crate::telemetry;

/// Pause before a node that belongs to no cluster yet is asked again.
const MEMBER_PAUSE: Duration = Duration::from_secs(1);

/// What holds now of the settings that change.
pub(crate) struct Live {
    request_timeout_s: AtomicU64,
}

impl Live {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { request_timeout_s: AtomicU64::new(settings.request_timeout_s) }
    }

    /// Time for a request that sets none of its own.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s.load(Ordering::Relaxed))
    }
}

/// Has the node do what its cluster agreed on, until it ends.
pub(crate) async fn follow(state: Arc<AppState>) {
    let member = loop {
        match state.node.member() {
            Ok(member) => break member,
            Err(_) => tokio::time::sleep(MEMBER_PAUSE).await,
        }
    };
    let catalog = member.coordinator().catalog();
    let (mut changes, mut taken) = (catalog.changes(), BTreeMap::new());
    loop {
        // Entries are many, and few of them are about settings: compared where they lie.
        let wanted = catalog.read(|state| {
            let is_new = state.settings != taken;
            is_new.then(|| state.settings.clone())
        });
        if let Some(wanted) = wanted {
            apply(&state, &wanted);
            taken = wanted;
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn apply(state: &AppState, wanted: &BTreeMap<String, String>) {
    // Those that a later version let in, and this one cannot take while it runs, are passed over.
    let known = wanted.iter().filter(|(name, _)| is_live(name));
    match over(state.settings.clone(), known) {
        Ok(settings) => {
            telemetry::set_level(settings.log.level);
            state.live.request_timeout_s.store(settings.request_timeout_s, Ordering::Relaxed);
            state.service.limits().set_calls_max(settings.concurrent_requests_max);
            tracing::info!(?wanted, "settings of the cluster hold from now on");
        }
        Err(why) => {
            tracing::warn!(why, "settings of the cluster do not fit this node, and are left alone");
        }
    }
}

fn is_live(name: &str) -> bool {
    setting(name).is_some_and(|setting| matches!(setting.takes, Takes::Nothing(_)))
}

/// Looks at settings before they are agreed on.
///
/// # Errors
///
/// [`Kind::BadInput`] where there is none of a name, a node would have to be started again for it,
/// or it cannot have the value.
pub(crate) fn check(wanted: &BTreeMap<String, String>) -> Result<(), Error> {
    let bad_input =
        |why: String| Error::new(Kind::BadInput, "", format!("{why}; nothing was changed"));
    for name in wanted.keys() {
        match setting(name) {
            None => return Err(bad_input(format!("there is no setting {name}"))),
            Some(setting) if setting.takes == Takes::Restart => {
                return Err(bad_input(format!(
                    "a node has to be started again for {name}: set it where the node is started"
                )));
            }
            Some(_) => {}
        }
    }
    over(Settings::default(), wanted.iter()).map(drop).map_err(bad_input)
}

/// Settings with others in their place, which are named as in the environment.
fn over<'a>(
    settings: Settings,
    others: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<Settings, String> {
    let mut layers = Layers::over(settings);
    layers.environment(others.map(|(name, value)| (format!("VANE_{name}").into(), value.into())));
    layers.load().map(|loaded| loaded.settings).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn named(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_no_node_could_take_is_refused_with_its_name() {
        for (name, value, why) in [
            ("LOG__LEVELS", "debug", "there is no setting LOG__LEVELS"),
            ("SEARCH__THREADS", "2", "has to be started again for SEARCH__THREADS"),
            ("LOG__LEVEL", "loud", "log.level"),
            ("REQUEST_TIMEOUT_S", "0", "request_timeout_s is 0"),
            ("CONCURRENT_REQUESTS_MAX", "many", "concurrent_requests_max"),
        ] {
            let refused = check(&named(&[(name, value)])).unwrap_err();
            assert_eq!(refused.kind, Kind::BadInput);
            assert!(refused.detail.contains(why), "{}", refused.detail);
        }
        check(&named(&[("LOG__LEVEL", "debug"), ("REQUEST_TIMEOUT_S", "5")])).unwrap();
        check(&named(&[])).unwrap();
    }

    #[test]
    fn others_stand_over_what_the_node_was_started_with() {
        let started =
            Settings { request_timeout_s: 7, max_request_bytes: 2048, ..Settings::default() };
        let wanted = named(&[("LOG__LEVEL", "debug")]);
        let settings = over(started.clone(), wanted.iter()).unwrap();
        assert_eq!((settings.request_timeout_s, settings.max_request_bytes), (7, 2048));
        assert_eq!(settings.log.level, crate::settings::LogLevel::Debug);
        assert_eq!(over(started.clone(), named(&[]).iter()).unwrap(), started);
    }
}
