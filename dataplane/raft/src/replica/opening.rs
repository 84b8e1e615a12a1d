//! A replica is taken up where its log and its state machine ended.

use std::collections::VecDeque;
use std::sync::Arc;

use raft::eraftpb::ConfState;
use raft::{RawNode, StateRole};
use vane_types::{GroupId, LogIndex, Term};

use super::Replica;
use super::log_end::LogEnd;
use super::members::Fence;
use crate::config::Config;
use crate::error::StoreError;
use crate::group_storage::{CacheBounds, GroupStorage};
use crate::lending::LeaseTerms;
use crate::log::{GroupLog, LogStore};
use crate::machine::Conf;
use crate::random::Random;
use crate::reads::Reads;
use crate::status::Watch;
use crate::words::Asked;

/// What a replica is taken up with.
pub(crate) struct Setup {
    pub(crate) group: GroupId,
    pub(crate) log: GroupLog,
    pub(crate) applied: LogIndex,
    pub(crate) conf: Conf,
    pub(crate) watch: Arc<Watch>,
    pub(crate) lease_terms: LeaseTerms,
}

impl Replica {
    /// Takes up a group where its log and its state machine ended.
    pub(crate) fn open(
        setup: Setup,
        store: &Arc<dyn LogStore>,
        asked: &Arc<Asked>,
        config: &Config,
    ) -> Result<Self, StoreError> {
        let Setup { group, mut log, applied, conf, watch, lease_terms } = setup;
        if let Some(why) = unfit(&log, applied) {
            return Err(broken(group, &why));
        }
        // What is applied was committed; the note of it need not have been synced.
        log.commit = log.commit.max(applied);
        let (peer, commit) = (log.peer, log.commit);
        let storage = GroupStorage::new(
            group,
            Arc::clone(store),
            log,
            ConfState::from(&conf),
            CacheBounds {
                applied: config.bounds.cache_bytes_max,
                unapplied: config.bounds.unapplied_cache_bytes_max,
            },
        );
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config.of_replica(peer, applied), storage, &logger)
            .map_err(|e| broken(group, &format!("raft refuses the state: {e}")))?;
        let mut random = Random::new(config.seed ^ group.0.rotate_left(32) ^ peer.0);
        let first_questions = [random.next_u64(), random.next_u64()];
        let reads = Reads::new(config.heartbeat_ticks, first_questions[1]);
        watch.words.lending.begin(lease_terms, log.last_index);
        watch.begin_words((group, peer), reads, Arc::clone(asked));
        watch.note_applied(applied);
        let mut replica = Self {
            group,
            peer,
            raw,
            random,
            election_ticks: config.election_ticks.clone(),
            bounds: config.bounds.clone(),
            watch,
            conf,
            fence: Fence::at(applied),
            waiting: VecDeque::new(),
            replicated_waits: Vec::new(),
            reads: Reads::new(config.heartbeat_ticks, first_questions[0]),
            log_end: LogEnd::default(),
            state_bytes: 0,
            to_apply: VecDeque::new(),
            dispatched: applied,
            committed: commit.max(applied),
            applied,
            // Unlike any real one, so that the first step draws an election timeout.
            office: (Term::default(), StateRole::Candidate),
            election_timeout: config.election_ticks.start,
            serving_term: Term::default(),
            led: None,
            eager_ticks: 0,
            answered: Vec::new(),
            orphaned_by: None,
            writing: None,
            written_term: log.term,
            installing: None,
            log_changed: false,
            is_contradicted: false,
            quiet: None,
            still_ticks: 0,
            still_ticks_min: config.still_ticks,
        };
        replica.after_step();
        Ok(replica)
    }
}

fn broken(group: GroupId, what: &str) -> StoreError {
    StoreError(format!("group {group}: {what}"))
}

/// Why a log and a state machine cannot be of one replica; `None` where they can.
fn unfit(log: &GroupLog, applied: LogIndex) -> Option<String> {
    if applied < log.truncated_index {
        return Some(format!(
            "the state ends at index {applied} but the log only begins after {}; \
             this replica's data is incomplete and was not opened",
            log.truncated_index
        ));
    }
    (applied > log.last_index).then(|| {
        format!(
            "the state is at index {applied} but the log ends at {}; raft.db has lost entries",
            log.last_index
        )
    })
}
