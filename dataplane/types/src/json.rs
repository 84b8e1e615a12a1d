//! Stored JSON: whatever was written is read again, however deep it is.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

/// Levels that stored JSON may have. No version wrote more: a path of 1,024 bytes makes 512, and
/// what it was to hold came in a body of at most 127. A bound there has to be, since damage may
/// look deeper than a stack.
const STORED_DEPTH_MAX: usize = 1024;

/// Reads JSON that a version of this program wrote.
///
/// # Errors
/// The bytes are no JSON, or not that of a `T`.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    let read = serde_json::from_slice(json);
    // Its reader stops at 128 levels, for the sake of the stack. Such values are rare: those that
    // were written before there was a limit.
    match read {
        Err(error) => read_deep(json).map_or(Err(error), T::deserialize),
        read => read,
    }
}

/// Whether a value has more levels than `max`. A number has none, an empty list one.
pub fn is_deeper(value: &Value, max: usize) -> bool {
    match (value, max.checked_sub(1)) {
        (Value::Array(items), Some(max)) => items.iter().any(|item| is_deeper(item, max)),
        (Value::Object(members), Some(max)) => members.values().any(|it| is_deeper(it, max)),
        (Value::Array(_) | Value::Object(_), None) => true,
        _ => false,
    }
}

/// A list or an object that has begun; of an object with the name of its next member.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, String),
}

/// Reads a value with a stack of its own; `None` where there is none.
fn read_deep(json: &[u8]) -> Option<Value> {
    let mut rest = Rest(json);
    let mut open = Vec::new();
    loop {
        if open.len() > STORED_DEPTH_MAX {
            return None;
        }
        let mut done = match rest.first()? {
            b'[' if !rest.closes(b']') => {
                open.push(Open::List(Vec::new()));
                rest.take(b'[');
                continue;
            }
            b'{' if !rest.closes(b'}') => {
                rest.take(b'{');
                open.push(Open::Object(Map::new(), rest.name()?));
                continue;
            }
            _ => rest.flat()?,
        };
        // It may be the last of the list that it stands in, and that the last of the next.
        loop {
            let Some(mut around) = open.pop() else {
                return rest.first().is_none().then_some(done);
            };
            match &mut around {
                Open::List(items) => items.push(done),
                Open::Object(members, name) => drop(members.insert(std::mem::take(name), done)),
            }
            if rest.take(b',') {
                if let Open::Object(_, name) = &mut around {
                    *name = rest.name()?;
                }
                open.push(around);
                break;
            }
            let (end, value) = match around {
                Open::List(items) => (b']', Value::Array(items)),
                Open::Object(members, _) => (b'}', Value::Object(members)),
            };
            if !rest.take(end) {
                return None;
            }
            done = value;
        }
    }
}

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// The next byte that is no space.
    fn first(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }

    /// Whether the bracket that comes next has nothing in it.
    fn closes(&self, end: u8) -> bool {
        self.0[1..].trim_ascii_start().first() == Some(&end)
    }

    /// Goes past a byte, if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.first() == Some(byte);
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }

    /// A value that holds no other.
    fn flat(&mut self) -> Option<Value> {
        let mut values = Deserializer::from_slice(self.0).into_iter();
        let value = values.next()?.ok()?;
        self.0 = &self.0[values.byte_offset()..];
        Some(value)
    }

    /// The name of a member, with the colon behind it.
    fn name(&mut self) -> Option<String> {
        match self.flat()? {
            Value::String(name) => self.take(b':').then_some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Lists and objects by turns, `depth` of them, around a number.
    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |value, level| match level % 2 {
            0 => json!([value, "x"]),
            _ => json!({"a": 0, "b": value}),
        })
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            let members = prop::collection::btree_map(any::<String>(), inner.clone(), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_is_deeper_than_a_parser_likes_is_read() {
        for depth in [0, 1, 126, 127, 128, 129, 640, STORED_DEPTH_MAX] {
            let json = serde_json::to_vec(&nested(depth)).unwrap();
            assert_eq!(read::<Value>(&json).unwrap(), nested(depth), "{depth} levels");
            assert!(!is_deeper(&nested(depth), depth), "{depth} levels");
            assert!(depth == 0 || is_deeper(&nested(depth), depth - 1), "{depth} levels");
        }
    }

    #[test]
    fn what_is_empty_may_have_space_in_it() {
        assert_eq!(read_deep(b"{ }"), Some(json!({})));
        assert_eq!(read_deep(b"[[ ] , {\n}]"), Some(json!([[], {}])));
        assert_eq!(read_deep(b"[ }"), None);
    }

    #[test]
    fn damage_fails_and_takes_no_stack() {
        let deep = vec![b'['; 10_000_000];
        let closed = [deep.clone(), vec![b']'; 10_000_000]].concat();
        let whole = serde_json::to_vec(&nested(200)).unwrap();
        let tail = [&whole[..], b"]"].concat();
        for bad in [&deep[..], &closed, &tail, b"", b"[1,]", b"[1 2]", b"{\"a\"}", b"{1:2}"] {
            assert!(read::<Value>(bad).is_err());
        }
        for cut in 0..whole.len() {
            assert!(read::<Value>(&whole[..cut]).is_err(), "{cut} bytes");
        }
    }

    proptest! {
        #[test]
        fn both_readers_come_to_the_same(value in any_json(), deep in 0_usize..200, pretty: bool) {
            let value = (0..deep).fold(value, |value, _| json!({"\u{0}\"": [value]}));
            let json = match pretty {
                true => serde_json::to_vec_pretty(&value).unwrap(),
                false => serde_json::to_vec(&value).unwrap(),
            };
            prop_assert_eq!(read_deep(&json), Some(value.clone()));
            prop_assert_eq!(read::<Value>(&json).unwrap(), value);
        }

        #[test]
        fn what_one_refuses_the_other_refuses(text in "[\\[\\]{}:,\"0a ]{0,12}") {
            let standard = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(read_deep(text.as_bytes()), standard);
        }
    }
}
