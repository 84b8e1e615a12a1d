//! Collections and what is known of each: made, deleted, or on the way to one of these.

use vane_types::{Changed, NodeId};

use super::Told;

/// Collections that there are from the founding on.
pub(crate) const LASTING: [&str; 2] = ["c0", "c1"];
/// Names of those that come and go.
pub(crate) const PASSING: [&str; 2] = ["d0", "d1"];

/// A collection from its making to its deletion.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) name: String,
    pub(crate) key: String,
    /// Somebody was told that it is made.
    pub(crate) is_made: bool,
    /// Its deletion was asked for.
    pub(crate) is_doomed: bool,
    /// Somebody was told that it is deleted.
    pub(crate) is_deleted: bool,
    /// The node that is asked at the moment.
    pub(crate) busy: Option<NodeId>,
}

/// All lives of a run.
#[derive(Debug, Default)]
pub(crate) struct Lives(pub(crate) Vec<Life>);

impl Lives {
    /// A life that begins; its number.
    pub(crate) fn begin(&mut self, name: &str, busy: Option<NodeId>) -> usize {
        self.0.push(Life {
            name: name.to_owned(),
            key: format!("key{}", self.0.len()),
            is_made: false,
            is_doomed: false,
            is_deleted: false,
            busy,
        });
        self.0.len() - 1
    }

    /// Somebody is told what became of the making, or of the deletion.
    pub(crate) fn told(&mut self, number: usize, told: &Told) {
        let life = &mut self.0[number];
        life.busy = None;
        let is_done = match told {
            Told::Changed(Ok(())) => true,
            // Made, only not ready yet, or not known to this node.
            Told::Changed(Err(error)) => error.changed == Changed::Done,
            Told::Found(_) => false,
        };
        // One change at a time: after the doom all answers are of the deletion.
        let done = if life.is_doomed { &mut life.is_deleted } else { &mut life.is_made };
        *done |= is_done;
    }

    /// A process has ended: whoever asked it is told nothing.
    pub(crate) fn ended(&mut self, node: NodeId) {
        let asked = self.0.iter_mut().filter(|life| life.busy == Some(node));
        asked.for_each(|life| life.busy = None);
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.iter().all(|life| life.busy.is_none())
    }
}

/// Names of all collections that clients ask for, those too that are not there.
pub(crate) fn names() -> Vec<String> {
    LASTING.into_iter().chain(PASSING).map(str::to_owned).collect()
}
