//! Which commands and formats the members agreed to write.
//!
//! While versions are mixed, nobody may write what somebody else cannot read. So each member
//! says what it speaks, the catalog has one level that holds for all, and what is newer than
//! that level is written by nobody. The level is raised once, when all members speak more, and
//! never lowered: what was written by it is in logs and snapshots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use vane_types::{Error, NodeId, Refusal};

use crate::command::{MetaCommand, NodeEntry};
use crate::state::{Changed, State, Touched};

/// A step of what versions can read; each contains those below it.
///
/// | level | adds |
/// |---|---|
/// | 1 | everything that was there before levels |
/// | 2 | [`MetaCommand::RaiseFeatureLevel`] |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureLevel(pub u32);

impl FeatureLevel {
    /// Of versions that say nothing about levels.
    pub const FIRST: Self = Self(1);
    /// What this version speaks: it reads everything up to here.
    pub const SPOKEN: Self = Self(2);

    /// Whether it goes without saying, so that what says it looks as it did before levels.
    pub(crate) fn is_first(&self) -> bool {
        *self == Self::FIRST
    }
}

impl Default for FeatureLevel {
    fn default() -> Self {
        Self::FIRST
    }
}

/// A command is newer than what the cluster agreed to write. It was not proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the change needs feature level {}, and the cluster is at {}: bring all nodes to a version \
     that speaks it and raise the level",
    needed.0, active.0
)]
pub struct LevelTooLow {
    /// The level that the command needs.
    pub needed: FeatureLevel,
    /// The level that holds for it now.
    pub active: FeatureLevel,
}

impl From<LevelTooLow> for Error {
    fn from(error: LevelTooLow) -> Self {
        Self::unsupported(error.to_string()).nothing_changed()
    }
}

impl MetaCommand {
    /// The level from which on it may be written.
    pub fn level(&self) -> FeatureLevel {
        match self {
            // A collection whose vectors are not dense will need a level of its own: such vectors
            // are logged for no other, and older members would read them as dense ones.
            Self::PutNode(_)
            | Self::SetZone { .. }
            | Self::Create(_)
            | Self::Configure(_)
            | Self::Delete { .. }
            | Self::Aliases(_)
            | Self::Reconfigure { .. }
            | Self::Settle { .. } => FeatureLevel::FIRST,
            // Who is not at the level that is asked for must not be left behind by it.
            Self::RaiseFeatureLevel { to, .. } => FeatureLevel(2).max(*to),
        }
    }
}

impl State {
    /// The stored form of a command that is to be proposed.
    ///
    /// # Errors
    /// [`LevelTooLow`] when some member may not be able to read it.
    pub fn encode(&self, command: &MetaCommand) -> Result<Vec<u8>, LevelTooLow> {
        let needed = command.level();
        let active = match command {
            // It cannot wait for a level that it raises itself: here counts what the members
            // say of themselves.
            MetaCommand::RaiseFeatureLevel { .. } => self.spoken_by_all(),
            _ => self.level,
        };
        if needed > active {
            return Err(LevelTooLow { needed, active });
        }
        Ok(command.encode_stored())
    }

    /// The highest level that every member spoke when it last announced itself, as far as this
    /// node knows: what others announced while it ran an older version it has not kept. So it
    /// may be too low, and is never too high.
    pub fn spoken_by_all(&self) -> FeatureLevel {
        let spoken = self.nodes.values().map(|member| member.entry.level);
        spoken.min().unwrap_or_default()
    }

    /// The command that raises the level, to be encoded and proposed: with it goes which start
    /// of each member was asked.
    pub fn raise_to(&self, to: FeatureLevel) -> MetaCommand {
        MetaCommand::RaiseFeatureLevel { to, spoken_by: self.starts() }
    }

    pub(crate) fn raise_level(
        &mut self,
        to: FeatureLevel,
        spoken_by: &BTreeMap<NodeId, u64>,
    ) -> Changed {
        if to == self.level {
            return Ok(Vec::new());
        }
        if to < self.level {
            return Err(Refusal::Invalid(format!(
                "the cluster is at feature level {}, which is never lowered, as to {}; nothing \
                 was changed",
                self.level.0, to.0
            )));
        }
        // What the members speak was looked at by the proposer, and cannot be here: a member
        // that applied an announcement while it ran an older version has not kept the level in
        // it, and every member has to come to the same answer. All of them know who is a member
        // and which start of it spoke last, so a member that came, or that came back with
        // another version, is noticed by that.
        if *spoken_by != self.starts() {
            return Err(Refusal::Conflict(format!(
                "members came or were started again while feature level {} was asked for; \
                 nothing was changed, look at what they speak now and ask again",
                to.0
            )));
        }
        self.level = to;
        Ok(vec![Touched::Level])
    }

    /// Members with the start that each announced last.
    fn starts(&self) -> BTreeMap<NodeId, u64> {
        self.nodes.iter().map(|(node, member)| (*node, member.entry.start)).collect()
    }

    /// Refuses a node that cannot read what the others write.
    pub(crate) fn check_speaks(&self, entry: &NodeEntry) -> Result<(), Refusal> {
        if entry.level >= self.level {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "node `{}` of version {} speaks feature level {}, and the cluster is at {}; nothing \
             was changed: start it with the version of the others",
            entry.name, entry.version, entry.level.0, self.level.0
        )))
    }
}
