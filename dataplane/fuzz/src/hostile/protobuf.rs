//! Messages of protobuf, broken field by field without knowing their types: most of what comes
//! out still decodes, to values that nobody sends.

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use super::{DEPTHS, bytes, number, text};
use crate::Random;

/// How seldom a field is broken; one is drawn for each message.
const RATES: [usize; 3] = [3, 10, 40];
/// Most bytes of a message: the default limit of a listener.
const BYTES_MAX: usize = 3 << 20;

/// A field of a message.
#[derive(Debug, Clone)]
pub struct Field(pub u32, pub Content);

/// What a field holds.
#[derive(Debug, Clone)]
pub enum Content {
    Number(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(Vec<u8>),
}

/// A message that was broken in some places.
pub fn hostile(message: &[u8], random: &mut Random) -> Vec<u8> {
    let rate = *random.pick(&RATES);
    let mut broken = damage(message, rate, random);
    if random.one_in(20) {
        bytes::damage(&mut broken, random);
    }
    broken.truncate(BYTES_MAX);
    broken
}

fn damage(message: &[u8], rate: usize, random: &mut Random) -> Vec<u8> {
    let Some(fields) = read(message) else {
        let mut broken = message.to_vec();
        if random.one_in(rate) {
            bytes::damage(&mut broken, random);
        }
        return broken;
    };
    let mut kept = Vec::new();
    for Field(tag, content) in fields {
        let content = match content {
            Content::Bytes(bytes) => Content::Bytes(damage(&bytes, rate, random)),
            other => other,
        };
        match random.one_in(rate) {
            true => kept.extend(broken(tag, content, random)),
            false => kept.push(Field(tag, content)),
        }
    }
    // Copies of copies, on several levels, are more than any memory.
    let broken = encode(&kept);
    if broken.len() > BYTES_MAX { message.to_vec() } else { broken }
}

/// What stands where a field stood.
fn broken(tag: u32, content: Content, random: &mut Random) -> Vec<Field> {
    match (random.below(6), content) {
        (0, _) => Vec::new(),
        (1, content) => {
            let copies = (*random.pick(&[2, 3, 1_000])).min(BYTES_MAX / size(&content));
            vec![Field(tag, content); copies]
        }
        (2, content) => vec![Field(1 + random.below(16) as u32, content)],
        (3, Content::Bytes(inner)) => vec![Field(tag, Content::Bytes(nested(tag, inner, random)))],
        (_, Content::Bytes(_)) => vec![Field(tag, Content::Bytes(text(random).into_bytes()))],
        (_, Content::Number(_)) => vec![Field(tag, Content::Number(number(random)))],
        (_, Content::Fixed32(_)) => vec![Field(tag, Content::Fixed32(number(random) as u32))],
        (_, Content::Fixed64(_)) => vec![Field(tag, Content::Fixed64(number(random)))],
    }
}

/// Bytes of a field's content, and at least one.
fn size(content: &Content) -> usize {
    match content {
        Content::Bytes(bytes) => bytes.len().max(1),
        Content::Number(_) | Content::Fixed32(_) | Content::Fixed64(_) => size_of::<u64>(),
    }
}

/// A message within itself, as one whose type has a field of its own type.
fn nested(tag: u32, mut inner: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..(*random.pick(&DEPTHS)).min(1_000) {
        inner = encode(&[Field(tag, Content::Bytes(inner))]);
    }
    inner
}

/// The bytes of a message.
pub fn encode(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field(tag, content) in fields {
        match content {
            Content::Number(number) => {
                encode_key(*tag, WireType::Varint, &mut bytes);
                encode_varint(*number, &mut bytes);
            }
            Content::Fixed32(number) => {
                encode_key(*tag, WireType::ThirtyTwoBit, &mut bytes);
                bytes.extend(number.to_le_bytes());
            }
            Content::Fixed64(number) => {
                encode_key(*tag, WireType::SixtyFourBit, &mut bytes);
                bytes.extend(number.to_le_bytes());
            }
            Content::Bytes(inner) => {
                encode_key(*tag, WireType::LengthDelimited, &mut bytes);
                encode_varint(inner.len() as u64, &mut bytes);
                bytes.extend(inner);
            }
        }
    }
    bytes
}

/// The fields, if the bytes can be a message.
fn read(mut bytes: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let content = match wire_type {
            WireType::Varint => Content::Number(decode_varint(&mut bytes).ok()?),
            WireType::ThirtyTwoBit => Content::Fixed32(bytes.try_get_u32_le().ok()?),
            WireType::SixtyFourBit => Content::Fixed64(bytes.try_get_u64_le().ok()?),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut bytes).ok()? as usize;
                let inner = bytes.get(..length)?.to_vec();
                bytes.advance(length);
                Content::Bytes(inner)
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        fields.push(Field(tag, content));
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_on_several_levels_stay_a_message() {
        let mut message = encode(&[Field(1, Content::Number(7))]);
        for _ in 0..8 {
            let field = Field(1, Content::Bytes(message));
            message = encode(&vec![field; 2]);
        }
        for seed in 0..200 {
            let broken = hostile(&message, &mut Random::new(1, seed));
            assert!(broken.len() <= BYTES_MAX);
        }
    }
}
