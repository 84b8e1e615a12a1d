//! Ending in order on SIGINT, SIGTERM and SIGHUP, so that no node is left running.
//!
//! A signal only leaves a note; every request and every wait looks at it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Takes the signals from now on.
pub fn watch() -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::node("signals cannot be taken", e);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        let _inside = runtime.enter();
        let taken = |kind| signal(kind).map_err(failed);
        (
            taken(SignalKind::interrupt())?,
            taken(SignalKind::terminate())?,
            taken(SignalKind::hangup())?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        REQUESTED.store(true, Ordering::Release);
    });
    Ok(())
}

/// Whether a signal came.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Acquire)
}

/// An error once a signal came.
pub fn check() -> Result<(), Error> {
    if requested() { Err(Error::Interrupted) } else { Ok(()) }
}
