//! Aliases of collections: several change together or not at all.

use std::collections::BTreeMap;

use vane_types::Refusal;

use super::collections::collection_not_found;
use super::{Changed, State, Touched};
use crate::command::AliasChange;

impl State {
    pub(super) fn change_aliases(&mut self, changes: &[AliasChange]) -> Changed {
        // Each change meets what those before it did, so they are made on a copy.
        let mut aliases = self.aliases.clone();
        let mut touched = Vec::new();
        for change in changes {
            touched.extend(self.change_alias(&mut aliases, change)?);
        }
        self.aliases = aliases;
        Ok(touched)
    }

    fn change_alias(
        &self,
        aliases: &mut BTreeMap<String, String>,
        change: &AliasChange,
    ) -> Changed {
        match change {
            AliasChange::Create { collection, alias } => {
                self.point_alias(aliases, alias, collection.clone())
            }
            AliasChange::Delete { alias } => {
                aliases.remove(alias);
                Ok(vec![Touched::Alias(alias.clone())])
            }
            AliasChange::Rename { old, new } => {
                let collection = aliases
                    .remove(old)
                    .ok_or_else(|| Refusal::NotFound(format!("Alias `{old}`")))?;
                let mut touched = vec![Touched::Alias(old.clone())];
                touched.extend(self.point_alias(aliases, new, collection)?);
                Ok(touched)
            }
        }
    }

    fn point_alias(
        &self,
        aliases: &mut BTreeMap<String, String>,
        alias: &str,
        collection: String,
    ) -> Changed {
        if !self.collections.contains_key(&collection) {
            return Err(collection_not_found(&collection));
        }
        // A name means one thing: a collection's own name is never an alias too.
        if self.collections.contains_key(alias) {
            return Err(Refusal::AlreadyExists(format!("Collection `{alias}`")));
        }
        aliases.insert(alias.to_owned(), collection);
        Ok(vec![Touched::Alias(alias.to_owned())])
    }

    /// Removes the aliases of a collection that is no more.
    pub(super) fn remove_aliases_of(&mut self, collection: &str) -> Vec<Touched> {
        let aliases = std::mem::take(&mut self.aliases).into_iter();
        let (gone, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            aliases.partition(|(_, target)| target == collection);
        self.aliases = kept;
        gone.into_keys().map(Touched::Alias).collect()
    }
}
