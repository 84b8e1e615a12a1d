//! Whether a replica that is out of use may be given up, to be filled again as a new one.

use std::fmt;

use vane_raft::{GroupStatus, Role};
use vane_types::PeerId;

/// Why a replica that is out of use stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaysShut {
    /// There is nobody to fill it from.
    NoOther,
    /// Its group has no leader that answers.
    NoLeader,
    /// It leads, and hands over first.
    Leads,
    /// The members are being changed.
    ChangeUnderWay,
    /// Its group does not name it: it goes by itself.
    NotAMember,
    /// Too few of the others are up and whole to do without it.
    OthersAway,
}

impl fmt::Display for StaysShut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOther => {
                "it has the only copy, which is not thrown away: put its files back from a copy \
                 of the disk, or delete the collection and load it anew"
            }
            Self::NoLeader => "it is filled again once its group has a leader",
            Self::Leads => "it is filled again once another replica leads",
            Self::ChangeUnderWay => "it is filled again once its replicas are where they should be",
            Self::NotAMember => "it is removed once the catalog knows that it is no member",
            Self::OthersAway => "it is filled again once a majority of the others is up and whole",
        })
    }
}

/// Whether the group of a replica can do without it, by the group as its leader sees it. `voters`
/// are those that the catalog has, which may be older; `is_whole` says which replicas are not known
/// to be out of use.
///
/// # Errors
/// Why the replica has to stay for now.
pub fn may_refill(
    peer: PeerId,
    voters: &[PeerId],
    status: Option<&GroupStatus>,
    is_whole: impl Fn(PeerId) -> bool,
) -> Result<(), StaysShut> {
    // Without its only copy the group has no leader that could say so.
    if voters == [peer] {
        return Err(StaysShut::NoOther);
    }
    let Some(status) = status.filter(|status| status.role == Role::Leader) else {
        return Err(StaysShut::NoLeader);
    };
    let conf = &status.conf;
    if !conf.members().contains(&peer) {
        return Err(StaysShut::NotAMember);
    }
    let others: Vec<PeerId> = conf.voters.iter().copied().filter(|voter| *voter != peer).collect();
    if others.is_empty() {
        return Err(StaysShut::NoOther);
    }
    if status.peer == peer {
        return Err(StaysShut::Leads);
    }
    if status.conf_pending || conf.is_joint() {
        return Err(StaysShut::ChangeUnderWay);
    }
    // The leader does not list itself.
    let is_up = |voter: &PeerId| {
        *voter == status.peer || status.peer(*voter).is_some_and(|known| known.active)
    };
    let healthy = others.iter().filter(|voter| is_up(voter) && is_whole(**voter)).count();
    // When it is gone, these alone must agree on whatever comes; and they have the data.
    if healthy * 2 <= others.len() || !is_whole(status.peer) {
        return Err(StaysShut::OthersAway);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{peer, status};

    #[test]
    fn a_replica_goes_only_where_the_others_can_do_without_it() {
        let three = status(1, &[1, 2, 3], &[]);
        assert_eq!(may_refill(peer(2), &[], Some(&three), |_| true), Ok(()));
        assert_eq!(may_refill(peer(2), &[], None, |_| true), Err(StaysShut::NoLeader));
        assert_eq!(may_refill(peer(1), &[], Some(&three), |_| true), Err(StaysShut::Leads));
        assert_eq!(may_refill(peer(4), &[], Some(&three), |_| true), Err(StaysShut::NotAMember));
        // One of two that are left is no majority.
        let is_whole = |at: PeerId| at != peer(3);
        assert_eq!(may_refill(peer(2), &[], Some(&three), is_whole), Err(StaysShut::OthersAway));
        let mut away = three.clone();
        away.peers.iter_mut().for_each(|known| known.active = false);
        assert_eq!(may_refill(peer(2), &[], Some(&away), |_| true), Err(StaysShut::OthersAway));
        let mut pending = three;
        pending.conf_pending = true;
        assert_eq!(
            may_refill(peer(2), &[], Some(&pending), |_| true),
            Err(StaysShut::ChangeUnderWay)
        );
    }

    #[test]
    fn the_only_copy_is_never_given_up() {
        let alone = status(1, &[1], &[2]);
        assert_eq!(may_refill(peer(1), &[], Some(&alone), |_| true), Err(StaysShut::NoOther));
        assert_eq!(
            may_refill(peer(2), &[], Some(&alone), |_| true),
            Ok(()),
            "a learner is no copy"
        );
        assert_eq!(may_refill(peer(1), &[peer(1)], None, |_| true), Err(StaysShut::NoOther));
        let two = status(1, &[1, 2], &[]);
        assert_eq!(may_refill(peer(2), &[], Some(&two), |_| true), Ok(()));
        let is_whole = |at: PeerId| at != peer(1);
        assert_eq!(may_refill(peer(2), &[], Some(&two), is_whole), Err(StaysShut::OthersAway));
    }
}
