use super::*;

const TIMES: LeaseTimes = LeaseTimes {
    held: Duration::from_millis(100),
    kept: Duration::from_millis(150),
    still: Duration::from_millis(300),
};

/// A leader that was elected long ago, and the time now.
fn leader_of_old() -> (Lent, Instant) {
    let began = Instant::now();
    let mut lent = Lent::default();
    lent.begin(LogIndex(5), std::iter::empty(), (began, &TIMES));
    (lent, began + Duration::from_secs(10))
}

fn after(now: Instant, millis: u64) -> Instant {
    now + Duration::from_millis(millis)
}

fn matched(index: u64) -> impl Fn(PeerId) -> LogIndex {
    move |_| LogIndex(index)
}

#[test]
fn an_entry_waits_for_whoever_has_a_lease_and_not_for_longer_than_it_lasts() {
    let (mut lent, now) = leader_of_old();
    let grant = lent.lend(PeerId(2), (now, &TIMES)).unwrap();
    assert_eq!(grant, Grant { index: LogIndex(5), held: TIMES.held });
    let release = |lent: &mut Lent, millis, has| {
        lent.release(LogIndex(7), after(now, millis), matched(has)).0
    };
    assert_eq!(release(&mut lent, 1, 5), 5);
    assert_eq!(release(&mut lent, 2, 6), 6);
    assert_eq!(release(&mut lent, 149, 6), 6);
    assert_eq!(release(&mut lent, 150, 6), 7);
}

#[test]
fn a_leader_lends_nothing_right_after_a_command() {
    let (mut lent, now) = leader_of_old();
    assert_eq!(lent.release(LogIndex(6), now, matched(0)), LogIndex(6));
    assert_eq!(lent.lend(PeerId(2), (after(now, 299), &TIMES)), None);
    let grant = lent.lend(PeerId(2), (after(now, 300), &TIMES));
    assert_eq!(grant.unwrap().index, LogIndex(6));
}

#[test]
fn who_never_led_lends_nothing() {
    assert_eq!(Lent::default().lend(PeerId(2), (Instant::now(), &TIMES)), None);
}

#[test]
fn a_new_leader_waits_for_those_who_may_have_a_lease_of_the_one_before() {
    let now = Instant::now();
    let mut lent = Lent::default();
    lent.begin(LogIndex(5), [PeerId(2)].into_iter(), (now, &TIMES));
    assert_eq!(lent.release(LogIndex(6), after(now, 149), matched(0)), LogIndex(5));
    // It was a member before this leader heard of it.
    lent.join(PeerId(3));
    let has = |peer: PeerId| LogIndex(if peer == PeerId(2) { 6 } else { 0 });
    assert_eq!(lent.release(LogIndex(6), after(now, 149), has), LogIndex(5));
    assert_eq!(lent.release(LogIndex(6), after(now, 150), has), LogIndex(6));
    lent.join(PeerId(4));
    let limit = lent.release(LogIndex(7), after(now, 151), matched(0));
    assert_eq!(limit, LogIndex(7), "nobody has a lease of then any more");
}

#[test]
fn a_lease_counts_from_when_it_was_asked_for_and_no_leader_makes_it_longer_than_the_bound() {
    let asked_at = Instant::now();
    let grant = Grant { index: LogIndex(5), held: TIMES.held };
    let lease = Lease::new((PeerId(1), Term(3)), grant, asked_at);
    assert!(lease.holds(after(asked_at, 99)) && !lease.holds(after(asked_at, 100)));
    assert!(!lease.ends_soon(after(asked_at, 49)) && lease.ends_soon(after(asked_at, 50)));
    assert_eq!((lease.needs(LogIndex(4)), lease.needs(LogIndex(9))), (LogIndex(5), LogIndex(9)));
    let endless = Grant { held: Duration::MAX, ..grant };
    let lease = Lease::new((PeerId(1), Term(3)), endless, asked_at);
    assert!(!lease.holds(after(asked_at, 1000)));
}
