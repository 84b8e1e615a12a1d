//! What happened, as a hash of all of it and on request as lines.

use std::collections::BTreeMap;

use vane_raft::Random;

/// Names and numbers of one line.
pub(crate) type Numbers<'a> = &'a [(&'static str, u64)];

/// The log of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    counts: BTreeMap<&'static str, u64>,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// `keep`: have the lines too.
    pub(crate) fn new(keep: bool) -> Self {
        Self { lines: keep.then(Vec::new), ..Self::default() }
    }

    /// Adds what happened at a time.
    pub(crate) fn note(&mut self, now: u64, what: &'static str, numbers: Numbers<'_>) {
        *self.counts.entry(what).or_default() += 1;
        self.take(now);
        self.take(what.len() as u64);
        numbers.iter().for_each(|(_, number)| self.take(*number));
        if let Some(lines) = &mut self.lines {
            let mut line = format!("{:>8}.{:03} ms  {what:<14}", now / 1000, now % 1000);
            for (name, number) in numbers {
                // Peers are written as node and incarnation.
                // Nodes have small numbers; whatever is larger is a hash.
                let text = match number >> 32 {
                    0 => number.to_string(),
                    node if node < 100 => format!("{node}.{}", number & u64::from(u32::MAX)),
                    _ => format!("{number:016x}"),
                };
                line.push_str(&format!(" {name}={text}"));
            }
            lines.push(line);
        }
    }

    /// Adds a line that the hash does not count.
    pub(crate) fn explain(&mut self, text: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(text());
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// How often each thing happened, and the lines.
    pub(crate) fn into_parts(self) -> (BTreeMap<&'static str, u64>, Vec<String>) {
        (self.counts, self.lines.unwrap_or_default())
    }

    fn take(&mut self, number: u64) {
        self.hash = Random::mix(self.hash ^ number).wrapping_add(1);
    }
}
