//! `vanectl wait`: until the cluster is as it should be.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::args::values::Condition;
use crate::cluster::ClusterView;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Console;

const POLL_EVERY: Duration = Duration::from_secs(1);
/// A node that hangs must not use up the time of the others.
const POLL_MAX: Duration = Duration::from_secs(5);

/// Waits for `condition`, at most for `limit`. Unreachable nodes and a cluster that is
/// not there yet are waited out; a refused token is not.
///
/// # Errors
/// When the time is over: [`Error::Unmet`] if the cluster answered last, else the last
/// failure. At once: a failure that does not pass.
pub(crate) async fn wait(
    console: &mut Console,
    condition: Condition,
    limit: Duration,
) -> Result<Exit, Error> {
    let Console { client, output } = console;
    let deadline = Instant::now() + limit;
    let mut said = String::new();
    loop {
        // Never past the end: the last look has what time is left.
        client.set_timeout(POLL_MAX.min(deadline.saturating_duration_since(Instant::now())));
        let answer = ClusterView::fetch(client).await;
        let (line, outcome) = match answer {
            Ok(view) if holds(&view, condition) => {
                output.note(&format!("{condition}: {}", view.summary()));
                return Ok(Exit::Done);
            }
            Ok(view) => {
                let line = view.summary();
                let late = format!("{condition} did not come about within {limit:?}: {line}");
                (line, Error::Unmet(late))
            }
            // A node that restarts, say. A token that is refused stays refused.
            Err(error) if error.may_pass() => (error.to_string(), error),
            Err(error) => return Err(error),
        };
        if line != said {
            output.note(&format!("waiting for {condition}: {line}"));
            said = line;
        }
        // Another look would come after the end; waiting for it is saved.
        if Instant::now() + POLL_EVERY >= deadline {
            return Err(outcome);
        }
        sleep(POLL_EVERY).await;
    }
}

fn holds(view: &ClusterView, condition: Condition) -> bool {
    match condition {
        Condition::Healthy => view.healthy,
        Condition::Nodes(count) => view.cluster.nodes_alive >= count,
    }
}
