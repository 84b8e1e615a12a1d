//! How many threads build graphs.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Of the cores for building, one in so many is used while requests come.
const BUSY_SHARE: usize = 2;

/// The cores that the shards of a node build graphs on.
///
/// All of them at rest, half beside searches and writes; the builds that run have equal shares.
#[derive(Debug)]
pub struct BuildCores {
    cores: usize,
    builds: AtomicUsize,
    /// Searches and writes so far.
    requests: AtomicU64,
}

impl BuildCores {
    pub fn new(cores: usize) -> Self {
        Self { cores, builds: AtomicUsize::new(0), requests: AtomicU64::new(0) }
    }

    /// Builds that may run side by side, on a core each while requests come.
    pub fn builds_max(&self) -> usize {
        (self.cores / BUSY_SHARE).max(1)
    }

    pub(crate) fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a build until it ends.
    pub(crate) fn begin(&self) -> Build<'_> {
        self.builds.fetch_add(1, Ordering::Relaxed);
        // Busy at first: what made the rows that are built over may still go on.
        Build { cores: self, requests: None }
    }
}

/// A build that runs.
pub(crate) struct Build<'a> {
    cores: &'a BuildCores,
    /// How many there were when it asked last.
    requests: Option<u64>,
}

impl Build<'_> {
    /// Threads for its next rows, itself included.
    pub(crate) fn threads(&mut self) -> NonZeroUsize {
        let now = self.cores.requests.load(Ordering::Relaxed);
        let is_at_rest = self.requests.replace(now) == Some(now);
        let cores = if is_at_rest { self.cores.cores } else { self.cores.builds_max() };
        let builds = self.cores.builds.load(Ordering::Relaxed).max(1);
        NonZeroUsize::new(cores / builds).unwrap_or(NonZeroUsize::MIN)
    }
}

impl Drop for Build<'_> {
    fn drop(&mut self) {
        self.cores.builds.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_all_cores_at_rest_and_half_beside_requests() {
        let cores = BuildCores::new(8);
        let mut build = cores.begin();
        assert_eq!(build.threads().get(), 4, "what was before is not known");
        assert_eq!(build.threads().get(), 8);
        cores.note_request();
        assert_eq!(build.threads().get(), 4);
        assert_eq!(build.threads().get(), 8);
    }

    #[test]
    fn builds_that_run_share_the_cores() {
        let cores = BuildCores::new(8);
        let mut build = cores.begin();
        build.threads();
        let others = [(); 2].map(|()| cores.begin());
        assert_eq!(build.threads().get(), 2);
        drop(others);
        assert_eq!(build.threads().get(), 8);
        let many = [(); 20].map(|()| cores.begin());
        assert_eq!(build.threads().get(), 1, "never none");
        drop(many);
    }

    #[test]
    fn one_core_builds_whatever_comes() {
        let cores = BuildCores::new(1);
        assert_eq!(cores.builds_max(), 1);
        assert_eq!(cores.begin().threads().get(), 1);
    }
}
