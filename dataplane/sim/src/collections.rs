//! Collections that come and go while everything else goes wrong. Each life has a key of its
//! own, so that it is known in the end which of them must be there and which must not.

use std::time::Duration;

use vane_coordinator::Layout;
use vane_types::NodeId;

use crate::founding::FACTORS;
use crate::history::PASSING;
use crate::node::FOUNDER;
use crate::process::{CHANGE_MAX, Owner};
use crate::world::{World, place};

impl World {
    /// Makes a collection, or deletes the one of its name.
    pub(crate) fn make_or_delete(&mut self) {
        let env = &mut self.env;
        let up: Vec<NodeId> = env.up.iter().copied().collect();
        let (Some(name), Some(node)) = (env.random.pick(&PASSING), env.random.pick(&up)) else {
            return;
        };
        // The latest life of the name is the one that may be there.
        let last = env.lives.0.iter().rposition(|life| life.name == name);
        let Some(process) = self.nodes[place(node)].process.as_mut() else { return };
        let timeout = Duration::from_micros(CHANGE_MAX);
        match last.map(|number| (number, env.lives.0[number].clone())) {
            // Two changes at once have no order that anybody could know.
            Some((_, life)) if life.busy.is_some() => {}
            // One whose making came to nobody knows what may be there; so may one whose
            // deletion did.
            Some((number, life)) if !life.is_deleted => {
                env.note("collection deleted", &[("life", number as u64)]);
                // From the asking on, whatever is answered: it may be gone at any time.
                env.lives.0[number].is_doomed = true;
                env.lives.0[number].busy = Some(node);
                process.delete_collection(Owner::Life(number), life.name, life.key, timeout);
            }
            _ => {
                let number = env.lives.begin(name, Some(node));
                let life = env.lives.0[number].clone();
                let layout = Layout {
                    shards: 1 + env.random.below(2) as u32,
                    replication_factor: env.random.pick(&FACTORS).unwrap_or(1) as u32,
                    write_consistency_factor: 1,
                };
                env.note("collection made", &[("life", number as u64)]);
                process.create_collection(
                    Owner::Life(number),
                    life.name,
                    life.key,
                    (layout, env.by_tenant),
                    timeout,
                );
            }
        }
        process.run_tasks(env);
    }

    /// What is wrong with the collections that there are.
    pub(crate) fn wrong_collections(&self) -> Option<String> {
        self.env.lives.0.iter().find_map(|life| {
            // By its key: another life of the same name is another collection.
            let is_there = self.catalog(FOUNDER, |state| {
                state.collections.get(&life.name).is_some_and(|entry| entry.key == life.key)
            })?;
            match is_there {
                false if life.is_made && !life.is_doomed => {
                    Some(format!("collection {} was made and is gone: {life:?}", life.name))
                }
                true if life.is_deleted => {
                    Some(format!("collection {} was deleted and is there: {life:?}", life.name))
                }
                _ => None,
            }
        })
    }
}
