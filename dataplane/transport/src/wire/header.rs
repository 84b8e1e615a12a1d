//! What every read says, whatever its kind.

use std::time::{Duration, Instant};

use vane_proto::peer;
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
    let (freshness, applied, staleness_ms) = match freshness {
        Freshness::Leader => (peer::Freshness::Leader, 0, 0),
        // Cut to milliseconds: fresher than what was asked for.
        Freshness::Within(time) => {
            (peer::Freshness::Leader, 0, u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        }
        Freshness::Linearizable => (peer::Freshness::Linearizable, 0, 0),
        Freshness::Applied(index) => (peer::Freshness::Applied, index.0, 0),
    };
    let (freshness, timeout_ms) = (freshness.into(), left_ms(deadline));
    peer::ReadHeader { group: group.0, timeout_ms, freshness, applied, staleness_ms }
}

pub(crate) fn header_from_wire(header: Option<peer::ReadHeader>) -> Result<Header, Unreadable> {
    let peer::ReadHeader { group, timeout_ms, freshness, applied, staleness_ms } =
        need(header, "the read's header")?;
    let freshness = match choice(freshness, "how new the answer must be")? {
        peer::Freshness::Leader if staleness_ms > 0 => {
            Freshness::Within(Duration::from_millis(staleness_ms))
        }
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
