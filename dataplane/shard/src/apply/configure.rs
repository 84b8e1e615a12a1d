//! Puts new parameters of the collection in place of the old ones, and other vectors.

use std::collections::BTreeSet;

use vane_commands::{Configure, Unreadable};
use vane_types::VectorId;

use crate::apply::change::{Applying, Stop};
use crate::apply::effects::Effect;
use crate::stored::CONFIG;

impl Applying<'_, '_> {
    /// Of vectors that the collection has lost nothing is looked at: what is kept of them in the
    /// store goes by its names, their files and memory go with a job, and what records say of them
    /// is passed over from here on, since no id is given twice.
    pub(super) fn configure(&mut self, configure: &Configure) -> Result<(), Stop> {
        let wanted =
            configure.config().map_err(|e| Unreadable::new(format!("the configuration: {e}")))?;
        let config = self.state.config.reconfigured(wanted.clone());
        if config == wanted {
            // The logged text itself: replicas of two versions might write one configuration
            // differently.
            self.batch().put_attribute(CONFIG, configure.config.as_bytes());
        } else {
            let merged = serde_json::to_vec(&config).expect("a configuration is plain data");
            self.batch().put_attribute(CONFIG, &merged);
        }
        let kept: BTreeSet<VectorId> = config.identified().map(|(id, ..)| id).collect();
        for (id, vector) in self.state.vectors.iter().filter(|(id, _)| !kept.contains(id)) {
            let totals = &mut self.effects.totals;
            totals.digest = totals.digest.wrapping_sub(vector.digest);
            self.effects.batch.drop_vector(*id);
        }
        self.effects.memory.push(Effect::Config(Box::new(config)));
        Ok(())
    }
}
