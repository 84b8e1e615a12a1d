//! Disks that start, are copied and are put back, and who finds it out.

use proptest::prelude::*;

use super::gate::{Asked, may_speak};
use super::*;

const DISK: Uuid = Uuid::from_u128(7);
const NODE: NodeId = NodeId(2);

/// A disk, which can be copied.
#[derive(Clone, Default)]
struct Disk {
    starts: u64,
    lives: Lives,
}

impl Disk {
    fn start(&mut self, boot: u64) -> Introduction {
        self.starts += 1;
        let start = Start { number: self.starts, boot };
        let before = self.lives.begin(start);
        Introduction { life: Life { node: NODE, disk: DISK, start }, address: "a:1".into(), before }
    }
}

fn meet(other: &mut Lives, new: &Introduction) -> Result<bool, Stale> {
    other.introduce(new, Listed::Unknown)
}

#[test]
fn a_call_is_taken_from_the_start_that_was_introduced_and_from_no_other() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    let first = disk.start(11);
    assert_eq!(other.check(&first.life, false), Err(NotTaken::NotIntroduced(NODE)));
    assert_eq!(meet(&mut other, &first), Ok(true));
    assert_eq!(meet(&mut other, &first), Ok(false), "it was said before");
    assert_eq!(other.check(&first.life, false), Ok(()));
    let second = disk.start(12);
    assert_eq!(other.check(&second.life, false), Err(NotTaken::NotIntroduced(NODE)));
    assert_eq!(meet(&mut other, &second), Ok(true));
    assert_eq!(other.check(&second.life, false), Ok(()));
    let older = Stale::Older { node: NODE, start: 1, known: 2 };
    assert_eq!(other.check(&first.life, false), Err(older.clone().into()));
    assert_eq!(meet(&mut other, &first), Err(older));
}

#[test]
fn an_older_copy_is_found_out_however_often_it_starts() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    meet(&mut other, &disk.start(11)).unwrap();
    let mut copy = disk.clone();
    meet(&mut other, &disk.start(12)).unwrap();
    meet(&mut other, &disk.start(13)).unwrap();
    let copied = Stale::Copied { node: NODE, start: 3 };
    let answers: Vec<_> = (20..24).map(|boot| meet(&mut other, &copy.start(boot))).collect();
    let older = Stale::Older { node: NODE, start: 2, known: 3 };
    assert_eq!(answers, [Err(older), Err(copied.clone()), Err(copied.clone()), Err(copied)]);
    assert_eq!(meet(&mut other, &disk.start(14)), Ok(true), "the disk itself goes on");
}

#[test]
fn of_two_processes_on_copies_of_a_disk_the_second_is_refused() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    let mut copy = disk.clone();
    let (one, two) = (disk.start(11), copy.start(12));
    meet(&mut other, &one).unwrap();
    assert_eq!(meet(&mut other, &two), Err(Stale::Copied { node: NODE, start: 1 }));
    assert_eq!(other.check(&one.life, false), Ok(()));
    assert!(other.check(&two.life, false).is_err());
    assert_eq!(other.check(&one.life, true), Err(Stale::Removed { node: NODE }.into()));
}

#[test]
fn what_the_catalog_says_counts_before_anybody_was_introduced() {
    let new = Disk::default().start(11);
    let refused = |listed| Lives::default().introduce(&new, listed).unwrap_err();
    assert_eq!(refused(Listed::Removed), Stale::Removed { node: NODE });
    let listed = Listed::Member { disk: DISK, start: 2 };
    assert_eq!(refused(listed), Stale::Older { node: NODE, start: 1, known: 2 });
    let known = Uuid::from_u128(8);
    let listed = Listed::Member { disk: known, start: 0 };
    assert_eq!(refused(listed), Stale::OtherDisk { node: NODE, disk: DISK, known });
    let listed = Listed::Member { disk: DISK, start: 1 };
    assert_eq!(Lives::default().introduce(&new, listed), Ok(true));
}

#[test]
fn who_was_away_for_long_takes_a_disks_word() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    meet(&mut other, &disk.start(0)).unwrap();
    let last = (1..=2 * OWN_MAX as u64).map(|boot| disk.start(boot)).last().unwrap();
    assert_eq!(last.before.len(), OWN_MAX);
    assert_eq!(meet(&mut other, &last), Ok(true));
}

#[test]
fn who_was_given_up_does_not_come_back() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    meet(&mut other, &disk.start(11)).unwrap();
    other.give_up(NODE);
    assert_eq!(meet(&mut other, &disk.start(12)), Err(Stale::Removed { node: NODE }));
}

#[test]
fn what_is_kept_is_read_back() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    meet(&mut other, &disk.start(u64::MAX)).unwrap();
    other.refuse("why".into());
    assert_eq!(Lives::from_bytes(&other.to_bytes()), Ok(other));
    assert!(Lives::from_bytes(b"{").is_err());
}

#[test]
fn an_address_counts_until_a_later_start_has_announced_one() {
    let (mut disk, mut other) = (Disk::default(), Lives::default());
    disk.start(11);
    meet(&mut other, &disk.start(12)).unwrap();
    assert_eq!(other.address_since(NODE, 1), Some("a:1"));
    assert_eq!(other.address_since(NODE, 2), None);
}

proptest! {
    /// A disk that only starts and meets others now and then is never refused by any of them.
    #[test]
    fn an_honest_disk_is_never_refused(meetings in prop::collection::vec(0u8..8, 1..200)) {
        let mut disk = Disk::default();
        let mut others: [Lives; 3] = Default::default();
        for (boot, met) in meetings.into_iter().enumerate() {
            let new = disk.start(boot as u64);
            let met = others.iter_mut().zip(0..).filter(|(_, place)| met >> place & 1 == 1);
            for (other, _) in met {
                prop_assert!(meet(other, &new).is_ok());
                prop_assert_eq!(other.check(&new.life, false), Ok(()));
            }
        }
    }
}

fn nodes(numbers: &[u64]) -> BTreeSet<NodeId> {
    numbers.iter().copied().map(NodeId).collect()
}

#[test]
fn a_node_speaks_when_a_majority_knows_of_no_later_start_and_the_rest_was_tried() {
    let ms = std::time::Duration::from_millis;
    let speaks = |members: &[u64], voters: &[u64], accepted: &[u64], silent: &[u64], waited| {
        let asked = Asked { accepted: nodes(accepted), silent: nodes(silent) };
        may_speak(NodeId(1), &nodes(members), &nodes(voters), &asked, ms(waited))
    };
    assert!(speaks(&[1], &[1], &[], &[], 0), "alone");
    assert!(speaks(&[], &[], &[], &[], 0), "just joined");
    assert!(!speaks(&[1, 2, 3], &[1, 2, 3], &[], &[], 0));
    assert!(speaks(&[1, 2, 3], &[1, 2, 3], &[2, 3], &[], 0), "all answered");
    assert!(!speaks(&[1, 2, 3], &[1, 2, 3], &[2], &[], 10), "the third may know better");
    assert!(speaks(&[1, 2, 3], &[1, 2, 3], &[2], &[3], 10), "the third is away");
    assert!(speaks(&[1, 2, 3], &[1, 2, 3], &[2], &[], 300), "the third hangs");
    assert!(!speaks(&[1, 2, 3], &[1, 2, 3], &[], &[2, 3], 4_900), "nobody is there");
    assert!(speaks(&[1, 2, 3], &[1, 2, 3], &[], &[2, 3], 5_000));
    assert!(speaks(&[1, 2, 3, 4, 5, 6, 7], &[2, 3, 4], &[2, 3], &[4, 5, 6, 7], 10));
}
