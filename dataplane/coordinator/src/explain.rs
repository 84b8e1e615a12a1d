//! How the searches of a request go: each is made once more on a replica of every shard, and told
//! part by part.

use std::sync::Arc;

use parking_lot::Mutex;
use vane_shard::{PartExplained, Search};
use vane_transport::reads::Explain;
use vane_types::{Error, NodeId};

use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Takes down how the searches of one request go, over all its stages. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Explaining(Arc<Mutex<Vec<SearchExplained>>>);

/// How one search of a request goes.
#[derive(Debug, Clone)]
pub struct SearchExplained {
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
    /// Best points wanted.
    pub limit: usize,
    /// Whether it has a filter.
    pub filtered: bool,
    /// The shards, by ordinal.
    pub shards: Vec<ShardExplained>,
}

/// How a search goes on one shard.
#[derive(Debug, Clone)]
pub struct ShardExplained {
    /// Place of the shard in the collection.
    pub ordinal: usize,
    /// Whose replica was searched.
    pub node: NodeId,
    /// Its parts, in the order in which they are looked through.
    pub parts: Vec<PartExplained>,
}

impl Explaining {
    /// What was taken down, in the order in which the searches ended.
    pub fn take(&self) -> Vec<SearchExplained> {
        std::mem::take(&mut self.0.lock())
    }
}

impl<S: Shards> Collection<S> {
    /// Has a search told, where the request asks for that.
    pub(crate) async fn explain(
        &self,
        search: &Search,
        options: &RequestOptions,
    ) -> Result<(), Error> {
        let Some(explaining) = &options.explaining else { return Ok(()) };
        let answers = self.ask_meant(&Explain(search.clone()), options).await?;
        let shards = answers.into_iter().map(|shard| ShardExplained {
            ordinal: shard.ordinal,
            node: shard.node,
            parts: shard.answer,
        });
        let explained = SearchExplained {
            using: search.using.clone(),
            limit: search.limit,
            filtered: search.filter.is_some(),
            shards: shards.collect(),
        };
        explaining.0.lock().push(explained);
        Ok(())
    }
}
