//! Points as they are returned.

use vane_proto::peer;
use vane_shard::Record;
use vane_types::{NamedVectors, Payload, PointId};

use super::{Unreadable, Wire};

impl Wire for Record {
    type Message = peer::Record;

    fn into_message(self) -> peer::Record {
        let Self { id, version, payload, vectors } = self;
        // The payload is the user's own JSON and stays what it is: a message for each of its
        // values would cost every node on the way, and say no more.
        let payload = payload
            .map(|payload| serde_json::to_vec(&payload).expect("a JSON object becomes JSON"));
        peer::Record { id: id.to_key(), version, payload, vectors: vectors.map(vectors_to_wire) }
    }

    fn from_message(record: peer::Record) -> Result<Self, Unreadable> {
        let peer::Record { id, version, payload, vectors } = record;
        let payload = payload
            .map(|json| serde_json::from_slice::<Payload>(&json))
            .transpose()
            .map_err(|error| Unreadable::Payload(error.to_string()))?;
        let (id, vectors) = (PointId::from_message(id)?, vectors.map(vectors_from_wire));
        Ok(Self { id, version, payload, vectors })
    }
}

fn vectors_to_wire(vectors: NamedVectors) -> peer::NamedVectors {
    let vectors =
        vectors.into_iter().map(|(name, values)| peer::NamedVector { name, values }).collect();
    peer::NamedVectors { vectors }
}

fn vectors_from_wire(vectors: peer::NamedVectors) -> NamedVectors {
    vectors.vectors.into_iter().map(|vector| (vector.name, vector.values)).collect()
}
