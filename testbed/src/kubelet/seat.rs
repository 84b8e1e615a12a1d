//! The seat of a pod: its address, its files, its process. It outlives pods of its name.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_up::pod::Plan;
use vane_up::process::Process;

use crate::error::Error;

/// Pause before a process that died is started again; doubled each time, as in Kubernetes.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// Longest pause. Kubernetes' own of five minutes would outlast tests.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A process that ran so long begins with the shortest pause again.
const WELL_AFTER: Duration = Duration::from_secs(30);

/// A pod's seat.
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    /// Folder of the namespace.
    pub(super) dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    process: Option<Process>,
    started: Option<Instant>,
    /// Not before.
    next_start: Option<Instant>,
    backoff: Duration,
    /// Stays down until a test says otherwise.
    held: bool,
    /// For ever.
    closed: bool,
    starts: i32,
    last_exit: Option<i32>,
    /// Folders of the claims that the process had last.
    data_dirs: Vec<PathBuf>,
}

/// How a seat's process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) running: bool,
    /// Times that it was started for this pod; a new number is a new process.
    pub(super) starts: i32,
    pub(super) last_exit: Option<i32>,
}

impl Seat {
    pub(super) fn new(name: String, address: Ipv4Addr, dir: PathBuf) -> Self {
        Self { name, address, dir, state: Mutex::default() }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    /// A new pod sits down: nothing of the old one's counts.
    pub(super) fn sit(&self) {
        let mut state = self.state.lock();
        (state.starts, state.last_exit, state.next_start) = (0, None, None);
        state.backoff = Duration::ZERO;
    }

    /// Starts the process unless it runs, is held, or died a moment ago.
    pub(super) fn keep_running(
        &self,
        binary: &Path,
        plan: &Plan,
        data: &[String],
        group: i32,
    ) -> Result<Seen, Error> {
        let mut state = self.state.lock();
        state.look();
        let waits = state.next_start.is_some_and(|start| Instant::now() < start);
        if state.process.is_none() && !state.held && !state.closed && !waits {
            // Before the start: a wipe must find the data also when the start fails.
            state.data_dirs = data.iter().map(|claim| self.dir.join(claim)).collect();
            // A start that fails is tried again after a pause too.
            state.delay();
            state.process = Some(plan.start(binary, &self.log(), group)?);
            state.started = Some(Instant::now());
            state.starts += 1;
        }
        Ok(state.seen())
    }

    /// Whether there is no process any more.
    pub(super) fn is_down(&self) -> bool {
        let mut state = self.state.lock();
        state.look();
        state.process.is_none()
    }

    pub(super) fn with_process(&self, act: impl FnOnce(&mut Process)) {
        if let Some(process) = &mut self.state.lock().process {
            act(process);
        }
    }

    /// Kills it; with `held`, it stays down.
    pub(super) fn kill(&self, held: bool) {
        let mut state = self.state.lock();
        // A second kill must not release one that a test holds down.
        state.held |= held;
        state.kill();
    }

    pub(super) fn release(&self) {
        let mut state = self.state.lock();
        // A test that lets it go waits for it: no pause for earlier deaths.
        (state.held, state.next_start) = (false, None);
    }

    /// Kills it and removes its data before it is started again.
    pub(super) fn wipe(&self) -> Result<(), Error> {
        // Locked until the data is gone: it cannot be started on what is left of it.
        let mut state = self.state.lock();
        state.kill();
        for dir in &state.data_dirs {
            std::fs::remove_dir_all(dir).map_err(Error::system("remove the data in", dir))?;
        }
        Ok(())
    }

    /// Kills it for good.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.kill();
    }
}

impl State {
    fn look(&mut self) {
        if let Some(code) = self.process.as_mut().and_then(Process::ended) {
            self.over(code);
        }
    }

    fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill();
        }
        self.look();
    }

    fn over(&mut self, code: i32) {
        self.process = None;
        self.last_exit = Some(code);
        if self.started.is_some_and(|started| started.elapsed() > WELL_AFTER) {
            self.backoff = Duration::ZERO;
        }
        self.delay();
    }

    fn delay(&mut self) {
        self.backoff = (self.backoff * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
        self.next_start = Some(Instant::now() + self.backoff);
    }

    fn seen(&self) -> Seen {
        Seen { running: self.process.is_some(), starts: self.starts, last_exit: self.last_exit }
    }
}
