//! What keeps a disk from the past silent: which start of this one speaks, which starts of the
//! others it knows, and whether it may take part in its groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;
use vane_catalog::{Catalog, State};
use vane_raft::{Callback, Envelope, Transfer, Transport};
use vane_storage::DataDir;
use vane_transport::{Introduction, Life, Links, Listed, Lives, NotTaken, Stale, Start};
use vane_types::{Error, NodeId, Retry};

use crate::open_error::{OpenError, internal};

/// What to do about a disk that is refused.
const ADVICE: &str = "this node neither votes nor answers any more: put the newest copy of its \
    disk back, or give it an empty data directory, with which it joins under a new number (then \
    `vanectl nodes replace` moves what it had)";

/// What is answered before a node may speak: what it has may be older than what the cluster knows.
pub(crate) const SILENT: &str =
    "this node has just started, and the others have not taken its start yet";

/// What this node is to the others, and they to it. What it knows is on its disk.
pub(crate) struct Gate {
    own: Introduction,
    data_dir: Arc<DataDir>,
    lives: RwLock<Lives>,
    /// Changes come one at a time: each is on disk before the next.
    changing: Mutex<()>,
    speaks: AtomicBool,
}

impl Gate {
    /// Counts a start of the disk, durably, and reads what it knows of the others.
    ///
    /// # Errors
    /// [`OpenError::Refused`] on a disk that was refused, before anything is counted; else of
    /// the disk.
    pub(crate) fn begin(
        data_dir: Arc<DataDir>,
        node: NodeId,
        address: String,
    ) -> Result<Self, OpenError> {
        let mut lives = read(&data_dir)?;
        // Before anything else opens: a start that fails half-way has used its number up, and no
        // later one is mistaken for it.
        let number = data_dir.count_start()?;
        let start = Start { number, boot: Uuid::new_v4().as_u64_pair().0 };
        let before = lives.begin(start);
        keep(&data_dir, &lives)?;
        let life = Life { node, disk: data_dir.marker().disk_id, start };
        let own = Introduction { life, address, before };
        let (lives, changing) = (RwLock::new(lives), Mutex::default());
        Ok(Self { own, data_dir, lives, changing, speaks: AtomicBool::new(false) })
    }

    /// Whether a disk may be started at all.
    ///
    /// # Errors
    /// [`OpenError::Refused`] on one that was refused; else of the disk.
    pub(crate) fn check_disk(data_dir: &DataDir) -> Result<(), OpenError> {
        read(data_dir).map(drop)
    }

    /// What this node says of itself.
    pub(crate) fn own(&self) -> &Introduction {
        &self.own
    }

    /// The start of its disk that speaks.
    pub(crate) fn life(&self) -> Life {
        self.own.life
    }

    /// Whether the node takes part in its groups.
    pub(crate) fn speaks(&self) -> bool {
        self.speaks.load(Ordering::Acquire)
    }

    /// From now on it does, unless it was refused.
    pub(crate) fn speak(&self) {
        // Under the lock of refusals: one that comes at this moment is not undone.
        let _one_at_a_time = self.changing.lock();
        if self.refused().is_none() {
            self.speaks.store(true, Ordering::Release);
        }
    }

    /// Why its disk must not be used any more, if somebody knows better.
    pub(crate) fn refused(&self) -> Option<String> {
        self.lives.read().refused().map(str::to_owned)
    }

    /// Falls silent for good: somebody refused this start. Blocks for a write.
    pub(crate) fn refuse(&self, by: &str, why: &str) {
        let _one_at_a_time = self.changing.lock();
        self.speaks.store(false, Ordering::Release);
        let mut lives = self.lives.read().clone();
        if lives.refused().is_some() {
            return;
        }
        let text = format!("{by} refuses this disk: {why}; {ADVICE}");
        lives.refuse(text.clone());
        // In memory first, and in any case: that is what silences the node.
        *self.lives.write() = lives.clone();
        if let Err(error) = keep(&self.data_dir, &lives) {
            tracing::error!(%error, "failed to note on the disk that it is refused");
        }
        // Last: whoever reads it finds the node silent.
        tracing::error!("{text}");
    }

    /// Takes a call of a start that was introduced.
    ///
    /// # Errors
    /// Why the call is not taken.
    pub(crate) fn check(&self, caller: &Life, state: &State) -> Result<(), NotTaken> {
        self.lives.read().check(caller, state.removed.contains_key(&caller.node))
    }

    /// Gets to know a start of another node. Blocks for a write, where it is news.
    ///
    /// # Errors
    /// A conflict where that start is refused for good; `Internal` where it could not be kept.
    pub(crate) fn meet(&self, new: &Introduction, catalog: &Catalog) -> Result<(), Error> {
        let listed = catalog.read(|state| listed(state, new.life.node));
        if new.life.node == self.own.life.node {
            return self.meet_namesake(new);
        }
        let _one_at_a_time = self.changing.lock();
        let mut lives = self.lives.read().clone();
        let is_news = lives.introduce(new, listed).map_err(|stale| {
            Error::conflict(stale.to_string()).nothing_changed().retry(Retry::No)
        })?;
        if is_news {
            // On disk first: what was answered must hold after a crash, too.
            keep(&self.data_dir, &lives).map_err(internal)?;
            *self.lives.write() = lives;
        }
        Ok(())
    }

    /// Hears of a process that calls itself by this node's number: itself, called at an address
    /// that it does not know as its own, or one on the same disk or a copy. Of two the one that
    /// remembers the other goes on.
    fn meet_namesake(&self, namesake: &Introduction) -> Result<(), Error> {
        let Life { node, start, .. } = self.own.life;
        if namesake.life == self.own.life {
            return Ok(());
        }
        if namesake.life.disk == self.own.life.disk && namesake.remembers(start) {
            let (start, known) = (start.number, namesake.life.start.number);
            let older = Stale::Older { node, start, known };
            self.refuse(&format!("start {known} of node {node}"), &older.to_string());
            return Err(Error::unavailable(SILENT).nothing_changed());
        }
        let copied = Stale::Copied { node, start: start.number };
        Err(Error::conflict(copied.to_string()).nothing_changed().retry(Retry::No))
    }

    /// Where nodes are that introduced themselves and are no members as far as this node knows:
    /// its catalog may be from before they joined.
    pub(crate) fn strangers(&self, state: &State) -> Vec<String> {
        let lives = self.lives.read();
        let is_strange =
            |node: &NodeId| !state.nodes.contains_key(node) && !state.removed.contains_key(node);
        let strange = lives.met().filter(|(node, _)| is_strange(node));
        strange.map(|(_, address)| address.to_owned()).collect()
    }

    /// Where a member is: what it said last, in a call or through the catalog.
    pub(crate) fn address(&self, member: &vane_catalog::Member) -> String {
        let lives = self.lives.read();
        let told = lives.address_since(member.id, member.entry.start);
        told.unwrap_or(&member.entry.address).to_owned()
    }
}

/// What the catalog has of a node.
fn listed(state: &State, node: NodeId) -> Listed {
    let entry = state.nodes.get(&node).map(|member| &member.entry);
    let member = entry.map(|entry| (entry.disk_id, entry.start));
    Listed::of(member, state.removed.contains_key(&node))
}

/// What a disk knows, if it was not refused.
fn read(data_dir: &DataDir) -> Result<Lives, OpenError> {
    let Some(bytes) = data_dir.lives()? else { return Ok(Lives::default()) };
    let lives = Lives::from_bytes(&bytes)?;
    match lives.refused() {
        Some(why) => Err(OpenError::Refused(why.to_owned())),
        None => Ok(lives),
    }
}

fn keep(data_dir: &DataDir, lives: &Lives) -> Result<(), vane_storage::Error> {
    data_dir.keep_lives(&lives.to_bytes())
}

/// The way to the other nodes, closed for Raft until this node may speak.
pub(crate) struct Gated {
    pub(crate) links: Arc<Links>,
    pub(crate) gate: Arc<Gate>,
}

impl Transport for Gated {
    fn send(&self, messages: Vec<Envelope>) {
        // Dropped and not kept: Raft sends again what is needed then.
        if self.gate.speaks() {
            self.links.send(messages);
        }
    }

    fn send_snapshot(&self, transfer: Transfer, done: Callback<bool>) {
        if self.gate.speaks() {
            self.links.send_snapshot(transfer, done);
        } else {
            done(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use vane_types::ErrorKind;

    use super::*;

    fn begin(dir: &std::path::Path) -> Result<Gate, OpenError> {
        Gate::begin(Arc::new(DataDir::open(dir)?), NodeId(2), "a:1".into())
    }

    #[test]
    fn a_disk_that_was_refused_is_silent_and_does_not_start_again() {
        let dir = tempfile::tempdir().unwrap();
        let gate = begin(dir.path()).unwrap();
        assert!(!gate.speaks());
        gate.speak();
        assert!(gate.speaks());
        gate.refuse("node 3", "start 5 is known");
        assert!(!gate.speaks());
        gate.speak();
        assert!(!gate.speaks(), "for good");
        let why = gate.refused().unwrap();
        assert!(why.contains("node 3 refuses this disk: start 5 is known"), "{why}");
        drop(gate);
        for _ in 0..2 {
            let refused = begin(dir.path()).err().unwrap();
            assert_eq!(refused.to_string(), why);
        }
        let starts = DataDir::open(dir.path()).unwrap().marker().starts;
        assert_eq!(starts, 1, "no start is counted that others could take for a later one");
    }

    #[test]
    fn of_two_processes_of_one_number_the_one_that_remembers_the_other_goes_on() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = begin(old.path()).unwrap();
        assert_eq!(first.meet_namesake(&first.own), Ok(()), "itself, by another address");
        for file in ["VANE", "LIVES"] {
            std::fs::copy(old.path().join(file), new.path().join(file)).unwrap();
        }
        let later = begin(new.path()).unwrap();
        let error = later.meet_namesake(&first.own).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "the copy that is older");
        assert_eq!(later.refused(), None);
        first.meet_namesake(&later.own).unwrap_err();
        let why = first.refused().unwrap();
        assert!(why.contains("start 2 is known"), "{why}");
    }

    #[test]
    fn each_start_remembers_those_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = begin(dir.path()).unwrap().own().clone();
        let second = begin(dir.path()).unwrap().own().clone();
        assert_eq!((first.life.start.number, second.life.start.number), (1, 2));
        assert_eq!(second.before, [first.life.start]);
        assert_eq!(first.life.disk, second.life.disk);
        assert_ne!(first.life.start.boot, second.life.start.boot);
    }
}
