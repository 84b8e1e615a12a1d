//! What every read says, whatever its kind.

use std::time::{Duration, Instant};

use vane_proto::peer;
use vane_raft::Assurance;
use vane_types::{GroupId, LogIndex};

use super::{Unreadable, choice, need};
use crate::Freshness;
use crate::deadline::{deadline_of, left_ms};

/// Which shard is asked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    pub(crate) group: GroupId,
    pub(crate) freshness: Freshness,
    pub(crate) deadline: Instant,
}

pub(crate) fn header_to_wire(header: Header) -> peer::ReadHeader {
    let Header { group, freshness, deadline } = header;
    let plain = peer::ReadHeader { timeout_ms: left_ms(deadline), ..peer::ReadHeader::default() };
    let of = |freshness: peer::Freshness| peer::ReadHeader {
        group: group.0,
        freshness: freshness.into(),
        ..plain
    };
    match freshness {
        Freshness::Leader => of(peer::Freshness::Leader),
        Freshness::Linearizable => of(peer::Freshness::Linearizable),
        Freshness::Applied(index) => {
            peer::ReadHeader { applied: index.0, ..of(peer::Freshness::Applied) }
        }
        Freshness::Told(assurance, time) => peer::ReadHeader {
            any_replica: true,
            // Cut to milliseconds: fresher than what was asked for.
            staleness_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            ..of(match assurance {
                Assurance::Leader => peer::Freshness::Leader,
                Assurance::Majority => peer::Freshness::Linearizable,
            })
        },
    }
}

pub(crate) fn header_from_wire(header: Option<peer::ReadHeader>) -> Result<Header, Unreadable> {
    let peer::ReadHeader { group, timeout_ms, freshness, applied, any_replica, staleness_ms } =
        need(header, "the read's header")?;
    let told = |assurance| Freshness::Told(assurance, Duration::from_millis(staleness_ms));
    let freshness = match choice(freshness, "how new the answer must be")? {
        peer::Freshness::Leader if any_replica => told(Assurance::Leader),
        peer::Freshness::Linearizable if any_replica => told(Assurance::Majority),
        peer::Freshness::Leader => Freshness::Leader,
        peer::Freshness::Linearizable => Freshness::Linearizable,
        peer::Freshness::Applied => Freshness::Applied(LogIndex(applied)),
        // An answer of the wrong age would be an untrue one, so that there is no default.
        peer::Freshness::Unspecified => {
            return Err(Unreadable::Missing("how new the answer must be"));
        }
    };
    Ok(Header { group: GroupId(group), freshness, deadline: deadline_of(timeout_ms) })
}
