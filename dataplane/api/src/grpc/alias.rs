//! Other names of collections, and shard keys.

use serde_json::{Value, json};
use vane_wire::qdrant as wire;
use vane_wire::qdrant::alias_operations::Action;
use vane_wire::qdrant::{ChangeAliases, CreateShardKeyRequest, DeleteShardKeyRequest};

use super::select::key;
use super::{Fields, Form, Lists, needed, put, unread};
use crate::error::Error;
use crate::rest::alias::Changes;
use crate::rest::shard_key::{CreateShardKey, DeleteShardKey};

impl Form for ChangeAliases {
    type Body = Changes;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let action = |action| {
            Ok(match action {
                Action::CreateAlias(part) => json!({ "create_alias": {
                    "collection_name": part.collection_name, "alias_name": part.alias_name
                } }),
                Action::RenameAlias(part) => json!({ "rename_alias": {
                    "old_alias_name": part.old_alias_name, "new_alias_name": part.new_alias_name
                } }),
                Action::DeleteAlias(part) => {
                    json!({ "delete_alias": { "alias_name": part.alias_name } })
                }
            })
        };
        let actions = self.actions.into_iter().map(|part| action(needed(part.action, "action")?));
        Ok(json!({ "actions": actions.collect::<Result<Value, Error>>()? }))
    }
}

impl Form for CreateShardKeyRequest {
    type Body = CreateShardKey;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        Ok(new_key(needed(self.request, "request")?)?.into())
    }
}

impl Form for DeleteShardKeyRequest {
    type Body = DeleteShardKey;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        Ok(old_key(needed(self.request, "request")?)?.into())
    }
}

/// A shard key to make.
pub(super) fn new_key(asked: wire::CreateShardKey) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "shard_key", asked.shard_key.map(key).transpose()?);
    put(&mut fields, "shards_number", asked.shards_number);
    put(&mut fields, "replication_factor", asked.replication_factor);
    put(&mut fields, "placement", asked.placement.first().copied());
    put(&mut fields, "initial_state", unread(asked.initial_state));
    Ok(fields)
}

/// A shard key to delete.
pub(super) fn old_key(asked: wire::DeleteShardKey) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    put(&mut fields, "shard_key", asked.shard_key.map(key).transpose()?);
    Ok(fields)
}
