//! What to return of each point.

use vane_proto::peer;
use vane_proto::peer::want_payload::Part as PayloadPart;
use vane_proto::peer::want_vectors::Part as VectorsPart;
use vane_shard::{Want, WantPayload, WantVectors};
use vane_types::JsonPath;

use super::{Unreadable, path};

pub(crate) fn want_to_wire(want: Want) -> peer::Want {
    let Want { payload, vectors } = want;
    let payload = match payload {
        WantPayload::Nothing => None,
        WantPayload::All => Some(PayloadPart::All(peer::Unit {})),
        WantPayload::Include(paths) => Some(PayloadPart::Include(paths_to_wire(&paths))),
        WantPayload::Exclude(paths) => Some(PayloadPart::Exclude(paths_to_wire(&paths))),
    };
    let vectors = match vectors {
        WantVectors::Nothing => None,
        WantVectors::All => Some(VectorsPart::All(peer::Unit {})),
        WantVectors::Named(names) => Some(VectorsPart::Named(peer::Names { names })),
    };
    peer::Want {
        payload: payload.map(|part| peer::WantPayload { part: Some(part) }),
        vectors: vectors.map(|part| peer::WantVectors { part: Some(part) }),
    }
}

pub(crate) fn want_from_wire(want: Option<peer::Want>) -> Result<Want, Unreadable> {
    // Left out, nothing beside the ids is wanted.
    let peer::Want { payload, vectors } = want.unwrap_or_default();
    let payload = match payload.and_then(|payload| payload.part) {
        None => WantPayload::Nothing,
        Some(PayloadPart::All(peer::Unit {})) => WantPayload::All,
        Some(PayloadPart::Include(paths)) => WantPayload::Include(paths_from_wire(&paths)?),
        Some(PayloadPart::Exclude(paths)) => WantPayload::Exclude(paths_from_wire(&paths)?),
    };
    let vectors = match vectors.and_then(|vectors| vectors.part) {
        None => WantVectors::Nothing,
        Some(VectorsPart::All(peer::Unit {})) => WantVectors::All,
        Some(VectorsPart::Named(peer::Names { names })) => WantVectors::Named(names),
    };
    Ok(Want { payload, vectors })
}

fn paths_to_wire(paths: &[JsonPath]) -> peer::Paths {
    peer::Paths { paths: paths.iter().map(JsonPath::to_string).collect() }
}

fn paths_from_wire(paths: &peer::Paths) -> Result<Vec<JsonPath>, Unreadable> {
    paths.paths.iter().map(|text| path(text)).collect()
}
