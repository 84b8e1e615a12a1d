//! What a message would weigh in memory, before it is made: two bytes of a message may become half
//! a kilobyte, and whoever sends millions of those is not to fill a node's memory.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use prost_types::{DescriptorProto, FileDescriptorSet};

use crate::qdrant;

/// A message may come to so many bytes for each of its own.
const GROWTH_MAX: usize = 16;
/// And to so many more: a short one may be nothing but parts.
const ALLOWANCE_BYTES: usize = 1 << 20;
/// As deep as prost reads.
const DEPTH_MAX: usize = 100;
/// What most messages come to: a few fields, and their place in a list or a map.
const USUAL_BYTES: usize = 64;
/// Those that are much larger.
const LARGE: [(&str, usize); 6] = [
    (".qdrant.Condition", size_of::<qdrant::Condition>()),
    (".qdrant.PointStruct", size_of::<qdrant::PointStruct>()),
    (".qdrant.PrefetchQuery", size_of::<qdrant::PrefetchQuery>()),
    (".qdrant.QueryPoints", size_of::<qdrant::QueryPoints>()),
    (".qdrant.SearchPoints", size_of::<qdrant::SearchPoints>()),
    (".qdrant.PointsUpdateOperation", size_of::<qdrant::PointsUpdateOperation>()),
];

/// What is known of a kind of message.
struct Kind {
    bytes: usize,
    /// Its fields that are messages, by number, with the name of what they are.
    fields: HashMap<u32, String>,
}

/// All kinds by name, as descriptors have it, with a dot before it.
static KINDS: LazyLock<HashMap<String, Kind>> = LazyLock::new(|| {
    // The bytes were written by this crate's own build.
    let set = FileDescriptorSet::decode(crate::DESCRIPTORS).unwrap_or_default();
    let mut kinds = HashMap::new();
    for file in set.file {
        let package = format!(".{}", file.package());
        file.message_type.into_iter().for_each(|message| add(&package, message, &mut kinds));
    }
    kinds
});

fn add(around: &str, message: DescriptorProto, kinds: &mut HashMap<String, Kind>) {
    let name = format!("{around}.{}", message.name());
    let fields = message.field.iter().filter(|field| field.type_name().starts_with('.'));
    let fields = fields.filter_map(|field| {
        Some((u32::try_from(field.number()).ok()?, field.type_name().to_owned()))
    });
    let large = LARGE.iter().find(|(large, _)| *large == name);
    let bytes = large.map_or(USUAL_BYTES, |(_, bytes)| *bytes);
    let kind = Kind { bytes, fields: fields.collect() };
    message.nested_type.into_iter().for_each(|nested| add(&name, nested, kinds));
    kinds.insert(name, kind);
}

/// Whether a message of this name may be made of these bytes. What is no message may: reading it
/// ends where it is wrong.
pub(crate) fn fits(name: &str, bytes: &[u8]) -> bool {
    let mut left = ALLOWANCE_BYTES + GROWTH_MAX * bytes.len();
    KINDS.get(name).is_none_or(|kind| weigh(kind, bytes, DEPTH_MAX, &mut left).is_some())
}

/// Takes what a message weighs from what is left; `None` where that is not enough.
fn weigh(kind: &Kind, mut bytes: &[u8], depth: usize, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(kind.bytes)?;
    while !bytes.is_empty() {
        let Ok((number, wire_type)) = decode_key(&mut bytes) else { return Some(()) };
        let length = match wire_type {
            WireType::Varint => match decode_varint(&mut bytes) {
                Ok(_) => continue,
                Err(_) => return Some(()),
            },
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => match decode_varint(&mut bytes) {
                Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
                Err(_) => return Some(()),
            },
            // There are none in these definitions, and what is in them is dropped.
            WireType::StartGroup | WireType::EndGroup => continue,
        };
        let Some((content, rest)) = bytes.split_at_checked(length) else { return Some(()) };
        bytes = rest;
        let part = kind.fields.get(&number).and_then(|name| KINDS.get(name));
        if let (Some(part), Some(depth)) = (part, depth.checked_sub(1)) {
            weigh(part, content, depth, left)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use prost::{Message, Name};

    use super::fits;
    use crate::qdrant::{Condition, Filter, PointStruct, ScrollPoints, UpsertPoints};

    fn fits_as<M: Message + Name>(message: &M) -> bool {
        fits(&format!(".{}", M::full_name()), &message.encode_to_vec())
    }

    #[test]
    fn many_small_parts_are_refused_and_what_is_usual_is_not() {
        let vectors = crate::qdrant::Vectors {
            vectors_options: Some(crate::qdrant::vectors::VectorsOptions::Vector(
                crate::qdrant::Vector {
                    vector: Some(crate::qdrant::vector::Vector::Dense(
                        crate::qdrant::DenseVector { data: vec![0.5; 16] },
                    )),
                    ..Default::default()
                },
            )),
        };
        let point = PointStruct { vectors: Some(vectors), ..PointStruct::default() };
        let points = vec![point; 10_000];
        assert!(fits_as(&UpsertPoints { points, ..UpsertPoints::default() }));
        let points = vec![PointStruct::default(); 1_000_000];
        assert!(!fits_as(&UpsertPoints { points, ..UpsertPoints::default() }));
        let of = |conditions| ScrollPoints {
            filter: Some(Filter {
                must: vec![Condition::default(); conditions],
                ..Filter::default()
            }),
            ..ScrollPoints::default()
        };
        assert!(fits_as(&of(1_000)));
        assert!(!fits_as(&of(1_000_000)));
    }

    #[test]
    fn what_is_no_message_is_left_to_whoever_reads_it() {
        for bytes in [&b"\xff"[..], b"\x0a\xff", b"\x0a\x05ab", b"\x0b\x0c"] {
            assert!(fits(".qdrant.UpsertPoints", bytes));
        }
        assert!(fits(".qdrant.Nothing", b"\x0a\x00"));
    }
}
