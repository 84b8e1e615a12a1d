//! Values of `data.db`.

use prost::Message;
use vane_types::{LogIndex, PointId, VectorId};

use crate::error::Error;

/// What a shard holds of a point beside its vectors' values.
#[derive(Debug, Clone, PartialEq)]
pub struct PointRecord {
    /// Id that clients give the point.
    pub id: PointId,
    /// Index of the entry that last changed it.
    pub version: LogIndex,
    /// Vectors of the point, by their ids; those too that the collection has lost since.
    pub vectors: Vec<VectorRecord>,
    /// Payload as a JSON object; empty when there is none.
    pub payload: Vec<u8>,
}

/// What a record says of one vector. Slot and version name exactly one row, wherever
/// segments are merged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorRecord {
    /// Which of the collection's vectors it is.
    pub id: VectorId,
    /// Index of the entry that set it.
    pub version: LogIndex,
    /// The vector's part of the shard's consistency hash.
    pub digest: u64,
}

#[derive(Clone, PartialEq, Message)]
struct StoredRecord {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(uint64, tag = "2")]
    version: u64,
    /// Id and version by turns.
    #[prost(uint64, repeated, tag = "3")]
    vectors: Vec<u64>,
    #[prost(bytes = "vec", tag = "4")]
    payload: Vec<u8>,
    /// In the order of `vectors`.
    #[prost(fixed64, repeated, tag = "5")]
    digests: Vec<u64>,
}

impl PointRecord {
    /// Version of one vector, if the point has it.
    pub fn vector_version(&self, id: VectorId) -> Option<LogIndex> {
        let vector = self.vectors.iter().find(|vector| vector.id == id)?;
        Some(vector.version)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        StoredRecord {
            id: self.id.to_key(),
            version: self.version.0,
            vectors: self
                .vectors
                .iter()
                .flat_map(|vector| [u64::from(vector.id.0), vector.version.0])
                .collect(),
            payload: self.payload.clone(),
            digests: self.vectors.iter().map(|vector| vector.digest).collect(),
        }
        .encode_to_vec()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let stored = StoredRecord::decode(bytes).map_err(|e| damaged_record(&e.to_string()))?;
        let id =
            PointId::from_key(&stored.id).ok_or_else(|| damaged_record("its id cannot be read"))?;
        // The zip below would drop what has no partner without a word.
        if stored.vectors.len() != stored.digests.len() * 2 {
            return Err(damaged_record("its vectors and their digests are not as many"));
        }
        let mut vectors = Vec::with_capacity(stored.digests.len());
        for (pair, digest) in stored.vectors.chunks_exact(2).zip(stored.digests) {
            let id = u16::try_from(pair[0])
                .map_err(|_| damaged_record("the id of a vector is out of range"))?;
            let (id, version) = (VectorId(id), LogIndex(pair[1]));
            vectors.push(VectorRecord { id, version, digest });
        }
        let version = LogIndex(stored.version);
        Ok(Self { id, version, vectors, payload: stored.payload })
    }
}

/// A sealed segment as `data.db` names it. What is not named is not part of the shard.
#[derive(Clone, PartialEq, Message)]
pub struct SegmentManifest {
    /// Number of the segment within its vector; never used twice.
    #[prost(uint32, tag = "1")]
    pub segment: u32,
    #[prost(uint32, tag = "2")]
    pub rows: u32,
    /// Numbers of each row; 0 for rows of any length.
    #[prost(uint32, tag = "3")]
    pub dim: u32,
    /// xxh3 of the block checksums at the end of the vector file.
    #[prost(fixed64, tag = "4")]
    pub vectors_checksum: u64,
    /// xxh3 of the row file.
    #[prost(fixed64, tag = "5")]
    pub rows_checksum: u64,
    #[prost(message, optional, tag = "6")]
    pub graph: Option<GraphManifest>,
    /// Numbers of all rows, where those are of any length.
    #[prost(uint64, tag = "7")]
    pub values: u64,
    #[prost(message, optional, tag = "8")]
    pub postings: Option<PostingsManifest>,
}

/// The file of a segment of sparse rows that says which of them have a number at each index.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct PostingsManifest {
    #[prost(uint64, tag = "1")]
    pub bytes: u64,
    /// xxh3 of the whole file.
    #[prost(fixed64, tag = "2")]
    pub checksum: u64,
}

/// The graph file of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct GraphManifest {
    #[prost(uint64, tag = "1")]
    pub bytes: u64,
    /// xxh3 of the whole file.
    #[prost(fixed64, tag = "2")]
    pub checksum: u64,
    #[prost(uint32, tag = "3")]
    pub m: u32,
    #[prost(uint32, tag = "4")]
    pub ef_construct: u32,
}

/// A row that lies in `data.db` until its segment is sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Slot of its point.
    pub slot: u32,
    /// Index of the entry that set it.
    pub version: LogIndex,
    /// The vector, as a row: see [`vane_types::Vector::into_row`].
    pub values: Vec<f32>,
}

impl Row {
    /// Stored form of a row, from parts so that the values need no copy of their own.
    pub(crate) fn encode(slot: u32, version: LogIndex, values: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + values.len() * 4);
        bytes.extend_from_slice(&slot.to_le_bytes());
        bytes.extend_from_slice(&version.0.to_le_bytes());
        bytes.resize(12 + values.len() * 4, 0);
        // Into bytes that are there: to push each number would cost as much as the rest of a row.
        for (to, value) in bytes[12..].chunks_exact_mut(4).zip(values) {
            to.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (slot, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged_row)?;
        let (version, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged_row)?;
        // Odd bytes would be left out, and damage would pass for a shorter row.
        if rest.len() % 4 != 0 {
            return Err(damaged_row());
        }
        let values = rest
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        let version = LogIndex(u64::from_le_bytes(*version));
        Ok(Self { slot: u32::from_le_bytes(*slot), version, values })
    }
}

fn damaged_record(detail: &str) -> Error {
    Error::damaged("a point record in data.db", detail)
}

fn damaged_row() -> Error {
    Error::damaged("a growing row in data.db", "its length does not fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that disks have: the id of a vector was its place, and is written as that was.
    #[test]
    fn records_are_written_as_they_always_were() {
        let vector = |id, digest| VectorRecord { id: VectorId(id), version: LogIndex(2), digest };
        let (id, payload) = (PointId::num(7), b"{}".to_vec());
        let vectors = vec![vector(0, 5), vector(1, 6)];
        let record = PointRecord { id, version: LogIndex(3), vectors, payload };
        let key = id.to_key();
        let expected = [
            &[10, key.len() as u8][..],
            &key,
            &[16, 3, 26, 4, 0, 2, 1, 2, 34, 2, 123, 125, 42, 16],
            &5_u64.to_le_bytes(),
            &6_u64.to_le_bytes(),
        ];
        assert_eq!(record.encode(), expected.concat());
        assert_eq!(PointRecord::decode(&expected.concat()).map_err(never), Ok(record.clone()));
        let later = PointRecord { vectors: vec![vector(u16::MAX, 5)], ..record };
        assert_eq!(PointRecord::decode(&later.encode()).map_err(never), Ok(later));
    }

    fn never(error: Error) -> String {
        error.to_string()
    }
}
