//! Which start of which disk speaks: what a node says of itself in every call, what it knows of
//! the others, and whom it therefore refuses. Pure; the node keeps it on its disk.
//!
//! A disk counts its starts and draws a number in each. Whoever was introduced to a later
//! start, or to the same start under another number, refuses this one: it is an older copy of
//! the disk, and has forgotten what it voted for and acknowledged since.

mod asking;
mod gate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vane_types::NodeId;
use vane_types::planted::{self, Fault};

pub use asking::Asking;

/// Starts that a node remembers of itself. Whoever was away for more of them takes its word.
const OWN_MAX: usize = 64;

/// One start of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Counted on the disk, from 1.
    pub number: u64,
    /// Drawn in this start: two processes that began with the same count differ in it.
    pub boot: u64,
}

/// A start of a node on a disk, as every call between nodes names its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The member that it calls itself.
    pub node: NodeId,
    /// Its disk.
    pub disk: Uuid,
    /// The disk's start that speaks.
    pub start: Start,
}

/// What a node says of itself before its calls are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introduction {
    /// Who speaks.
    pub life: Life,
    /// Where others reach it: host:port.
    pub address: String,
    /// Starts of the disk before this one, the latest last.
    pub before: Vec<Start>,
}

impl Introduction {
    /// Whether a start that is known is in the memory of who speaks: it is the same process or a
    /// later start of the same disk. One that is too long ago counts as such.
    pub fn remembers(&self, known: Start) -> bool {
        let mut all = self.before.iter().chain([&self.life.start]);
        let oldest = all.clone().map(|start| start.number).min().unwrap_or_default();
        known.number < oldest || all.any(|start| *start == known)
    }
}

/// What the catalog has of the member that somebody calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Nothing: this node may only be late.
    Unknown,
    /// A member, with its disk and the start that it announced last.
    Member {
        /// Its disk.
        disk: Uuid,
        /// The start that was announced.
        start: u64,
    },
    /// The disk was a member's that was removed.
    Removed,
}

impl Listed {
    /// Of a node that is a `member` with a disk and the start that it announced last, or was.
    pub fn of(member: Option<(Uuid, u64)>, is_removed: bool) -> Self {
        match member {
            // First: nothing brings a removed number back.
            _ if is_removed => Self::Removed,
            Some((disk, start)) => Self::Member { disk, start },
            None => Self::Unknown,
        }
    }
}

/// A node as it was introduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    disk: Uuid,
    start: Start,
    address: String,
}

/// Why a node is refused for good: its disk is not the one that the cluster knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// A later start is known.
    #[error(
        "node {node} speaks in start {start} of its disk, and start {known} is known: this is an \
         older copy of the disk (a volume that was put back, a snapshot of a machine), or another \
         process runs on a copy of it"
    )]
    Older {
        /// The node.
        node: NodeId,
        /// The start that speaks.
        start: u64,
        /// The latest that is known.
        known: u64,
    },
    /// Another process spoke in a start that this disk does not remember.
    #[error(
        "start {start} of node {node} was another process's: two processes run on copies of one \
         disk, or this is an older copy of it"
    )]
    Copied {
        /// The node.
        node: NodeId,
        /// The start that both claim.
        start: u64,
    },
    /// The node has another disk.
    #[error("node {node} has disk {known}, and disk {disk} calls itself by its number")]
    OtherDisk {
        /// The node.
        node: NodeId,
        /// The disk that speaks.
        disk: Uuid,
        /// The disk that is known.
        known: Uuid,
    },
    /// The node was removed from the cluster.
    #[error("node {node} was removed from the cluster, and its disk does not come back")]
    Removed {
        /// The node.
        node: NodeId,
    },
}

/// Why a call is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Not now: the caller introduces itself first.
    #[error("node {0} has not introduced its start yet")]
    NotIntroduced(NodeId),
    /// Never.
    #[error(transparent)]
    Stale(#[from] Stale),
}

/// What a disk kept of starts cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "LIVES in the data directory is damaged: {0}; nothing was changed, put the file back from the \
     newest copy of the disk"
)]
pub struct DamagedLives(String);

/// What a node remembers: its own starts, the latest of the others, and whether it was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lives {
    own: Vec<Start>,
    known: BTreeMap<NodeId, Known>,
    /// Why this disk must not be used any more.
    #[serde(default)]
    refused: Option<String>,
    /// Nodes that a recovery gave up: with their votes they could undo it.
    #[serde(default)]
    given_up: BTreeSet<NodeId>,
}

impl Lives {
    /// Reads what was kept.
    ///
    /// # Errors
    /// [`DamagedLives`]: without it an older copy of the disk would go unnoticed, so that it is
    /// not passed over.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedLives> {
        serde_json::from_slice(bytes).map_err(|error| DamagedLives(error.to_string()))
    }

    /// In the form that is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("starts are plain data")
    }

    /// Notes a start of this disk, to be kept durably before anybody hears of it; the starts
    /// before it.
    pub fn begin(&mut self, start: Start) -> Vec<Start> {
        let before = self.own.clone();
        self.own.push(start);
        let surplus = self.own.len().saturating_sub(OWN_MAX);
        self.own.drain(..surplus);
        before
    }

    /// Why this disk was refused, if it was.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Notes that this disk was refused.
    pub fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(why);
    }

    /// Gives a node up for good: whatever comes back under its number is refused.
    pub fn give_up(&mut self, node: NodeId) {
        self.given_up.insert(node);
        self.known.remove(&node);
    }

    /// Who was introduced, and where they said that they are.
    pub fn met(&self) -> impl Iterator<Item = (NodeId, &str)> {
        self.known.iter().map(|(node, known)| (*node, known.address.as_str()))
    }

    /// Where a node said that it is, in a start later than the one that is `announced`.
    pub fn address_since(&self, node: NodeId, announced: u64) -> Option<&str> {
        let known = self.known.get(&node)?;
        (known.start.number > announced).then_some(known.address.as_str())
    }

    /// Takes a call of somebody who was introduced, and was not `removed` from the cluster.
    ///
    /// # Errors
    /// Why the call is not taken.
    pub fn check(&self, caller: &Life, removed: bool) -> Result<(), NotTaken> {
        let Life { node, disk, start } = *caller;
        if removed {
            return Err(Stale::Removed { node }.into());
        }
        let known = self.known.get(&node).ok_or(NotTaken::NotIntroduced(node))?;
        if known.disk != disk {
            return Err(Stale::OtherDisk { node, disk, known: known.disk }.into());
        }
        if known.start.number > start.number {
            let (start, known) = (start.number, known.start.number);
            return Err(Stale::Older { node, start, known }.into());
        }
        if known.start.number < start.number {
            return Err(NotTaken::NotIntroduced(node));
        }
        match known.start.boot == start.boot {
            true => Ok(()),
            false => Err(Stale::Copied { node, start: start.number }.into()),
        }
    }

    /// Gets to know a start of another node; whether that is news, which must be durable before
    /// it is answered.
    ///
    /// # Errors
    /// Why the node is refused for good. Nothing was noted.
    pub fn introduce(&mut self, new: &Introduction, listed: Listed) -> Result<bool, Stale> {
        let Life { node, disk, start } = new.life;
        if self.given_up.contains(&node) {
            return Err(Stale::Removed { node });
        }
        match listed {
            Listed::Removed => return Err(Stale::Removed { node }),
            Listed::Member { disk: known, .. } if known != disk => {
                return Err(Stale::OtherDisk { node, disk, known });
            }
            Listed::Member { start: known, .. } if is_older(start.number, known) => {
                return Err(Stale::Older { node, start: start.number, known });
            }
            Listed::Member { .. } | Listed::Unknown => {}
        }
        if let Some(known) = self.known.get(&node) {
            if known.disk != disk {
                return Err(Stale::OtherDisk { node, disk, known: known.disk });
            }
            let latest = known.start;
            if is_older(start.number, latest.number) {
                let (start, known) = (start.number, latest.number);
                return Err(Stale::Older { node, start, known });
            }
            if !new.remembers(latest) && !planted::is(Fault::StaleStartAccepted) {
                return Err(Stale::Copied { node, start: latest.number });
            }
        }
        let now = Known { disk, start, address: new.address.clone() };
        let is_news = self.known.get(&node) != Some(&now);
        self.known.insert(node, now);
        Ok(is_news)
    }
}

/// Whether a start is to be refused because a later one is known.
fn is_older(start: u64, known: u64) -> bool {
    known > start && !planted::is(Fault::StaleStartAccepted)
}
