//! What the log is for: the state machine, and what passes between it and the core.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use raft::eraftpb::ConfState;
use vane_types::{GroupId, LogIndex, PeerId, Refusal, Term};

use crate::error::{ApplyError, StoreError};
use crate::ticket::Ticket;

/// One logged command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place of the entry in the group's log.
    pub index: LogIndex,
    /// Term of the leader that proposed it.
    pub term: Term,
    /// The command; empty for an entry that changes nothing but the applied index.
    pub data: Vec<u8>,
    /// For a change of members: the membership that holds from this entry on.
    pub conf: Option<Conf>,
}

/// Members of a group, by peer id. Raft's own truth: the catalogue only copies it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Conf {
    /// Who votes.
    pub voters: Vec<PeerId>,
    /// Who follows without a vote.
    pub learners: Vec<PeerId>,
    /// While two memberships overlap: who voted before, and still has to agree.
    pub voters_outgoing: Vec<PeerId>,
    /// While two memberships overlap: voters that become learners at its end.
    pub learners_next: Vec<PeerId>,
}

impl Conf {
    /// A membership of voters alone.
    pub fn of_voters(voters: Vec<PeerId>) -> Self {
        Self { voters, ..Self::default() }
    }

    /// Whether two memberships overlap.
    pub fn is_joint(&self) -> bool {
        !self.voters_outgoing.is_empty()
    }

    /// Voters and learners of both memberships, in order, each once.
    pub fn members(&self) -> Vec<PeerId> {
        let all = [&self.voters, &self.learners, &self.voters_outgoing, &self.learners_next];
        let mut members: Vec<PeerId> = all.into_iter().flatten().copied().collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

impl From<&ConfState> for Conf {
    fn from(state: &ConfState) -> Self {
        Self {
            voters: sorted_peers(&state.voters),
            learners: sorted_peers(&state.learners),
            voters_outgoing: sorted_peers(&state.voters_outgoing),
            learners_next: sorted_peers(&state.learners_next),
        }
    }
}

impl From<&Conf> for ConfState {
    fn from(conf: &Conf) -> Self {
        Self {
            voters: raw_ids(&conf.voters),
            learners: raw_ids(&conf.learners),
            voters_outgoing: raw_ids(&conf.voters_outgoing),
            learners_next: raw_ids(&conf.learners_next),
            // Joint memberships are left by an entry of our own: see `Replica::tick`.
            auto_leave: false,
        }
    }
}

fn sorted_peers(raw: &[u64]) -> Vec<PeerId> {
    let mut peers: Vec<PeerId> = raw.iter().copied().map(PeerId).collect();
    peers.sort_unstable();
    peers
}

fn raw_ids(peers: &[PeerId]) -> Vec<u64> {
    peers.iter().map(|peer| peer.0).collect()
}

/// Outcome of a command on every replica: done, or refused without effect.
pub type Answer = Result<(), Refusal>;

/// What became of a command that was applied: where it stood, and whether it had an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Place of the command in the group's log.
    pub index: LogIndex,
    /// What every replica answers.
    pub answer: Answer,
}

/// Files of a snapshot that was made. They are there for as long as anybody holds them, and go
/// with the last who does: on every way, also that of an error.
pub trait SnapshotFiles: Debug + Send + Sync + 'static {
    /// The directory that they lie in.
    fn path(&self) -> &Path;
}

/// A snapshot that was made, and its files.
#[derive(Debug, Clone)]
pub struct Made {
    /// What it stands for.
    pub exported: Exported,
    /// Its files.
    pub files: Arc<dyn SnapshotFiles>,
}

/// What a snapshot stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Last entry whose effects are in the snapshot.
    pub index: LogIndex,
    /// Membership as of the entry at `index`.
    pub conf: Conf,
}

/// Entries to apply to one group, in order, and who waits for them.
#[derive(Debug)]
pub struct Committed {
    /// Group whose entries they are.
    pub group: GroupId,
    /// Replica that is to apply them: another one of the group may be here before they are applied.
    pub peer: PeerId,
    /// Each entry, with who waits for its answer.
    pub entries: Vec<(Entry, Option<Ticket>)>,
    /// Memory that the entries take, in bytes.
    pub bytes: usize,
}

/// Turns the entries of one replica's log into state of its own, on its own disk.
pub trait StateMachine: Send + Sync + 'static {
    /// Index of the last entry whose effects are here.
    fn applied(&self) -> LogIndex;
    /// The membership as of [`StateMachine::applied`]; empty while the replica waits for its
    /// first snapshot.
    fn conf(&self) -> Conf;
    /// Bytes of the state, about: what a snapshot of it would take. Asked once a second.
    fn bytes(&self) -> u64 {
        0
    }
    /// Applies the entry behind [`StateMachine::applied`]. A refusal is an answer like any
    /// other: it counts as applied and every replica gives the same.
    ///
    /// # Errors
    /// [`ApplyError`]: whether this replica stands still, or the node must stop. Nothing of the
    /// entry is applied, and this is not called again.
    fn apply(&self, entry: &Entry) -> Result<Answer, ApplyError>;
    /// Writes everything as of one applied index into `dir`, which is empty. Runs beside
    /// `apply` and holds it up only for as long as hard links take.
    ///
    /// # Errors
    /// When a file cannot be written; what is in `dir` is of no use. The state is unchanged.
    fn snapshot(&self, dir: &Path) -> Result<Exported, StoreError>;
    /// Bytes that [`StateMachine::snapshot`] would write, about; what it only links is not
    /// among them.
    fn snapshot_bytes(&self) -> u64 {
        0
    }
    /// Takes the place of everything here with what [`StateMachine::snapshot`] wrote, whose
    /// files were verified by the caller. Durable when it returns; done again from the same
    /// files after a crash.
    ///
    /// # Errors
    /// When the state could not be stored. It may be there in part, and is installed again after
    /// the next start. [`ApplyError`] says whether this replica stands still until then, because
    /// the files are not what was written, or the node must stop.
    fn install(&self, dir: &Path) -> Result<(), ApplyError>;
}
