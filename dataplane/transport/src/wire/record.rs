//! Points as they are returned.

use vane_proto::peer;
use vane_shard::Record;
use vane_types::{NamedVectors, Payload};

use super::{Unreadable, point_id, vector_from_wire, vector_to_wire};

pub(crate) fn record_to_wire(record: Record) -> peer::Record {
    let Record { id, version, payload, vectors } = record;
    let version = version.0;
    // The payload is the user's own JSON and stays what it is: a message for each of its
    // values would cost every node on the way, and say no more.
    let payload =
        payload.map(|payload| serde_json::to_vec(&payload).expect("a JSON object becomes JSON"));
    peer::Record { id: id.to_key(), version, payload, vectors: vectors.map(vectors_to_wire) }
}

pub(crate) fn record_from_wire(record: peer::Record) -> Result<Record, Unreadable> {
    let peer::Record { id, version, payload, vectors } = record;
    let version = vane_types::LogIndex(version);
    let payload = payload
        .map(|json| serde_json::from_slice::<Payload>(&json))
        .transpose()
        .map_err(|error| Unreadable::Payload(error.to_string()))?;
    let vectors = vectors.map(vectors_from_wire).transpose()?;
    Ok(Record { id: point_id(&id)?, version, payload, vectors })
}

pub(crate) fn records_from_wire(records: Vec<peer::Record>) -> Result<Vec<Record>, Unreadable> {
    records.into_iter().map(record_from_wire).collect()
}

fn vectors_to_wire(vectors: NamedVectors) -> peer::NamedVectors {
    let named = vectors
        .into_iter()
        .map(|(name, vector)| peer::NamedVector { name, vector: Some(vector_to_wire(vector)) });
    peer::NamedVectors { vectors: named.collect() }
}

fn vectors_from_wire(vectors: peer::NamedVectors) -> Result<NamedVectors, Unreadable> {
    let named = vectors.vectors.into_iter();
    named.map(|named| Ok((named.name, vector_from_wire(named.vector)?))).collect()
}
