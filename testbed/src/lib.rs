//! Clusters of real `vane serve` processes on this machine, and faults for them: killed,
//! stopped and frozen processes, links cut between chosen nodes.
//!
//! Owns processes, their addresses and the wires between them. It knows the node only from
//! outside (its binary, its REST API, its admin interface), so that what a test sees is
//! what a user would. Node i listens on 127.0.0.(10+i).

mod admin;
pub mod apiserver;
mod cluster;
mod error;
mod group;
pub mod kubelet;
mod links;
mod node;
mod rest;

pub use admin::Admin;
pub use apiserver::{Access, ApiServer};
pub use cluster::{Cluster, Options};
pub use error::Error;
pub use kubelet::Kubelet;
pub use links::Links;
pub use node::Node;
pub use rest::{Answer, Rest};

use std::time::{Duration, Instant};

/// Pause between two looks at something that has no way to tell.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Waits until `look` finds something; an error names what was waited for.
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, Error> {
    let end = Instant::now() + timeout;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(Error::Waited { what: what.to_owned(), seconds: timeout.as_secs() });
        }
        pause(LOOK_PAUSE);
    }
}

/// Lets time pass.
#[allow(
    clippy::disallowed_methods,
    reason = "other processes are waited for, which have no way to wake us"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
