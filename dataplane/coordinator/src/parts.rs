//! What is left of a write's commands where they had to be divided. Pure.

use std::collections::VecDeque;

use vane_catalog::Route;
use vane_commands::Command;

/// Parts of commands, each with its way, in the order in which they are to be logged.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    waiting: VecDeque<(Route, Command)>,
    /// Points that an entry may have as far as is known: more were too much.
    points_max: Option<usize>,
}

impl Parts {
    /// The next part.
    pub(crate) fn next(&mut self) -> Option<(Route, Command)> {
        let (route, command) = self.waiting.pop_front()?;
        Some((route, self.first_of(route, command)))
    }

    /// The part of a command that may go into one entry; the rest of it is the next.
    pub(crate) fn first_of(&mut self, route: Route, mut command: Command) -> Command {
        // What is like those that were refused is not tried whole: each try costs an entry.
        while self.points_max.is_some_and(|most| points(&command) > most) {
            let Some((first, second)) = halves(&command) else { break };
            self.waiting.push_front((route, second));
            command = first;
        }
        command
    }

    /// Puts parts of a command in its place.
    pub(crate) fn put(&mut self, parts: Vec<(Route, Command)>) {
        parts.into_iter().rev().for_each(|part| self.waiting.push_front(part));
    }

    /// Puts both halves in the place of a command that was too much for one entry; `None` where
    /// it cannot be divided.
    pub(crate) fn halve(&mut self, route: Route, refused: &Command) -> Option<()> {
        let (first, second) = halves(refused)?;
        self.points_max = Some(points(&first).max(points(&second)));
        self.put(vec![(route, first), (route, second)]);
        Some(())
    }
}

fn points(command: &Command) -> usize {
    command.change.as_ref().map_or(0, |change| change.keys().count())
}

/// Both without the name of the request: under that one they would be copies of each other.
fn halves(command: &Command) -> Option<(Command, Command)> {
    let (first, second) = command.change.as_ref()?.halves()?;
    Some((Command::new(first), Command::new(second)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_commands::{Change, Targets};
    use vane_types::{GroupId, KeyRange, PointId, RangeEpoch, ShardRange};

    fn delete(points: std::ops::Range<u64>) -> Command {
        let ids = points.map(|id| PointId::num(id).to_key()).collect();
        Command::new(Change::Delete(Targets { ids, ..Targets::default() }))
    }

    #[test]
    fn points_stay_in_order_and_what_was_too_much_is_not_tried_again() {
        let range = ShardRange { keys: KeyRange::ALL, epoch: RangeEpoch::FIRST };
        let route = Route { ordinal: 0, group: GroupId(1), range };
        let (mut parts, mut logged, mut tries) = (Parts::default(), Vec::new(), 0);
        let mut commands = [delete(0..1000), delete(1000..2000), delete(2000..2001)].into_iter();
        while let Some((route, command)) = parts.next().or_else(|| {
            let command = commands.next()?;
            Some((route, parts.first_of(route, command)))
        }) {
            tries += 1;
            let ids = command.change.as_ref().unwrap().keys().map(Vec::from);
            if points(&command) > 130 {
                parts.halve(route, &command).unwrap();
            } else {
                logged.extend(ids.map(|key| PointId::from_key(&key).unwrap()));
            }
        }
        assert!(logged.into_iter().eq((0..2001).map(PointId::num)));
        assert_eq!(tries, 3 + 8 + 8 + 1, "refused once for each half, and never again");
        assert_eq!(parts.halve(route, &delete(0..1)), None);
    }
}
