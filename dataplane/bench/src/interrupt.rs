//! Ending in order on SIGINT, SIGTERM and SIGHUP, so that no node is left running.
//!
//! A signal only leaves a note; every request and every wait looks at it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Takes the signals from now on.
pub(crate) fn watch() -> Result<(), Error> {
    take().map_err(|e| Error::node("signals cannot be taken", e))
}

fn take() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate, mut hang_up) = {
        // Signals are taken from the runtime's driver, also before it runs.
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        )
    };
    // A thread of its own: everything else here blocks.
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
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Acquire)
}

/// [`Error::Interrupted`] once a signal came.
pub(crate) fn check() -> Result<(), Error> {
    if requested() { Err(Error::Interrupted) } else { Ok(()) }
}
