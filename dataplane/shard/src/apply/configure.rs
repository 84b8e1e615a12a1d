//! Puts new parameters of the collection in place of the old ones.

use vane_commands::{Configure, Unreadable};

use crate::apply::change::{Applying, Stop};
use crate::apply::effects::Effect;
use crate::stored::CONFIG;

impl Applying<'_, '_> {
    pub(super) fn configure(&mut self, configure: &Configure) -> Result<(), Stop> {
        let config =
            configure.config().map_err(|e| Unreadable::new(format!("the configuration: {e}")))?;
        // The logged text itself: replicas of two versions might write one configuration
        // differently.
        self.batch().put_attribute(CONFIG, configure.config.as_bytes());
        self.effects.memory.push(Effect::Config(Box::new(config)));
        Ok(())
    }
}
