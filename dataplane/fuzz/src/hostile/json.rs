//! Bodies in JSON, broken in some places and as they should be in all others: what is broken
//! everywhere never gets past the first check.

use serde_json::Value;

use super::{DEPTHS, bytes, text};
use crate::Random;

/// How seldom a place is broken; one is drawn for each body.
const RATES: [usize; 4] = [3, 10, 30, 1_000];

/// Most bytes that a repeated part comes to: what is far larger only costs time.
const PART_BYTES_MAX: usize = 1 << 20;

/// Numbers that JSON can write and few can hold.
const NUMBERS: [&str; 16] = [
    "-0",
    "-1",
    "0.5",
    "1e400",
    "-1e400",
    "1e-400",
    "1e38",
    "3.5e38",
    "NaN",
    "Infinity",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "4294967296",
    "00",
    "1e",
];

/// Text that may be JSON, with `value` in it where it was left alone.
pub fn hostile(value: &Value, random: &mut Random) -> Vec<u8> {
    let mut body = Vec::new();
    let rate = *random.pick(&RATES);
    write(value, rate, random, &mut body);
    if random.one_in(20) {
        bytes::damage(&mut body, random);
    }
    body
}

fn write(value: &Value, rate: usize, random: &mut Random, out: &mut Vec<u8>) {
    if random.one_in(rate) {
        return write_hostile(value, random, out);
    }
    match value {
        Value::Array(values) => {
            out.push(b'[');
            let mut parts = Vec::new();
            for value in values {
                let mut part = Vec::new();
                write(value, rate, random, &mut part);
                let most = (PART_BYTES_MAX / part.len().max(1)).max(1);
                let times = repeats(rate, random).min(most);
                parts.extend(std::iter::repeat_n(part, times));
            }
            out.extend(parts.join(&b','));
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            let mut parts = Vec::new();
            for (key, value) in fields {
                let key = match random.one_in(rate * 4) {
                    true => Value::from(text(random)),
                    false => Value::from(key.as_str()),
                };
                let mut part = format!("{key}:").into_bytes();
                write(value, rate, random, &mut part);
                let times = repeats(rate * 4, random);
                parts.extend(std::iter::repeat_n(part, times.min(2)));
            }
            out.extend(parts.join(&b','));
            out.push(b'}');
        }
        plain => out.extend(plain.to_string().into_bytes()),
    }
}

/// How often a part stands there: mostly once.
fn repeats(rate: usize, random: &mut Random) -> usize {
    match random.one_in(rate) {
        true => *random.pick(&[0, 2, 100, 2_000]),
        false => 1,
    }
}

fn write_hostile(value: &Value, random: &mut Random, out: &mut Vec<u8>) {
    match random.below(12) {
        0..=2 => out.extend(random.pick(&NUMBERS).bytes()),
        3 => out.extend(random.number().to_string().into_bytes()),
        4 | 5 => out.extend(Value::from(text(random)).to_string().into_bytes()),
        6 => out.extend(*random.pick(&[&b"\"\xff\xfe\""[..], b"\"\\ud800\"", b"\"\n\"", b"\"\\"])),
        7 => out.extend(random.pick(&["null", "true", "[]", "{}", "", "[[]]"]).bytes()),
        8 => {
            let (open, close) = *random.pick(&[
                ("[", "]"),
                ("{\"a\":", "}"),
                ("{\"must\":[", "]}"),
                ("{\"must_not\":", "}"),
                ("{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[", "]}}}"),
                ("{\"prefetch\":", "}"),
            ]);
            let depth = *random.pick(&DEPTHS);
            out.extend(format!("{}{value}{}", open.repeat(depth), close.repeat(depth)).bytes());
        }
        9 => {
            let many = *random.pick(&[100, 5_000, 100_000]);
            out.extend(format!("[{}1]", "1,".repeat(many)).bytes());
        }
        10 => out.extend(format!("{{\"a\":1,\"a\":{value},\"\":{value}}}").bytes()),
        _ => out.extend(format!("[{value}]").bytes()),
    }
}
