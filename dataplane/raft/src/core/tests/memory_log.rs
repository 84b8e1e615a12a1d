//! The logs of a node in memory.

use super::*;

/// What is kept of a group: its state, and the entries behind the truncation.
type MemoryGroup = (GroupLog, BTreeMap<LogIndex, LogEntry>);

/// A log without a disk.
#[derive(Default)]
pub(super) struct MemoryLog {
    pub(super) groups: Mutex<BTreeMap<GroupId, MemoryGroup>>,
}

impl LogStore for MemoryLog {
    fn group(&self, group: GroupId) -> Result<Option<GroupLog>, StoreError> {
        Ok(self.groups.lock().get(&group).map(|(log, _)| *log))
    }

    fn append(&self, appends: &[Append], _sync: bool) -> Result<(), StoreError> {
        let mut groups = self.groups.lock();
        for append in appends {
            let (log, entries) = groups.entry(append.group).or_default();
            *log = append.log;
            if let Some((first, last)) = append.removed {
                entries.retain(|index, _| !(first..=last).contains(index));
            }
            entries
                .extend(append.entries.iter().map(|entry| (LogIndex(entry.index), entry.clone())));
        }
        Ok(())
    }

    fn entries(
        &self,
        group: GroupId,
        from: LogIndex,
        to: LogIndex,
        _bytes_max: u64,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let groups = self.groups.lock();
        let entries = &groups.get(&group).ok_or_else(|| StoreError("no such group".into()))?.1;
        Ok(entries.range(from..to).map(|(_, entry)| entry.clone()).collect())
    }

    fn bytes(&self, group: GroupId, first: LogIndex, last: LogIndex) -> u64 {
        let groups = self.groups.lock();
        let entries = groups.get(&group).map(|(_, entries)| entries.range(first..=last));
        entries.into_iter().flatten().map(|(_, entry)| entry.data.len() as u64).sum()
    }

    fn truncate(&self, group: GroupId, through: LogIndex, term: Term) -> Result<(), StoreError> {
        let mut groups = self.groups.lock();
        let (log, entries) = groups.entry(group).or_default();
        (log.truncated_index, log.truncated_term) = (through, term);
        entries.retain(|index, _| *index > through);
        Ok(())
    }

    fn remove(&self, group: GroupId) -> Result<(), StoreError> {
        self.groups.lock().remove(&group);
        Ok(())
    }
}
