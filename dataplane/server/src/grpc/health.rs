//! `grpc.health.v1.Health`: whether calls should be sent here, as `/readyz` says it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::MissedTickBehavior;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest as Probe, HealthCheckResponse};
use vane_api::{Error, Kind};

use super::error::Failed;
use crate::state::AppState;

/// Clients that watch at a time: each holds a stream open.
const WATCHERS_MAX: usize = 256;
/// Time between looks at whether calls should be sent here, while somebody watches.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Time after which the same is said again: nobody takes the connection for an idle one, and one
/// whose client has gone comes to its end.
const SAID_AGAIN_EVERY: Duration = Duration::from_secs(60);

/// What watchers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Is(ServingStatus),
    /// Nothing more: the node stops.
    End,
}

/// What is known to all who watch.
pub(super) struct Feed {
    state: Arc<AppState>,
    news: watch::Sender<News>,
    watchers: Arc<Semaphore>,
}

impl Feed {
    pub(super) fn new(state: Arc<AppState>) -> Arc<Self> {
        let (news, _) = watch::channel(News::Is(ServingStatus::Unknown));
        Arc::new(Self { state, news, watchers: Arc::new(Semaphore::new(WATCHERS_MAX)) })
    }

    /// Looks and tells until the node stops. Whoever watches is told of that too, and let go.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.state.stopping() => break,
                _ = ticks.tick() => {}
            }
            if self.news.receiver_count() > 0 {
                self.look();
            }
        }
        self.news.send_replace(News::End);
    }

    /// Tells what is, where that is new.
    fn look(&self) {
        let now = News::Is(self.status());
        self.news.send_if_modified(|news| {
            let is_new = *news != News::End && *news != now;
            if is_new {
                *news = now;
            }
            is_new
        });
    }

    fn status(&self) -> ServingStatus {
        match self.state.check_ready() {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        }
    }

    /// The statuses from now on, each as it comes to be.
    fn watch(&self) -> Result<Statuses, Error> {
        let permit = Arc::clone(&self.watchers).try_acquire_owned().map_err(|_| {
            let detail = format!("{WATCHERS_MAX} clients watch already, which is the most");
            Error::new(Kind::Overloaded, "", detail)
        })?;
        let news = self.news.subscribe();
        self.look();
        Ok(statuses(news, permit))
    }
}

type Statuses = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

fn statuses(news: watch::Receiver<News>, permit: OwnedSemaphorePermit) -> Statuses {
    let said = (news, permit, None);
    Box::pin(futures_util::stream::unfold(said, async |(mut news, permit, last)| {
        let status = next(&mut news, last).await?;
        let message = HealthCheckResponse { status: status.into() };
        Some((Ok(message), (news, permit, Some(status))))
    }))
}

/// What is said next to who was told `last`; `None` at the end.
async fn next(
    news: &mut watch::Receiver<News>,
    last: Option<ServingStatus>,
) -> Option<ServingStatus> {
    loop {
        match *news.borrow_and_update() {
            News::Is(status) if Some(status) != last => return Some(status),
            News::Is(_) => {}
            // It serves no more, which is said before the end.
            News::End => {
                return (last != Some(ServingStatus::NotServing))
                    .then_some(ServingStatus::NotServing);
            }
        }
        match tokio::time::timeout(SAID_AGAIN_EVERY, news.changed()).await {
            Ok(Ok(())) => {}
            // The listener is gone.
            Ok(Err(_)) => return None,
            Err(_) => return last,
        }
    }
}

/// The service's methods. Of any service: they are ready together.
pub(super) struct HealthDoor(pub(super) Arc<Feed>);

#[tonic::async_trait]
impl Health for HealthDoor {
    type WatchStream = Statuses;

    async fn check(&self, _: Request<Probe>) -> Result<Response<HealthCheckResponse>, Status> {
        let status = self.0.status().into();
        Ok(Response::new(HealthCheckResponse { status }))
    }

    async fn watch(&self, _: Request<Probe>) -> Result<Response<Statuses>, Status> {
        Ok(Response::new(self.0.watch().map_err(Failed)?))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn said(status: Option<Result<HealthCheckResponse, Status>>) -> Option<ServingStatus> {
        status.map(|message| message.unwrap().status())
    }

    #[tokio::test]
    async fn a_watcher_hears_each_change_once_and_the_end() {
        let (tell, news) = watch::channel(News::Is(ServingStatus::NotServing));
        let places = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&places).try_acquire_owned().unwrap();
        let mut statuses = statuses(news, permit);
        assert_eq!(said(statuses.next().await), Some(ServingStatus::NotServing));
        tell.send_replace(News::Is(ServingStatus::Serving));
        assert_eq!(said(statuses.next().await), Some(ServingStatus::Serving));
        tell.send_replace(News::Is(ServingStatus::Serving));
        assert_eq!(places.available_permits(), 0);
        tell.send_replace(News::End);
        assert_eq!(said(statuses.next().await), Some(ServingStatus::NotServing));
        assert_eq!(said(statuses.next().await), None);
        assert_eq!(places.available_permits(), 1, "its place is free again");
    }
}
