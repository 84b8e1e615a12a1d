//! From which index on a leader's log is needed, as one function over what is known of its
//! snapshots and its members.

use vane_types::LogIndex;

/// A member other than the leader.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Follower {
    /// Last entry that it is known to have.
    pub(super) matched: LogIndex,
    /// Index of the snapshot that is on its way to it, or that it installs.
    pub(super) copying: Option<LogIndex>,
    /// It answered lately.
    pub(super) answers: bool,
    /// It has nothing, and so gets a snapshot whatever the log has.
    pub(super) begins_empty: bool,
}

/// How long the log has become.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    /// Longer than it is kept for a member that is away.
    pub(super) is_long: bool,
    /// Longer than it is kept for anybody who does not get on.
    pub(super) is_full: bool,
}

/// Entries up to here are needed by nobody: `pins` are the snapshots that are made or ready,
/// whose receivers go on from them. A group without other members and pins needs nothing.
pub(super) fn needed_from(
    pins: impl Iterator<Item = LogIndex>,
    followers: impl Iterator<Item = Follower>,
    room: Room,
) -> LogIndex {
    let followers = followers.filter_map(|follower| needed_by(follower, room));
    pins.chain(followers).min().unwrap_or(LogIndex::MAX)
}

/// Index behind which a member needs the log, unless it gets a snapshot instead.
fn needed_by(follower: Follower, room: Room) -> Option<LogIndex> {
    let Follower { matched, copying, answers, begins_empty } = follower;
    // However long the log is: without what follows its snapshot it would need the next one,
    // and so on for ever. Whoever writes is slowed down instead.
    if copying.is_some() {
        return copying;
    }
    // One that answers takes entries, and gets there: but not if it only answers.
    let is_too_long = if answers { room.is_full } else { room.is_long };
    (!begins_empty && !is_too_long).then_some(matched)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Room = Room { is_long: false, is_full: false };
    const LONG: Room = Room { is_long: true, is_full: false };
    const FULL: Room = Room { is_long: true, is_full: true };

    fn at(matched: u64) -> Follower {
        Follower { matched: LogIndex(matched), answers: true, ..Follower::default() }
    }

    fn away(matched: u64) -> Follower {
        Follower { answers: false, ..at(matched) }
    }

    fn copying(matched: u64, index: u64) -> Follower {
        Follower { copying: Some(LogIndex(index)), ..at(matched) }
    }

    fn needed(pins: &[u64], followers: &[Follower], room: Room) -> LogIndex {
        let pins = pins.iter().copied().map(LogIndex);
        needed_from(pins, followers.iter().copied(), room)
    }

    #[test]
    fn alone_means_no_members_and_no_pins() {
        assert_eq!(needed(&[], &[], SHORT), LogIndex::MAX);
        assert_eq!(needed(&[], &[], FULL), LogIndex::MAX);
        for room in [SHORT, LONG, FULL] {
            assert_eq!(needed(&[7], &[], room), LogIndex(7), "a snapshot is being made");
            assert_eq!(needed(&[9, 7], &[], room), LogIndex(7));
        }
    }

    #[test]
    fn what_follows_a_snapshot_on_its_way_is_needed_however_long_the_log_is() {
        for room in [SHORT, LONG, FULL] {
            assert_eq!(needed(&[], &[copying(0, 40)], room), LogIndex(40));
            assert_eq!(needed(&[60], &[copying(0, 40)], room), LogIndex(40));
        }
        let silent = Follower { answers: false, ..copying(0, 40) };
        assert_eq!(needed(&[], &[silent], FULL), LogIndex(40), "it may be busy with it");
    }

    #[test]
    fn the_log_waits_for_the_slowest_who_gets_on_and_less_long_for_those_away() {
        assert_eq!(needed(&[], &[at(50), at(30)], SHORT), LogIndex(30));
        assert_eq!(needed(&[], &[at(50), at(30)], LONG), LogIndex(30));
        assert_eq!(needed(&[], &[at(50), at(30)], FULL), LogIndex::MAX);
        assert_eq!(needed(&[], &[at(50), away(30)], SHORT), LogIndex(30));
        assert_eq!(needed(&[], &[at(50), away(30)], LONG), LogIndex(50));
    }

    #[test]
    fn who_has_nothing_needs_no_log() {
        let empty = Follower { begins_empty: true, ..at(0) };
        assert_eq!(needed(&[], &[at(50), empty], SHORT), LogIndex(50));
        assert_eq!(needed(&[], &[at(50), at(0)], SHORT), LogIndex(0), "or is not known to");
    }
}
