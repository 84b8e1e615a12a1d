use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// Sets keys to a value, or removes those of no value.
    Write(Vec<(u8, Option<u8>)>),
    RemoveAll,
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec((0..5_u8, any::<Option<u8>>()), 0..4).prop_map(Step::Write),
        1 => Just(Step::RemoveAll),
        1 => Just(Step::Sync),
    ]
}

fn write(kv: &MemoryKv, step: &Step) {
    let mut batch = KvBatch::default();
    match step {
        Step::Write(keys) => {
            for (key, value) in keys {
                match value {
                    Some(value) => batch.put(Family::Attribute, vec![*key], vec![*value]),
                    None => batch.delete(Family::Attribute, vec![*key]),
                }
            }
        }
        Step::RemoveAll => batch.delete_range(Family::Attribute, vec![0], vec![5]),
        Step::Sync => return kv.sync().unwrap(),
    }
    kv.write(batch).unwrap();
}

fn all(kv: &dyn KvRead) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    kv.scan(Family::Attribute, &[0], &[255], &mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(true)
    })
    .unwrap();
    found
}

proptest! {
    #[test]
    fn a_crash_loses_a_suffix_of_what_was_not_synced(
        steps in prop::collection::vec(step(), 0..30),
        keep in 0..12_usize,
    ) {
        let kv = MemoryKv::default();
        steps.iter().for_each(|step| write(&kv, step));
        let last_sync = steps.iter().rposition(|step| matches!(step, Step::Sync));
        let synced = last_sync.map_or(0, |at| at + 1);
        prop_assert_eq!(kv.unsynced(), steps.len() - synced);
        let expected = MemoryKv::default();
        steps.iter().take(synced + keep).for_each(|step| write(&expected, step));
        let left = kv.crash(keep);
        prop_assert_eq!(all(&left), all(&expected));
        prop_assert_eq!(all(&left.crash(0)), all(&expected), "what a crash left is on disk");
        write(&left, &Step::RemoveAll);
        prop_assert_eq!(all(&kv.crash(keep)), all(&expected), "the two share nothing");
    }
}

#[test]
fn a_sync_forgets_what_nobody_sees() {
    let kv = MemoryKv::default();
    for value in 0..9 {
        write(&kv, &Step::Write(vec![(1, Some(value)), (2, Some(value))]));
    }
    let view = kv.view();
    write(&kv, &Step::RemoveAll);
    write(&kv, &Step::Write(vec![(3, Some(3))]));
    kv.sync().unwrap();
    assert_eq!(
        kv.versions.read().held(),
        5,
        "two values for the view, their removals, and a value of now"
    );
    assert_eq!(all(&*view), [(vec![1], vec![8]), (vec![2], vec![8])]);
    drop(view);
    kv.sync().unwrap();
    assert_eq!(kv.versions.read().held(), 1);
}
