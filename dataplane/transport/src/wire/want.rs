//! What to return of each point.

use vane_proto::peer;
use vane_proto::peer::want_payload::Part as PayloadPart;
use vane_proto::peer::want_vectors::Part as VectorsPart;
use vane_shard::{Want, WantPayload, WantVectors};
use vane_types::JsonPath;

use super::{Unreadable, Wire};

/// Left out, nothing beside the ids is wanted.
impl Wire for Want {
    type Message = Option<peer::Want>;

    fn into_message(self) -> Option<peer::Want> {
        let Self { payload, vectors } = self;
        let payload = match payload {
            WantPayload::Nothing => None,
            WantPayload::All => Some(PayloadPart::All(peer::Unit {})),
            WantPayload::Include(paths) => Some(PayloadPart::Include(paths_to_wire(paths))),
            WantPayload::Exclude(paths) => Some(PayloadPart::Exclude(paths_to_wire(paths))),
        };
        let vectors = match vectors {
            WantVectors::Nothing => None,
            WantVectors::All => Some(VectorsPart::All(peer::Unit {})),
            WantVectors::Named(names) => Some(VectorsPart::Named(peer::Names { names })),
        };
        Some(peer::Want {
            payload: payload.map(|part| peer::WantPayload { part: Some(part) }),
            vectors: vectors.map(|part| peer::WantVectors { part: Some(part) }),
        })
    }

    fn from_message(want: Option<peer::Want>) -> Result<Self, Unreadable> {
        let peer::Want { payload, vectors } = want.unwrap_or_default();
        Ok(Self {
            payload: match payload.and_then(|payload| payload.part) {
                None => WantPayload::Nothing,
                Some(PayloadPart::All(peer::Unit {})) => WantPayload::All,
                Some(PayloadPart::Include(list)) => {
                    WantPayload::Include(Vec::from_message(list.paths)?)
                }
                Some(PayloadPart::Exclude(list)) => {
                    WantPayload::Exclude(Vec::from_message(list.paths)?)
                }
            },
            vectors: match vectors.and_then(|vectors| vectors.part) {
                None => WantVectors::Nothing,
                Some(VectorsPart::All(peer::Unit {})) => WantVectors::All,
                Some(VectorsPart::Named(peer::Names { names })) => WantVectors::Named(names),
            },
        })
    }
}

fn paths_to_wire(paths: Vec<JsonPath>) -> peer::Paths {
    peer::Paths { paths: paths.into_message() }
}
