//! The way back for groups that have lost their majority for good: on the disk of a stopped node,
//! its replica becomes the only voter of its group.
//!
//! What the lost replicas had acknowledged and this one had not received is lost. Nothing but a
//! person may decide that, so that nothing here happens by itself.

use std::collections::BTreeSet;
use std::path::Path;

use uuid::Uuid;
use vane_catalog::Catalog;
use vane_raft::{Conf, GroupLog, LogEntry, LogStore, StoreError};
use vane_storage::data_dir::Member as Membership;
use vane_storage::{DataDb, DataDir, LogDb, ShardStore};
use vane_transport::Lives;
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term};

use crate::gate::Gate;
use crate::log_store::NodeLog;
use crate::open_error::OpenError;

/// Bytes of entries that are looked at in one go.
const READ_BYTES: u64 = 8 << 20;

/// What a disk has, and what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The cluster that the disk belongs to.
    pub cluster_id: Uuid,
    /// The node whose disk it is.
    pub node: NodeId,
    /// Its groups.
    pub groups: Vec<GroupState>,
}

/// A group on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// Which group.
    pub group: GroupId,
    /// Its collection and the shard's place there; `None` for the meta group, and for a shard whose
    /// collection is gone.
    pub shard: Option<(String, usize)>,
    /// Nodes that vote in it.
    pub voters: Vec<NodeId>,
    /// Last entry that is on this disk, and its term's lower bound: of several survivors the one
    /// with the higher pair, term first, has more.
    pub last: (Term, LogIndex),
    /// What is to be done.
    pub fate: Fate,
}

/// What becomes of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A majority of its voters is not lost: nothing.
    HasMajority,
    /// This replica becomes its only voter.
    Recovered,
    /// These voters survive, too. Which of them has more is to be decided by looking at each.
    OthersSurvive(Vec<NodeId>),
    /// This replica has no vote, or not all of the data.
    NotHere,
    /// Who votes in it cannot be read: why.
    Unreadable(String),
}

/// A disk that was opened for a recovery; no process may use it meanwhile.
pub struct Recovering {
    data_dir: DataDir,
    membership: Membership,
    data_db: DataDb,
    log: NodeLog,
    groups: Vec<GroupId>,
}

impl Recovering {
    /// Opens a stopped node's disk. Nothing is changed.
    ///
    /// # Errors
    /// Where a process uses it, it belongs to no cluster, or it does not open.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.join("VANE").exists() {
            return Err(OpenError::NoMember);
        }
        let data_dir = DataDir::open(path)?;
        // Its node would not start on it, recovered or not.
        Gate::check_disk(&data_dir)?;
        let membership = data_dir.marker().member.ok_or(OpenError::NoMember)?;
        let data_db = DataDb::open(&path.join("data.db"))?;
        let log_db = LogDb::open(&path.join("raft.db"))?;
        let groups = log_db.groups()?;
        Ok(Self { data_dir, membership, data_db, log: NodeLog(log_db), groups })
    }

    /// What there is, and what a recovery would do where these nodes are lost for good.
    ///
    /// # Errors
    /// Of the disk.
    pub fn plan(&self, lost: &BTreeSet<NodeId>) -> Result<Recovery, OpenError> {
        let Membership { cluster_id, node_id: node, .. } = self.membership;
        let catalog = Catalog::open(self.store(GroupId::META))?;
        let shard_of = |group: GroupId| {
            catalog.read(|state| {
                state.shards.get(&group).map(|shard| (shard.collection.clone(), shard.ordinal))
            })
        };
        let mut groups = Vec::new();
        for group in self.groups.iter().copied() {
            let Some(log) = self.log.group(group)? else { continue };
            let (voters, fate) = match self.conf(group) {
                Ok(conf) => (voters(&conf), fate(&conf, &log, lost)),
                // One that is damaged must not keep the others from being recovered.
                Err(error) => (Vec::new(), Fate::Unreadable(error.to_string())),
            };
            let (shard, last) = (shard_of(group), (log.term, log.last_index));
            groups.push(GroupState { group, shard, voters, last, fate });
        }
        Ok(Recovery { cluster_id, node, groups })
    }

    /// Carries the plan out. Killed anywhere, it can be done again.
    ///
    /// # Errors
    /// Of the disk; some groups may be recovered then.
    pub fn carry_out(&self, lost: &BTreeSet<NodeId>) -> Result<Recovery, OpenError> {
        let plan = self.plan(lost)?;
        // First: whoever is lost must not come back to a group that has become another.
        let mut lives = self
            .data_dir
            .lives()?
            .map_or_else(|| Ok(Lives::default()), |bytes| Lives::from_bytes(&bytes))?;
        lost.iter().for_each(|node| lives.give_up(*node));
        self.data_dir.keep_lives(&lives.to_bytes())?;
        for state in plan.groups.iter().filter(|state| state.fate == Fate::Recovered) {
            self.recover(state.group, lost)?;
        }
        Ok(plan)
    }

    fn recover(&self, group: GroupId, lost: &BTreeSet<NodeId>) -> Result<(), OpenError> {
        let Some(log) = self.log.group(group)? else { return Ok(()) };
        let conf = self.conf(group)?;
        let is_kept = |peer: &PeerId| *peer != log.peer && !lost.contains(&peer.node());
        let learners = conf.members().into_iter().filter(is_kept).collect();
        let alone = Conf { voters: vec![log.peer], learners, ..Conf::default() };
        // Changes of members that wait in the log would bring the lost ones back.
        let entries = self.without_member_changes(group, &log)?;
        // A new term, and no vote in it: what the lost ones may still say is older.
        let log = GroupLog { term: Term(log.term.0 + 1), vote: None, ..log };
        let append = vane_raft::Append { group, log, entries, removed: None };
        self.log.append(&[append], true)?;
        match group {
            GroupId::META => Catalog::force_conf(&self.store(group), &alone)?,
            _ => vane_shard::force_conf(&self.store(group), &alone)?,
        }
        Ok(())
    }

    /// The entries that change members and are not applied yet, each as one that does nothing.
    fn without_member_changes(
        &self,
        group: GroupId,
        log: &GroupLog,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let applied = self.store(group).applied().map_err(|e| StoreError(e.to_string()))?;
        let (mut at, end) = (applied.max(log.truncated_index).next(), log.last_index.next());
        let mut changed = Vec::new();
        while at < end {
            let entries = self.log.entries(group, at, end, READ_BYTES)?;
            let Some(last) = entries.last() else { break };
            at = LogIndex(last.index).next();
            let changes = entries.into_iter().filter(|entry| entry.entry_type != 0);
            changed.extend(changes.map(|entry| LogEntry {
                term: entry.term,
                index: entry.index,
                ..LogEntry::default()
            }));
        }
        Ok(changed)
    }

    fn conf(&self, group: GroupId) -> Result<Conf, OpenError> {
        match group {
            GroupId::META => Ok(Catalog::stored_conf(&self.store(group))?),
            _ => Ok(vane_shard::stored_conf(&self.store(group))?),
        }
    }

    fn store(&self, group: GroupId) -> ShardStore {
        ShardStore::new(self.data_db.clone(), group, self.data_dir.group_dir(group))
    }
}

fn voters(conf: &Conf) -> Vec<NodeId> {
    let all: BTreeSet<NodeId> =
        conf.voters.iter().chain(&conf.voters_outgoing).map(|peer| peer.node()).collect();
    all.into_iter().collect()
}

/// What becomes of a group, from its members, this disk's replica and the nodes that are lost.
fn fate(conf: &Conf, log: &GroupLog, lost: &BTreeSet<NodeId>) -> Fate {
    // One that joined and never got a snapshot knows no members.
    if conf.voters.is_empty() {
        return Fate::NotHere;
    }
    let has_majority = |voters: &[PeerId]| {
        let left = voters.iter().filter(|peer| !lost.contains(&peer.node())).count();
        voters.is_empty() || left * 2 > voters.len()
    };
    if has_majority(&conf.voters) && has_majority(&conf.voters_outgoing) {
        return Fate::HasMajority;
    }
    let me = log.peer.node();
    if !voters(conf).contains(&me) || log.installing.is_some() {
        return Fate::NotHere;
    }
    let others = voters(conf).into_iter().filter(|node| *node != me && !lost.contains(node));
    let others: Vec<NodeId> = others.collect();
    if others.is_empty() { Fate::Recovered } else { Fate::OthersSurvive(others) }
}

#[cfg(test)]
mod tests {
    use vane_transport::{Introduction, Life, Listed, Stale, Start};

    use super::*;

    const SHARD: GroupId = GroupId(1);

    fn peer(node: u64) -> PeerId {
        PeerId::new(NodeId(node), 1)
    }

    /// A stopped node 1 of three with one shard, in whose log a change of members waits.
    fn stopped(dir: &Path) {
        let data_dir = DataDir::open(dir).unwrap();
        let (cluster_id, node_id) = (Uuid::from_u128(3), NodeId(1));
        let member = Membership { cluster_id, node_id, has_meta: true };
        data_dir.set_member(member).unwrap();
        let data_db = DataDb::open(&dir.join("data.db")).unwrap();
        let store = |group| ShardStore::new(data_db.clone(), group, data_dir.group_dir(group));
        let conf = Conf::founding(&[peer(1), peer(2), peer(3)]);
        Catalog::force_conf(&store(GroupId::META), &conf).unwrap();
        vane_shard::force_conf(&store(SHARD), &conf).unwrap();
        let log = NodeLog(LogDb::open(&dir.join("raft.db")).unwrap());
        let entry = |index, entry_type| LogEntry {
            entry_type,
            index,
            term: 4,
            data: vec![7],
            ..LogEntry::default()
        };
        for group in [GroupId::META, SHARD] {
            let last_index = LogIndex(4);
            let state = GroupLog {
                term: Term(4),
                vote: Some(peer(2)),
                last_index,
                ..GroupLog::founding(peer(1))
            };
            let entries = vec![entry(2, 0), entry(3, 2), entry(4, 0)];
            let append = vane_raft::Append { group, log: state, entries, removed: None };
            log.append(&[append], true).unwrap();
        }
    }

    #[test]
    fn the_last_replica_becomes_the_only_voter_and_no_waiting_change_undoes_it() {
        let dir = tempfile::tempdir().unwrap();
        stopped(dir.path());
        let lost = [NodeId(2), NodeId(3)].into();
        let disk = Recovering::open(dir.path()).unwrap();
        let fates = |plan: Recovery| -> Vec<Fate> {
            plan.groups.into_iter().map(|state| state.fate).collect()
        };
        assert_eq!(fates(disk.plan(&lost).unwrap()), [Fate::Recovered, Fate::Recovered]);
        assert_eq!(disk.conf(SHARD).unwrap().voters.len(), 3, "a plan changes nothing");
        disk.carry_out(&lost).unwrap();
        drop(disk);
        let disk = Recovering::open(dir.path()).unwrap();
        for group in [GroupId::META, SHARD] {
            assert_eq!(disk.conf(group).unwrap(), Conf::founding(&[peer(1)]));
            let log = disk.log.group(group).unwrap().unwrap();
            assert_eq!((log.term, log.vote, log.last_index), (Term(5), None, LogIndex(4)));
            let entries = disk.log.entries(group, LogIndex(2), LogIndex(5), 1 << 20).unwrap();
            let kinds = entries.iter().map(|entry| (entry.entry_type, entry.data.len()));
            assert_eq!(kinds.collect::<Vec<_>>(), [(0, 1), (0, 0), (0, 1)]);
        }
        let again = disk.carry_out(&lost).unwrap();
        assert_eq!(fates(again), [Fate::HasMajority, Fate::HasMajority], "it is done already");
        let mut lives = Lives::from_bytes(&disk.data_dir.lives().unwrap().unwrap()).unwrap();
        let start = Start { number: 9, boot: 9 };
        let life = Life { node: NodeId(2), disk: Uuid::nil(), start };
        let back = Introduction { life, address: "a:1".into(), before: Vec::new() };
        let refused = lives.introduce(&back, Listed::Unknown);
        assert_eq!(refused, Err(Stale::Removed { node: NodeId(2) }));
    }

    #[test]
    fn a_group_that_cannot_be_read_keeps_no_other_from_being_recovered() {
        let dir = tempfile::tempdir().unwrap();
        stopped(dir.path());
        let disk = Recovering::open(dir.path()).unwrap();
        let store = disk.store(SHARD);
        let mut batch = store.batch();
        batch.put_attribute(b"conf", b"{");
        batch.write().unwrap();
        let lost = [NodeId(2), NodeId(3)].into();
        let [meta, shard] = &disk.carry_out(&lost).unwrap().groups[..] else {
            panic!("two groups")
        };
        assert_eq!(meta.fate, Fate::Recovered);
        assert!(matches!(&shard.fate, Fate::Unreadable(why) if why.contains("membership")));
    }

    #[test]
    fn a_disk_that_was_refused_is_not_recovered() {
        let dir = tempfile::tempdir().unwrap();
        stopped(dir.path());
        let mut lives = Lives::default();
        lives.refuse("it is old".into());
        DataDir::open(dir.path()).unwrap().keep_lives(&lives.to_bytes()).unwrap();
        let refused = Recovering::open(dir.path()).err().unwrap();
        assert_eq!(refused.to_string(), "it is old");
    }

    fn fate_of(voters: &[u64], me: u64, lost: &[u64]) -> Fate {
        let peer = |node: &u64| PeerId::new(NodeId(*node), 1);
        let conf = Conf { voters: voters.iter().map(peer).collect(), ..Conf::default() };
        let lost = lost.iter().copied().map(NodeId).collect();
        fate(&conf, &GroupLog::joining(peer(&me)), &lost)
    }

    #[test]
    fn only_a_group_without_a_majority_is_recovered_and_only_by_its_last_voter() {
        assert_eq!(fate_of(&[1, 2, 3], 1, &[2]), Fate::HasMajority);
        assert_eq!(fate_of(&[1, 2, 3], 1, &[2, 3]), Fate::Recovered);
        assert_eq!(fate_of(&[1, 2], 1, &[2]), Fate::Recovered);
        assert_eq!(fate_of(&[2, 3], 1, &[2, 3]), Fate::NotHere, "it has no vote");
        let others = Fate::OthersSurvive(vec![NodeId(2)]);
        assert_eq!(fate_of(&[1, 2, 3, 4, 5], 1, &[3, 4, 5]), others);
        assert_eq!(fate_of(&[1, 2, 3, 4, 5], 1, &[2, 3, 4, 5]), Fate::Recovered);
        assert_eq!(fate_of(&[1], 1, &[2, 3]), Fate::HasMajority);
        assert_eq!(fate_of(&[], 1, &[2, 3]), Fate::NotHere, "it never got a snapshot");
    }

    #[test]
    fn of_two_memberships_both_need_a_majority() {
        let peer = |node: u64| PeerId::new(NodeId(node), 1);
        let conf = Conf {
            voters: vec![peer(1)],
            voters_outgoing: vec![peer(1), peer(2), peer(3)],
            ..Conf::default()
        };
        let lost = [NodeId(2), NodeId(3)].into();
        assert_eq!(fate(&conf, &GroupLog::joining(peer(1)), &lost), Fate::Recovered);
    }
}
