//! Points as they are returned.

use vane_proto::peer;
use vane_shard::Record;
use vane_types::{LogIndex, NamedVectors, PointId, payload};

use super::{Unreadable, Wire};

impl Wire for Record {
    type Message = peer::Record;

    fn into_message(self) -> peer::Record {
        let Self { id, version, payload, vectors, order_value } = self;
        // The payload is the user's own JSON and stays what it is: a message for each of its
        // values would cost every node on the way, and say no more.
        let payload = payload
            .map(|payload| serde_json::to_vec(&payload).expect("a JSON object becomes JSON"));
        let vectors = vectors.map(|named| peer::NamedVectors { vectors: named.into_message() });
        let order_value = order_value.into_message();
        peer::Record { id: id.to_key(), version: version.0, payload, vectors, order_value }
    }

    fn from_message(record: peer::Record) -> Result<Self, Unreadable> {
        let peer::Record { id, version, payload, vectors, order_value } = record;
        let payload = payload
            .map(|json| payload::decode(&json))
            .transpose()
            .map_err(|error| Unreadable::Payload(error.to_string()))?;
        let (id, version) = (PointId::from_message(id)?, LogIndex(version));
        let vectors = vectors.map(|named| NamedVectors::from_message(named.vectors));
        let (vectors, order_value) = (vectors.transpose()?, Option::from_message(order_value)?);
        Ok(Self { id, version, payload, vectors, order_value })
    }
}
