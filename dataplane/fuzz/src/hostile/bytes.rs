//! Bytes that were damaged.

use crate::Random;

/// The same bytes with a few of them flipped, gone, doubled or replaced; never the same bytes,
/// unless there are none.
pub fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let before = bytes.clone();
    while *bytes == before && !before.is_empty() {
        damage_once(bytes, random);
    }
}

fn damage_once(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(7) {
        0..=2 => bytes[at] ^= 1 << random.below(8),
        3 => bytes.truncate(at),
        4 => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            bytes.drain(at..end);
        }
        5 => {
            let end = (at + 1 + random.below(64)).min(bytes.len());
            let doubled = bytes[at..end].to_vec();
            bytes.splice(at..at, doubled);
        }
        // As a number of eight bytes that no writer would have meant.
        _ => {
            let number = super::number(random).to_le_bytes();
            bytes.iter_mut().skip(at).zip(number).for_each(|(byte, new)| *byte = new);
        }
    }
}
