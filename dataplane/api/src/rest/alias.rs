//! Other names of collections: bodies of requests that change them, and lists of them.

use serde::Deserialize;
use serde_json::{Value, json};
use vane_types::limits::OPERATIONS_PER_BATCH_MAX;

use crate::engine::AliasChange;
use crate::error::Error;

/// `POST /collections/aliases`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
enum Action {
    #[serde(rename = "create_alias")]
    Create(Create),
    #[serde(rename = "delete_alias")]
    Delete(Delete),
    #[serde(rename = "rename_alias")]
    Rename(Rename),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    collection_name: String,
    alias_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    alias_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    old_alias_name: String,
    new_alias_name: String,
}

impl Changes {
    /// The changes it asks for, in order.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where there are too many.
    pub fn into_changes(self) -> Result<Vec<AliasChange>, Error> {
        Error::check_most("actions", self.actions.len(), "actions", OPERATIONS_PER_BATCH_MAX)?;
        // In order: a later action may name what an earlier one made.
        Ok(self.actions.into_iter().map(Action::into_change).collect())
    }
}

impl Action {
    fn into_change(self) -> AliasChange {
        match self {
            Self::Create(Create { collection_name, alias_name }) => {
                AliasChange::Create { collection: collection_name, alias: alias_name }
            }
            Self::Delete(Delete { alias_name }) => AliasChange::Delete { alias: alias_name },
            Self::Rename(Rename { old_alias_name, new_alias_name }) => {
                AliasChange::Rename { old: old_alias_name, new: new_alias_name }
            }
        }
    }
}

/// A list of aliases, each with the collection that it names.
pub fn alias_list(aliases: impl IntoIterator<Item = (String, String)>) -> Value {
    let aliases: Vec<_> = aliases
        .into_iter()
        .map(|(alias, collection)| json!({ "alias_name": alias, "collection_name": collection }))
        .collect();
    json!({ "aliases": aliases })
}
