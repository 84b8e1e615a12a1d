//! Vectors of collections that come and go while everything else goes wrong.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use vane_types::{CollectionConfig, GroupId, NewVector, NodeId};

use crate::history::Wanted;
use crate::machine::{PASSING, drawn};
use crate::node::FOUNDER;
use crate::process::{CHANGE_MAX, Owner};
use crate::world::{World, place};

/// Of so many changes one is of parameters: it says which vectors there are, too.
const TUNES_EVERY: u64 = 4;
/// Of so many vectors one does not come back at once when it is removed.
const STAYS_AWAY_EVERY: u64 = 2;

impl World {
    /// Gives a collection a vector, or takes one away, by what one node knows of it.
    pub(crate) fn add_or_remove_vector(&mut self) {
        let env = &mut self.env;
        let up: Vec<NodeId> = env.up.iter().copied().collect();
        let Some(node) = env.random.pick(&up) else { return };
        let (drawn_collection, tunes, number) =
            (env.random.next(), env.random.below(TUNES_EVERY) == 0, env.random.next());
        let Some(name) = env.random.pick(&PASSING) else { return };
        let Some(process) = self.nodes[place(node)].process.as_mut() else { return };
        let found = process.catalog.read(|state| {
            let count = state.collections.len().max(1) as u64;
            let (collection, entry) =
                state.collections.iter().nth((drawn_collection % count) as usize)?;
            Some((collection.clone(), entry.key.clone(), entry.config.vector(name)))
        });
        let Some((collection, key, was)) = found else { return };
        let Some(life) = env.lives.0.iter().position(|life| life.key == key) else { return };
        let timeout = Duration::from_micros(CHANGE_MAX);
        if tunes {
            env.note("parameters changed", &[("node", node.0)]);
            process.change_config(Owner::Administrator, collection, Wanted::Tune, timeout);
            return process.run_tasks(env);
        }
        let known = env.names.0.entry((life, name)).or_default();
        // Two changes at once have no order that anybody could know.
        if known.busy.is_some() {
            return;
        }
        (known.busy, known.wanted) = (Some(node), was.is_none());
        let new = |spec| NewVector { spec, hints: Map::new() };
        let (what, wanted) = match was {
            Some(spec) => {
                // As it was: what is written for it still fits the one that comes in its place.
                let comes_back = !number.is_multiple_of(STAYS_AWAY_EVERY);
                known.then = comes_back.then(|| (collection.clone(), new(spec)));
                ("vector removed", Wanted::Remove(name))
            }
            None => ("vector added", Wanted::Add(name, new(drawn(number)))),
        };
        env.note(what, &[("node", node.0), ("number", number)]);
        process.change_config(Owner::Names(life, name), collection, wanted, timeout);
        process.run_tasks(env);
    }

    /// What is wrong with the vectors that collections have.
    pub(crate) fn wrong_names(&self) -> Option<String> {
        self.env.names.0.iter().find_map(|((life, name), known)| {
            let expected = known.is_there.filter(|_| !known.is_open)?;
            let key = &self.env.lives.0[*life].key;
            // Where the collection is gone there is nothing to be seen.
            let is_there = self.catalog(FOUNDER, |state| {
                let entry = state.collections.values().find(|entry| &entry.key == key)?;
                Some(entry.config.vector(name).is_some())
            });
            let is_there = is_there.flatten()?;
            (is_there != expected).then(|| {
                format!("vector {name:?} of collection {key}: there {is_there}, not {expected}")
            })
        })
    }

    /// Whether every shard has the vectors that the catalog says, and the catalog knows it.
    pub(crate) fn are_vectors_told(&self) -> bool {
        let told = self.catalog(FOUNDER, |state| {
            state.collections.values().all(|entry| {
                !entry.is_untold
                    && entry.shards.iter().all(|group| self.have_vectors(*group, &entry.config))
            })
        });
        told == Some(true)
    }

    fn have_vectors(&self, group: GroupId, config: &CollectionConfig) -> bool {
        let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        let mut replicas = processes.filter_map(|process| process.replicas.get(&group));
        replicas.all(|replica| {
            let shard = Arc::clone(&replica.machine).shard();
            shard.is_none_or(|shard| shard.config().ids == config.ids)
        })
    }
}
