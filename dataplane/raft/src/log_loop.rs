//! The log thread: takes what is waiting for any group, syncs it in one write, hands it on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender};
use vane_types::GroupId;

use crate::apply_loop::Committed;
use crate::node::{Group, Groups};
use crate::{Append, Entry, LogStore, OnApplied, ProposeError, end_process};

/// Bytes after which a batch is synced even if more is waiting.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Commands after which a batch is synced even if more is waiting.
const BATCH_COMMANDS_MAX: usize = 1024;
/// Term of every entry while a group has one voter.
const TERM: u64 = 1;

/// A command on its way to the log.
pub(crate) struct Proposal {
    pub(crate) group: GroupId,
    pub(crate) data: Vec<u8>,
    pub(crate) on_applied: OnApplied,
}

/// Runs until the last proposer is gone and everything waiting is synced and handed on.
pub(crate) fn run(
    store: &dyn LogStore,
    groups: &Groups,
    proposals: &Receiver<Proposal>,
    commit: &Sender<Vec<Committed>>,
    pending_bytes: &AtomicUsize,
) {
    while let Ok(first) = proposals.recv() {
        let mut bytes = first.data.len();
        let mut batch = vec![first];
        while bytes < BATCH_BYTES_MAX && batch.len() < BATCH_COMMANDS_MAX {
            let Ok(next) = proposals.try_recv() else { break };
            bytes += next.data.len();
            batch.push(next);
        }
        let committed = append(store, groups, batch, pending_bytes);
        if commit.send(committed).is_err() {
            return;
        }
    }
}

/// Appends a batch to the logs of its groups with one synced write.
fn append(store: &dyn LogStore, groups: &Groups, batch: Vec<Proposal>, pending_bytes: &AtomicUsize) -> Vec<Committed> {
    let mut known: HashMap<GroupId, Arc<Group>> = HashMap::new();
    {
        let groups = groups.read();
        for proposal in &batch {
            if let Some(group) = groups.get(&proposal.group) {
                known.entry(proposal.group).or_insert_with(|| Arc::clone(group));
            }
        }
    }
    // The logs stay locked until the write is done: see `Node::truncate`.
    let mut logs: HashMap<GroupId, _> = known.iter().map(|(id, group)| (*id, group.log.lock())).collect();
    let mut appends: HashMap<GroupId, Append> = HashMap::new();
    let mut committed = Vec::with_capacity(batch.len());
    for Proposal { group, data, on_applied } in batch {
        let Some(log) = logs.get_mut(&group) else {
            pending_bytes.fetch_sub(data.len(), Ordering::AcqRel);
            on_applied(Err(ProposeError::NoSuchGroup(group)));
            continue;
        };
        log.term = TERM;
        log.last_index += 1;
        let entry = Entry { index: log.last_index, term: TERM, data };
        let append = appends.entry(group).or_insert_with(|| Append { group, log: **log, entries: Vec::new() });
        append.log = **log;
        append.entries.push(entry.clone());
        committed.push(Committed { group: Arc::clone(&known[&group]), entry, on_applied });
    }
    let appends: Vec<Append> = appends.into_values().collect();
    if !appends.is_empty()
        && let Err(error) = store.append(&appends)
    {
        end_process("failed to sync raft.db", &error);
    }
    committed
}
