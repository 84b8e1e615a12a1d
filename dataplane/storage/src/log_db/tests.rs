use super::*;

const GROUP: GroupId = GroupId(1);

fn entries(range: std::ops::RangeInclusive<u64>, term: u64) -> Vec<StoredEntry> {
    range
        .map(|index| StoredEntry { index, term, data: vec![index as u8], ..Default::default() })
        .collect()
}

fn state(term: u64, last_index: u64) -> LogState {
    let hard_state = Some(HardState { term, vote: 7, commit: last_index });
    LogState { hard_state, last_index, peer_id: 7, ..Default::default() }
}

fn append(group: GroupId, state: LogState, entries: Vec<StoredEntry>) -> LogAppend {
    LogAppend { group, state, entries, remove: None }
}

/// Removal of the entries of a range.
fn removed(range: std::ops::RangeInclusive<u64>) -> Option<std::ops::RangeInclusive<LogIndex>> {
    Some(LogIndex(*range.start())..=LogIndex(*range.end()))
}

/// Index and term of each entry from `from` on.
fn read(db: &LogDb, group: GroupId, from: u64) -> Result<Vec<(u64, u64)>, Error> {
    Ok(db
        .entries(group, LogIndex(from), LogIndex::MAX, u64::MAX)?
        .into_iter()
        .map(|entry| (entry.index, entry.term))
        .collect())
}

#[test]
fn entries_survive_reopening_and_truncation_leaves_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (GroupId(1), GroupId(2));
    let db = LogDb::open(dir.path()).unwrap();
    let first =
        [append(a, state(1, 9), entries(1..=9, 1)), append(b, state(1, 3), entries(1..=3, 1))];
    db.append(&first, true).unwrap();
    drop(db);
    let db = LogDb::open(dir.path()).unwrap();
    db.truncate(a, LogIndex(5), Term(1)).unwrap();
    assert_eq!(read(&db, a, 6).unwrap(), [(6, 1), (7, 1), (8, 1), (9, 1)]);
    assert_eq!(read(&db, b, 1).unwrap(), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(db.groups().unwrap(), [a, b]);
    db.remove(a).unwrap();
    assert_eq!(db.groups().unwrap(), [b]);
    db.truncate(a, LogIndex(5), Term(1)).unwrap();
    assert_eq!(db.state(a).unwrap(), None, "a removed group does not come back");
}

#[test]
fn an_overwritten_tail_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    db.append(&[append(GROUP, state(1, 9), entries(1..=9, 1))], true).unwrap();
    let overwrite = LogAppend {
        group: GROUP,
        state: state(3, 5),
        entries: entries(4..=5, 3),
        remove: removed(4..=9),
    };
    db.append(&[overwrite], true).unwrap();
    drop(db);
    let db = LogDb::open(dir.path()).unwrap();
    assert_eq!(db.state(GROUP).unwrap(), Some(state(3, 5)));
    assert_eq!(read(&db, GROUP, 1).unwrap(), [(1, 1), (2, 1), (3, 1), (4, 3), (5, 3)]);
    db.append(&[append(GROUP, state(3, 6), entries(6..=6, 3))], true).unwrap();
    assert_eq!(read(&db, GROUP, 5).unwrap(), [(5, 3), (6, 3)]);
}

#[test]
fn a_snapshot_takes_the_place_of_a_log_of_any_length() {
    for length in [3, POINT_DELETES_MAX, POINT_DELETES_MAX + 1] {
        let dir = tempfile::tempdir().unwrap();
        let db = LogDb::open(dir.path()).unwrap();
        db.append(&[append(GROUP, state(1, length + 1), entries(1..=length + 1, 1))], true)
            .unwrap();
        let remove = LogAppend {
            group: GROUP,
            state: state(2, length),
            entries: Vec::new(),
            remove: removed(1..=length),
        };
        db.append(&[remove], true).unwrap();
        assert_eq!(read(&db, GROUP, length + 1).unwrap(), [(length + 1, 1)]);
        assert!(read(&db, GROUP, 1).is_err(), "those before are gone");
    }
}

#[test]
fn a_truncation_changes_only_its_own_fields() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    let long = POINT_DELETES_MAX * 2 + 10;
    let before = LogState { applying: 4, ..state(2, long) };
    let log = [entries(1..=10, 1), entries(11..=long, 2)].concat();
    db.append(&[append(GROUP, before.clone(), log)], true).unwrap();
    db.truncate(GROUP, LogIndex(5), Term(1)).unwrap();
    let truncated = |truncated_index, truncated_term| LogState {
        truncated_index,
        truncated_term,
        ..before.clone()
    };
    assert_eq!(db.state(GROUP).unwrap(), Some(truncated(5, 1)));
    db.truncate(GROUP, LogIndex(long - 1), Term(2)).unwrap();
    assert_eq!(db.state(GROUP).unwrap(), Some(truncated(long - 1, 2)));
    assert_eq!(read(&db, GROUP, long).unwrap(), [(long, 2)]);
    db.truncate(GROUP, LogIndex(5), Term(1)).unwrap();
    assert_eq!(
        db.state(GROUP).unwrap(),
        Some(truncated(long - 1, 2)),
        "a truncation never goes back"
    );
}

#[test]
fn a_gap_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    let gap = [entries(2..=3, 1), entries(5..=5, 1)].concat();
    db.append(&[append(GROUP, state(1, 5), gap)], true).unwrap();
    assert!(matches!(read(&db, GROUP, 2), Err(Error::Damaged { .. })));
    assert!(matches!(read(&db, GROUP, 1), Err(Error::Damaged { .. })), "the first is missing");
    assert_eq!(read(&db, GROUP, 6).unwrap(), []);
}

#[test]
fn entries_are_bounded_by_bytes_and_by_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    let entries: Vec<_> = (1..=9)
        .map(|index| StoredEntry { index, term: 1, data: vec![0; 100], ..Default::default() })
        .collect();
    let one = entries[0].encoded_len() as u64;
    db.append(&[append(GROUP, state(1, 9), entries)], true).unwrap();
    let count = |from, to, bytes_max| {
        db.entries(GROUP, LogIndex(from), LogIndex(to), bytes_max).unwrap().len()
    };
    assert_eq!(count(1, 10, 0), 1, "one at least, whatever its length");
    assert_eq!(count(1, 10, one * 3), 3);
    assert_eq!(count(1, 10, one * 4 - 1), 3);
    assert_eq!(count(1, 3, u64::MAX), 2);
    assert_eq!(count(8, 100, u64::MAX), 2);
    assert_eq!(count(5, 5, u64::MAX), 0);
}

#[test]
fn tombstones_survive_their_group_and_are_no_group() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    let last = GroupId(u64::MAX - 1);
    db.append(
        &[append(GROUP, state(1, 1), entries(1..=1, 1)), append(last, state(1, 0), Vec::new())],
        true,
    )
    .unwrap();
    db.bury(GROUP, PeerId(7)).unwrap();
    db.bury(last, PeerId(8)).unwrap();
    db.remove(last).unwrap();
    db.remove(GROUP).unwrap();
    drop(db);
    let db = LogDb::open(dir.path()).unwrap();
    assert!(db.groups().unwrap().is_empty());
    assert!(db.is_buried(GROUP, PeerId(7)).unwrap() && db.is_buried(last, PeerId(8)).unwrap());
    assert!(!db.is_buried(GROUP, PeerId(8)).unwrap() && !db.is_buried(last, PeerId(7)).unwrap());
}

#[test]
fn an_append_without_sync_is_a_write_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let db = LogDb::open(dir.path()).unwrap();
    db.append(&[append(GROUP, state(1, 5), Vec::new())], false).unwrap();
    db.append(&[append(GroupId(2), state(1, 0), Vec::new())], true).unwrap();
    drop(db);
    assert_eq!(LogDb::open(dir.path()).unwrap().state(GROUP).unwrap(), Some(state(1, 5)));
}
