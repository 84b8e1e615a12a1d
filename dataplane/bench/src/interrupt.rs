//! Ending in order on SIGINT, SIGTERM and SIGHUP, so that no node is left running.
//!
//! A signal only leaves a note; every request and every wait looks at it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::Error;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Takes the signals from now on.
pub(crate) fn watch() -> Result<(), Error> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&REQUESTED))
            .map_err(|e| Error::node("signals cannot be taken", e))?;
    }
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
