//! Aliases of collections.

use vane_types::Refusal;

use super::collections::collection_not_found;
use super::{Changed, State, Touched};
use crate::command::AliasChange;

impl State {
    pub(super) fn change_aliases(&mut self, changes: &[AliasChange]) -> Changed {
        let before = self.aliases.clone();
        let mut touched = Vec::new();
        for change in changes {
            if let Err(refusal) = self.change_alias(change, &mut touched) {
                self.aliases = before;
                return Err(refusal);
            }
        }
        Ok(touched)
    }

    fn change_alias(
        &mut self,
        change: &AliasChange,
        touched: &mut Vec<Touched>,
    ) -> Result<(), Refusal> {
        let (old, new) = match change {
            AliasChange::Create { collection, alias } => (None, Some((alias, collection.clone()))),
            AliasChange::Delete { alias } => (Some(alias), None),
            AliasChange::Rename { old, new } => {
                let target = self
                    .aliases
                    .get(old)
                    .ok_or_else(|| Refusal::NotFound(format!("Alias `{old}`")))?;
                (Some(old), Some((new, target.clone())))
            }
        };
        if let Some(old) = old {
            self.aliases.remove(old);
            touched.push(Touched::Alias(old.clone()));
        }
        let Some((alias, target)) = new else { return Ok(()) };
        if !self.collections.contains_key(&target) {
            return Err(collection_not_found(&target));
        }
        if self.collections.contains_key(alias) {
            return Err(Refusal::AlreadyExists(format!("Collection `{alias}`")));
        }
        self.aliases.insert(alias.clone(), target);
        touched.push(Touched::Alias(alias.clone()));
        Ok(())
    }
}
