//! What every method gets: the service, and what goes around a request.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response};
use vane_api::grpc::{Form, Termed, Terms, read};
use vane_api::rest::record::Keys;
use vane_api::{Error, Kind};
use vane_service::{Door, Principal, Service};
use vane_types::LogIndex;
use vane_wire::qdrant::{PointsOperationResponse, UpdateResult};

use super::error::Failed;
use crate::engine::{Collection, Partial, Record, ShardKeys};
use crate::read_options::{PARTIAL_NAME, ReadOptions, allows_partial};
use crate::rest::{ANSWER_TRAVELS, PARSED_IN_PLACE_BYTES_MAX};
use crate::settings::TIMEOUT_S_MAX;
use crate::state::AppState;

/// Time that a client gives a call: digits and a unit, as gRPC writes it.
const TIMEOUT: &str = "grpc-timeout";
/// Digits that it may have.
const TIMEOUT_DIGITS_MAX: usize = 8;

/// What a method comes to.
pub(super) type Answered<T> = Result<Response<T>, Failed>;

/// When the head of a call was there, and how large its message is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrived {
    pub(super) at: Instant,
    pub(super) bytes: usize,
}

/// The collection that a call names, once its message was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Named(Arc<OnceLock<String>>);

impl Named {
    pub(super) fn name(&self) -> Option<&str> {
        self.0.get().map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A call on its way.
pub(super) struct Call {
    pub(super) service: Arc<Service>,
    /// What the service is told of it.
    pub(super) context: vane_service::Call,
    /// The collection that it names; empty where it names none.
    pub(super) name: String,
    /// Whether the client asked to wait until the change can be seen. It always waits: only the
    /// word in the answer differs.
    pub(super) wait: bool,
    arrived: Arrived,
}

impl Call {
    /// What a request says beside what it asks for, and what that is.
    pub(super) fn of<M: Termed>(
        state: &AppState,
        request: Request<M>,
    ) -> Result<(Self, M), Failed> {
        let (metadata, extensions, mut message) = request.into_parts();
        let arrived = extensions.get::<Arrived>().copied();
        let arrived = arrived.unwrap_or(Arrived { at: Instant::now(), bytes: 0 });
        let Terms { collection, wait, timeout, consistency } = message.terms()?;
        if let Some(Named(name)) = extensions.get() {
            name.get_or_init(|| collection.clone());
        }
        if timeout == Some(0) {
            return Err(Error::zero("timeout").into());
        }
        let headers = metadata.as_ref();
        let ReadOptions { freshness, asked_of } = ReadOptions::of(consistency.as_deref(), headers)?;
        let asked_timeout = timeout;
        let asked = timeout.map(|seconds| Duration::from_secs(seconds.min(TIMEOUT_S_MAX)));
        // Whichever of the two the client stops waiting at.
        let timeout = [asked, deadline(headers)?].into_iter().flatten().min();
        let timeout = timeout.map_or(state.live.request_timeout(), granted);
        let partial = allows_partial(headers)?.then(Partial::default);
        let context = vane_service::Call {
            freshness,
            asked_of,
            partial,
            asked_timeout,
            // As over REST: there is no authentication yet.
            ..vane_service::Call::new(Principal::Anonymous, Door::Grpc, timeout)
        };
        let service = Arc::clone(&state.service);
        let wait = wait.unwrap_or(false);
        Ok((Self { service, context, name: collection, wait, arrived }, message))
    }

    /// Reads a message, a large one on a thread that may block.
    pub(super) async fn read<M>(&self, message: M) -> Result<M::Body, Failed>
    where
        M: Form + Send + 'static,
        M::Body: Send + 'static,
    {
        if self.arrived.bytes <= PARSED_IN_PLACE_BYTES_MAX {
            return Ok(read(message)?);
        }
        let parsed = tokio::task::spawn_blocking(move || read(message)).await;
        Ok(parsed.map_err(|e| Error::internal(format!("the message could not be read: {e}")))??)
    }

    /// The collection that the request names, as some shard keys have it.
    pub(super) async fn collection(
        &self,
        keys: Option<&ShardKeys>,
    ) -> Result<Arc<Collection>, Failed> {
        Ok(self.service.collection_among(&self.context, &self.name, keys).await?)
    }

    /// Seconds since the head of the call was there.
    pub(super) fn seconds(&self) -> f64 {
        self.arrived.at.elapsed().as_micros() as f64 / 1e6
    }

    /// A successful answer. Its metadata says where shards are not in it.
    pub(super) fn answer<T>(&self, message: T) -> Answered<T> {
        let mut response = Response::new(message);
        if !self.context.failed_shards().is_empty() {
            let some = MetadataValue::from_static("true");
            response.metadata_mut().insert(PARTIAL_NAME, some);
        }
        Ok(response)
    }

    /// What a change that was applied as entry `index` answers.
    pub(super) fn result(&self, index: LogIndex) -> UpdateResult {
        vane_api::grpc::updated(index, self.wait)
    }

    /// The same as an answer.
    pub(super) fn updated(&self, result: UpdateResult) -> Answered<PointsOperationResponse> {
        let time = self.seconds();
        self.answer(PointsOperationResponse { result: Some(result), time, usage: None })
    }
}

/// What the tenants of some points are called.
pub(super) fn keys_of<'a>(
    collection: &Collection,
    records: impl IntoIterator<Item = &'a Record>,
) -> Keys {
    collection.keys_of(records.into_iter().filter_map(|record| record.id.tenant))
}

/// Time for a call whose client waits so long for the answer, which has a way to go.
fn granted(asked: Duration) -> Duration {
    asked - ANSWER_TRAVELS.min(asked / 2)
}

/// Time that the client's transport gives the call.
fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(header) = headers.get(TIMEOUT) else { return Ok(None) };
    let text = String::from_utf8_lossy(header.as_bytes());
    let parsed = duration(&text).ok_or_else(|| {
        let detail = format!("`{text}` is not up to {TIMEOUT_DIGITS_MAX} digits and a unit");
        Error::new(Kind::MalformedParameter, TIMEOUT, detail)
    })?;
    Ok(Some(parsed.min(Duration::from_secs(TIMEOUT_S_MAX))))
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > TIMEOUT_DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{duration, granted};
    use std::time::Duration;

    #[test]
    fn times_are_read_in_every_unit_and_leave_something_for_the_way() {
        for (text, millis) in
            [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("99999999u", 99_999)]
        {
            assert_eq!(duration(text).map(|time| time.as_millis()), Some(millis), "{text}");
        }
        for text in ["", "S", "1", "1s", "-1S", "123456789S", "1é"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(granted(Duration::from_secs(1)), Duration::from_millis(900));
        assert_eq!(granted(Duration::from_millis(10)), Duration::from_millis(5));
    }
}
