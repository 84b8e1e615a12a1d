//! Aliases: other names of collections.

use serde::Deserialize;
use serde_json::{Value, json};
use vane_cluster::AliasChange;
use vane_types::limits::OPERATIONS_PER_BATCH_MAX;

use super::answer::Answer;
use super::body::Json;
use super::call::{Call, In};
use super::error::ApiError;

/// `POST /collections/aliases`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
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

/// `POST /collections/aliases`: all of the changes or none.
pub(super) async fn change(call: Call, Json(body): Json<Changes>) -> Result<Answer, ApiError> {
    let changes = body.into_changes()?;
    let (cluster, timeout) = (call.cluster()?, call.timeout);
    call.to_the_end(async move { Ok(cluster.change_aliases(changes, timeout).await?) }).await?;
    Ok(call.answer(true))
}

/// `GET /aliases`.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    Ok(call.answer(described(&call, |_| true)?))
}

/// `GET /collections/{collection}/aliases`.
pub(super) async fn of_collection(call: Call, In(name): In<String>) -> Result<Answer, ApiError> {
    let collection = call.collection(&name)?;
    Ok(call.answer(described(&call, |it| it == collection.name())?))
}

fn described(call: &Call, of: impl Fn(&str) -> bool) -> Result<Value, ApiError> {
    let aliases = call.cluster()?.aliases();
    let aliases: Vec<_> = aliases
        .into_iter()
        .filter(|(_, collection)| of(collection))
        .map(|(alias, collection)| json!({ "alias_name": alias, "collection_name": collection }))
        .collect();
    Ok(json!({ "aliases": aliases }))
}

impl Changes {
    fn into_changes(self) -> Result<Vec<AliasChange>, ApiError> {
        if self.actions.len() > OPERATIONS_PER_BATCH_MAX {
            let text = format!(
                "{} actions, must be at most {OPERATIONS_PER_BATCH_MAX}",
                self.actions.len()
            );
            return Err(ApiError::invalid("actions", text));
        }
        let change = |action| match action {
            Action::Create(it) => {
                AliasChange::Create { collection: it.collection_name, alias: it.alias_name }
            }
            Action::Delete(it) => AliasChange::Delete { alias: it.alias_name },
            Action::Rename(it) => {
                AliasChange::Rename { old: it.old_alias_name, new: it.new_alias_name }
            }
        };
        Ok(self.actions.into_iter().map(change).collect())
    }
}
