//! Lists of numbers in place of vectors. They are nearly all of a body that has any, and a parser
//! that knows nothing else is several times as fast as one of JSON: they are taken out of the
//! text, which is then read without them, and put where their places turn out to be.

mod number;

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::Value;

use number::number;

/// Numbers that make a list worth it.
const NUMBERS_MIN: usize = 16;
/// Bytes that make a body worth a look.
const BODY_BYTES_MIN: usize = 128;
/// Fields whose values are vectors, or have vectors in them. One that is missed costs time only,
/// and so does one of that name which is something else.
const FIELDS: [&[u8]; 4] = [b"vector", b"vectors", b"query", b"nearest"];

/// What the first list leaves in its place; the next ones leave what is below. Drawn by each
/// process: whoever guesses a number could have it taken for a list of the same body.
static FIRST_MARK: LazyLock<i64> =
    LazyLock::new(|| -((RandomState::new().hash_one(0) >> 2) as i64) - (1 << 61));

thread_local! {
    // Shapes are read by serde, which hands nothing through from the outside. Of what is being
    // read the lists that were taken out, by how far their marks are below the first.
    static TAKEN: RefCell<Vec<Option<Vec<f32>>>> = const { RefCell::new(Vec::new()) };
}

/// Ends the reading, also by a panic.
struct Reading;

impl Reading {
    fn of(lists: Vec<Vec<f32>>) -> Self {
        TAKEN.set(lists.into_iter().map(Some).collect());
        Self
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        TAKEN.take();
    }
}

/// The list whose mark stands in place of a vector; `None` for any other number.
pub(super) fn taken(mark: i64) -> Option<Vec<f32>> {
    let place = usize::try_from(FIRST_MARK.checked_sub(mark)?).ok()?;
    TAKEN.with_borrow_mut(|taken| taken.get_mut(place)?.take())
}

/// Lists that stand beside a body which is made here rather than read from a text.
#[derive(Debug, Default)]
pub(crate) struct Beside(Vec<Vec<f32>>);

impl Beside {
    /// Lays a list aside; what stands in its place in the body.
    pub(crate) fn put(&mut self, list: Vec<f32>) -> Value {
        let mark = *FIRST_MARK - self.0.len() as i64;
        self.0.push(list);
        mark.into()
    }

    /// Does what reads the body.
    pub(crate) fn read<T>(self, read: impl FnOnce() -> T) -> T {
        let _reading = Reading::of(self.0);
        read()
    }
}

/// Reads a body whose lists of numbers are all vectors; `read` reads what is left of the text.
/// `None` where it is not like that, has none, or is wrong: then it is to be read in the ordinary
/// way, which knows what is wrong.
pub(super) fn read<T: DeserializeOwned>(
    body: &[u8],
    read: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Option<T> {
    let Apart { text, lists } = take_out(body)?;
    let reading = Reading::of(lists);
    let parsed = read(&text).ok()?;
    // One that is left was read as something else.
    let is_whole = TAKEN.with_borrow(|taken| taken.iter().all(Option::is_none));
    drop(reading);
    is_whole.then_some(parsed)
}

/// A body taken apart.
struct Apart {
    /// The body with marks in place of lists.
    text: Vec<u8>,
    lists: Vec<Vec<f32>>,
}

fn take_out(body: &[u8]) -> Option<Apart> {
    if body.len() < BODY_BYTES_MIN {
        return None;
    }
    let mut apart = Apart { text: Vec::new(), lists: Vec::new() };
    let (mut copied, mut at) = (0, 0);
    // All that matters outside of strings begins with a name.
    while let Some(quote) = memchr::memchr(b'"', &body[at..]) {
        let begin = at + quote + 1;
        let end = string_end(body, begin)?;
        at = end + 1;
        if FIELDS.contains(&&body[begin..end])
            && let Some(value) = value_after(body, at)
        {
            at = apart.take_value(body, value, &mut copied)?;
        }
    }
    if apart.lists.is_empty() {
        return None;
    }
    apart.text.extend_from_slice(&body[copied..]);
    Some(apart)
}

impl Apart {
    /// Takes the lists out of the value at `at`; where it ends, or `None` where it does not. What
    /// lies before `copied` is in the text or taken out already.
    fn take_value(&mut self, body: &[u8], mut at: usize, copied: &mut usize) -> Option<usize> {
        let mut depth = 0_usize;
        loop {
            match *body.get(at)? {
                b'"' => at = string_end(body, at + 1)?,
                b'{' => depth += 1,
                b'[' => match self.list(body, at) {
                    Some((list, end)) => {
                        self.text.extend_from_slice(&body[*copied..at]);
                        // Spaces around it: it must not become a part of what is beside it.
                        let mark = *FIRST_MARK - self.lists.len() as i64;
                        self.text.extend_from_slice(format!(" {mark} ").as_bytes());
                        self.lists.push(list);
                        (*copied, at) = (end, end - 1);
                    }
                    None => depth += 1,
                },
                b'}' | b']' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }

    /// The numbers of the list that begins at `begin`, and where it ends, if it is one of enough
    /// numbers and of nothing else.
    fn list(&self, body: &[u8], begin: usize) -> Option<(Vec<f32>, usize)> {
        // Mostly all are of one length.
        let mut values = Vec::with_capacity(self.lists.last().map_or(0, Vec::len));
        let mut at = after_space(body, begin + 1);
        loop {
            let (value, end) = number(body, at)?;
            values.push(value);
            at = after_space(body, end);
            match body.get(at)? {
                b',' => at = after_space(body, at + 1),
                b']' => return (values.len() >= NUMBERS_MIN).then_some((values, at + 1)),
                _ => return None,
            }
        }
    }
}

/// Where the string ends that begins at `at`: at its quote.
fn string_end(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        if body[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Where the value begins, if what ended before `at` is a name.
fn value_after(body: &[u8], at: usize) -> Option<usize> {
    let colon = after_space(body, at);
    (body.get(colon) == Some(&b':')).then(|| after_space(body, colon + 1))
}

#[inline]
fn after_space(body: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = body.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
