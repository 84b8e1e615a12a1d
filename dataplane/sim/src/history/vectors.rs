//! Vectors that come and go, and what is known of each.

use std::collections::BTreeMap;

use vane_types::{Changed, Error, NewVector, NodeId};

/// A change of a collection's configuration.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// This vector, by its name.
    Add(&'static str, NewVector),
    /// None of this name.
    Remove(&'static str),
    /// Parameters that nothing is checked of.
    Tune,
}

/// What is known of a name in a life of a collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The node that is asked to change it.
    pub(crate) busy: Option<NodeId>,
    /// Whether it is to be there afterwards.
    pub(crate) wanted: bool,
    /// Whether it is there, once somebody was told so.
    pub(crate) is_there: Option<bool>,
    /// A change whose outcome nobody knows may come at any time.
    pub(crate) is_open: bool,
    /// Once it is gone the same node is asked for this one of the name, in the collection named
    /// here.
    pub(crate) then: Option<(String, NewVector)>,
}

/// Names, by the numbers of their collections' lives.
#[derive(Debug, Default)]
pub(crate) struct Names(pub(crate) BTreeMap<(usize, &'static str), Known>);

impl Names {
    /// Somebody is told what became of a change. Returns what the node is asked for next, with the
    /// collection's name.
    pub(crate) fn told(
        &mut self,
        of: (usize, &'static str),
        told: &Result<(), Error>,
    ) -> Option<(String, NewVector)> {
        let known = self.0.entry(of).or_default();
        let (node, then) = (known.busy.take(), known.then.take());
        match told.as_ref().map_err(|error| &error.changed) {
            // By all shards, or only by the catalog.
            Ok(()) | Err(Changed::Done) => known.is_there = Some(known.wanted),
            Err(Changed::Nothing | Changed::NotInQuestion) => return None,
            Err(Changed::Unknown) => {
                known.is_open = true;
                return None;
            }
        }
        if then.is_some() {
            (known.busy, known.wanted) = (node, true);
        }
        then
    }

    /// A process has ended: whoever asked it is told nothing.
    pub(crate) fn ended(&mut self, node: NodeId) {
        for known in self.0.values_mut().filter(|known| known.busy == Some(node)) {
            (known.busy, known.is_open, known.then) = (None, true, None);
        }
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.values().all(|known| known.busy.is_none())
    }
}
