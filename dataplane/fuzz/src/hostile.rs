//! Input as no client would send it, made from input that one would.

pub mod bytes;
pub mod json;
pub mod protobuf;

use crate::Random;

/// Numbers at the ends of ranges.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    127,
    255,
    65_535,
    65_536,
    i32::MAX as u64,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    i64::MAX as u64,
    i64::MAX as u64 + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// Texts that something may take for more than a text.
const TEXTS: [&str; 16] = [
    "",
    "\0",
    " ",
    "..",
    "../../etc/passwd",
    "a.b[0].c",
    "a[].b[]",
    "[[[[",
    "a\"b\\c",
    "\u{202e}\u{1f4a5}\u{fffd}",
    "null",
    "-1",
    "18446744073709551616",
    "9999-12-31T23:59:60+99:99",
    "00000000-0000-0000-0000-000000000000",
    "%00%ff%2f",
];

/// How deep to nest: around the limits of readers, and far beyond.
const DEPTHS: [usize; 7] = [2, 31, 64, 127, 129, 1_000, 100_000];

/// A number that is small, at the end of a range, or anything.
pub fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.number(),
        1 => random.below(16) as u64,
        _ => *random.pick(&NUMBERS),
    }
}

/// A text of any length.
pub fn text(random: &mut Random) -> String {
    match random.below(6) {
        0 => "a".repeat(*random.pick(&[255, 256, 1_025, 70_000])),
        1 => "a.".repeat((*random.pick(&DEPTHS)).min(1_000)) + "a",
        _ => (*random.pick(&TEXTS)).to_owned(),
    }
}
