//! Whether the requests for one point have a linear order: the search of Wing and Gong with
//! the memory of Lowe ("Testing for linearizability", 2017). Knows nothing of Raft.

use std::collections::HashSet;

use crate::write::Effect;

/// States looked at before the search is given up.
const STATES_MAX: usize = 400_000;

/// One request, from when it was sent to when it was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) invoked: u64,
    /// `u64::MAX` if nobody was told what became of it.
    pub(crate) returned: u64,
    pub(crate) effect: Effect,
}

/// What the search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
    TooHard,
}

/// A set of calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bits(Vec<u64>);

impl Bits {
    fn flip(&mut self, at: usize) {
        self.0[at / 64] ^= 1 << (at % 64);
    }
}

/// The beginnings and ends of calls that are not placed yet, in order of time, as a list
/// from which a call is lifted when it is placed and put back when that was wrong.
struct Line {
    /// Call, and whether it is its end.
    events: Vec<(usize, bool)>,
    next: Vec<usize>,
    before: Vec<usize>,
    /// Places of a call's beginning and end.
    places: Vec<(usize, usize)>,
}

/// Place before the first event.
const HEAD: usize = 0;

impl Line {
    fn new(calls: &[Call]) -> Self {
        let mut times: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
        for (number, call) in calls.iter().enumerate() {
            times.push((call.invoked, false, number));
            times.push((call.returned, true, number));
        }
        times.sort_unstable();
        let mut places = vec![(0, 0); calls.len()];
        let mut events = vec![(usize::MAX, false)];
        for (_, is_end, call) in times {
            let place = events.len();
            if is_end {
                places[call].1 = place
            } else {
                places[call].0 = place
            }
            events.push((call, is_end));
        }
        let end = events.len();
        Self {
            events,
            next: (1..=end).collect(),
            before: (0..=end).map(|place: usize| place.saturating_sub(1)).collect(),
            places,
        }
    }

    fn is_over(&self, place: usize) -> bool {
        place >= self.events.len()
    }

    fn lift(&mut self, call: usize) {
        let (begin, end) = self.places[call];
        for place in [begin, end] {
            let (before, next) = (self.before[place], self.next[place]);
            self.next[before] = next;
            self.before[next] = before;
        }
    }

    /// In the opposite order of [`Line::lift`].
    fn put_back(&mut self, call: usize) {
        let (begin, end) = self.places[call];
        for place in [end, begin] {
            let (before, next) = (self.before[place], self.next[place]);
            self.next[before] = place;
            self.before[next] = place;
        }
    }
}

/// Whether the calls have an order that agrees with their times and their effects. The
/// point is absent at the beginning.
pub(crate) fn check(calls: &[Call]) -> Verdict {
    let mut line = Line::new(calls);
    let mut left = calls.iter().filter(|call| call.returned != u64::MAX).count();
    let mut placed = Bits(vec![0; calls.len() / 64 + 1]);
    let mut seen: HashSet<(Bits, Option<u64>)> = HashSet::new();
    let mut stack: Vec<(usize, Option<u64>)> = Vec::new();
    let (mut value, mut place) = (None, line.next[HEAD]);
    while left > 0 {
        let at_end = line.is_over(place) || line.events[place].1;
        if !at_end {
            let call = line.events[place].0;
            if let Some(after) = calls[call].effect.after(value) {
                placed.flip(call);
                if seen.insert((placed.clone(), after)) {
                    if seen.len() > STATES_MAX {
                        return Verdict::TooHard;
                    }
                    stack.push((call, value));
                    line.lift(call);
                    left -= usize::from(calls[call].returned != u64::MAX);
                    (value, place) = (after, line.next[HEAD]);
                    continue;
                }
                placed.flip(call);
            }
            place = line.next[place];
            continue;
        }
        // Some call ended before any of those that are left could be placed.
        let Some((call, before)) = stack.pop() else { return Verdict::No };
        placed.flip(call);
        line.put_back(call);
        left += usize::from(calls[call].returned != u64::MAX);
        (value, place) = (before, line.next[line.places[call].0]);
    }
    Verdict::Yes
}

#[cfg(test)]
mod tests;
