//! Showing once, or again and again.

use std::time::Duration;

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::output::{Console, Reader, View, write_stderr};

/// A watch more eager than this would be load on the cluster.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Shows what `fetch` returns: once, or with an interval until nobody reads it. A watch
/// outlives failures that pass, such as a change of leaders or a restart of the node. Returns
/// what was shown last.
///
/// # Errors
/// Those of the first fetch, those of later ones that do not pass, and those of the output.
pub(crate) async fn show<V: View>(
    console: &mut Console,
    flags: Watch,
    fetch: impl AsyncFn(&mut Client) -> Result<V, Error>,
) -> Result<V, Error> {
    let Console { client, output } = console;
    let mut view = fetch(client).await?;
    let Some(interval) = flags.watch else {
        output.show(&view)?;
        return Ok(view);
    };
    let mut reader = output.show_again(&view, true)?;
    while reader == Reader::There {
        tokio::time::sleep(interval.max(INTERVAL_MIN)).await;
        match fetch(client).await {
            Ok(fetched) => view = fetched,
            Err(error) if error.may_pass() => {
                // Not among the lists on stdout, which a script may read.
                write_stderr(&error.report());
                continue;
            }
            Err(error) => return Err(error),
        }
        reader = output.show_again(&view, false)?;
    }
    Ok(view)
}
