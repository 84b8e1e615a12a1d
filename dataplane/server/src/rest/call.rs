//! What every handler gets: the service, and the parameters that all requests share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRef, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vane_api::rest::record::Keys;
use vane_api::rest::update::UpdateResult;
use vane_api::{Error, Kind};
use vane_service::{Door, Principal, Service};
use vane_types::{LogIndex, innermost};

use super::answer::{Answer, Started};
use super::error::ApiError;
use crate::engine::{Collection, Partial, Record, ShardKeys};
use crate::read_options::{ReadOptions, allows_partial};
use crate::settings::TIMEOUT_S_MAX;
use crate::state::AppState;

/// Part of a client's `timeout` that is left to the way of the answer. Qdrant's clients stop
/// waiting at the same time themselves, and would never read what the answer says.
pub(crate) const ANSWER_TRAVELS: Duration = Duration::from_millis(100);

/// A request on its way.
pub(crate) struct Call {
    pub(crate) service: Arc<Service>,
    /// What the service is told of it.
    pub(crate) context: vane_service::Call,
    started: Started,
    /// Whether the client asked to wait until the change can be seen. It always waits:
    /// only the word in the answer differs.
    pub(crate) wait: bool,
}

/// Query parameters. Unknown ones are passed over, as clients add some for proxies.
#[derive(Debug, Default, Deserialize)]
struct Parameters {
    wait: Option<bool>,
    #[serde(rename = "ordering")]
    _ordering: Option<Ordering>,
    timeout: Option<u64>,
    consistency: Option<String>,
    partial: Option<bool>,
}

/// All of them are the order of the log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ordering {
    Weak,
    Medium,
    Strong,
}

impl Call {
    /// A successful answer. It names the shards that are not in it.
    pub(crate) fn answer<T: Serialize>(&self, result: T) -> Answer {
        self.started.answer(result, &self.context.failed_shards(), None)
    }

    /// The same, with how the searches went.
    pub(crate) fn explain<T: Serialize>(&self, result: T, explained: &Value) -> Answer {
        self.started.answer(result, &self.context.failed_shards(), Some(explained))
    }

    /// What a change that was applied as entry `index` answers.
    pub(crate) fn updated(&self, index: LogIndex) -> UpdateResult {
        UpdateResult::new(index, self.wait)
    }

    /// A collection by name or alias.
    pub(crate) async fn collection(&self, name: &str) -> Result<Arc<Collection>, ApiError> {
        Ok(self.service.collection(&self.context, name).await?)
    }
}

impl Call {
    /// A collection by name or alias, as some shard keys have it.
    pub(crate) async fn collection_of(
        &self,
        name: &str,
        keys: Option<ShardKeys>,
    ) -> Result<Arc<Collection>, ApiError> {
        Ok(self.service.collection_among(&self.context, name, keys.as_ref()).await?)
    }
}

/// What the tenants of some points are called.
pub(crate) fn keys_of<'a>(
    collection: &Collection,
    records: impl IntoIterator<Item = &'a Record>,
) -> Keys {
    collection.keys_of(records.into_iter().filter_map(|record| record.id.tenant))
}

impl<S: Send + Sync> FromRequestParts<S> for Call
where
    Arc<AppState>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let state = Arc::<AppState>::from_ref(state);
        // From the first layer, so that `time` has what was waited for before this one.
        let started = parts.extensions.get::<Started>().copied().unwrap_or(Started(Instant::now()));
        let parameters = match parts.uri.query() {
            None => Parameters::default(),
            Some(_) => match Query::try_from_uri(&parts.uri) {
                Ok(Query(parameters)) => parameters,
                Err(rejection) => {
                    return Err(
                        Error::new(Kind::MalformedParameter, "", innermost(&rejection)).into()
                    );
                }
            },
        };
        let Parameters { wait, _ordering, timeout, consistency, partial } = parameters;
        if timeout == Some(0) {
            let detail = "value 0 invalid, must be 1 or larger";
            return Err(Error::new(Kind::InvalidParameter, "timeout", detail).into());
        }
        let ReadOptions { freshness, asked_of } =
            ReadOptions::of(consistency.as_deref(), &parts.headers)?;
        let asked_timeout = timeout;
        let timeout = timeout.map_or(state.live.request_timeout(), granted);
        let partial = allows_partial(&parts.headers)? || partial.unwrap_or(false);
        let partial = partial.then(Partial::default);
        let context = vane_service::Call {
            freshness,
            asked_of,
            partial,
            asked_timeout,
            // REST asks nobody who they are: there is no authentication yet.
            ..vane_service::Call::new(Principal::Anonymous, Door::Rest, timeout)
        };
        let service = Arc::clone(&state.service);
        // As in Qdrant it is `false` where it is left out, which changes only a word here.
        Ok(Self { service, context, started, wait: wait.unwrap_or(false) })
    }
}

/// Time for a request whose client waits so many seconds, at least one, for the answer.
fn granted(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(TIMEOUT_S_MAX)) - ANSWER_TRAVELS
}

/// Query parameters of one route, beside those that all have.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_none() {
            return Ok(Self(T::default()));
        }
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => {
                Err(Error::new(Kind::MalformedParameter, "", innermost(&rejection)).into())
            }
        }
    }
}

/// Parts of the path.
pub(crate) struct In<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for In<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(part)) => Ok(Self(part)),
            Err(rejection) => Err(Error::bad_request(rejection.body_text()).into()),
        }
    }
}
