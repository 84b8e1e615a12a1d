//! What commands of a log say of vectors that come and go: read from the logged bytes, so that the
//! checks know which vector each writer meant.

use std::collections::BTreeMap;

use vane_commands::{Change, Command, DeleteVectors, LoggedVector, Point, Upsert, read_id};
use vane_types::CollectionConfig;

use super::requests::number_of_id;

/// Names of vectors, each with what entries say beside it.
pub(crate) type Meant = BTreeMap<String, u32>;

/// What a command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mention {
    /// Those are the vectors of the collection, as of a revision of them.
    Set { revision: u64, names: Meant },
    /// Points get these of their vectors.
    Given(BTreeMap<u64, Meant>),
    /// Points lose these of their vectors.
    Taken(Meant),
}

/// What a shard's command says; `None` where that is nothing.
pub(super) fn of_command(command: &[u8]) -> Option<Mention> {
    match Command::decode_stored(command).ok()?.change {
        Change::Upsert(upsert) | Change::UpdateVectors(upsert) => given(upsert),
        Change::DeleteVectors(delete) => Some(Mention::Taken(taken(&delete))),
        Change::Configure(configure) => {
            let config = configure.config().ok()?;
            Some(Mention::Set { revision: config.ids.revision(), names: names(&config) })
        }
        _ => None,
    }
}

/// The vectors of a collection, as entries name them.
pub(crate) fn names(config: &CollectionConfig) -> Meant {
    let all = config.all_vectors();
    all.filter_map(|(name, _)| Some((name.clone(), config.logged_id_of(name)?))).collect()
}

fn given(upsert: Upsert) -> Option<Mention> {
    let point = |Point { id, vectors, .. }: Point| {
        let meant = |LoggedVector { name, id, .. }: LoggedVector| (name, id);
        Some((number_of_id(read_id(&id).ok()?)?, vectors.into_iter().map(meant).collect()))
    };
    Some(Mention::Given(upsert.points.into_iter().map(point).collect::<Option<_>>()?))
}

fn taken(delete: &DeleteVectors) -> Meant {
    delete.vectors().map(|(name, id)| (name.to_owned(), id)).collect()
}
