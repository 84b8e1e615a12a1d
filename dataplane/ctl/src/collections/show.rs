//! `vanectl collections show`: all that is known of one.

use std::collections::BTreeMap;

use serde::Serialize;
use vane_proto::admin::Collection;

use super::CollectionView;
use crate::error::Error;
use crate::output::{Console, View};
use crate::table::Table;

/// One collection: the object of the list and what the list leaves out, and a table of its own.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    view: CollectionView,
    /// Types by field.
    payload_indexes: BTreeMap<String, String>,
}

impl From<Collection> for Whole {
    fn from(mut collection: Collection) -> Self {
        let payload_indexes = std::mem::take(&mut collection.payload_indexes);
        Self { view: collection.into(), payload_indexes: payload_indexes.into_iter().collect() }
    }
}

impl View for Whole {
    fn table(&self) -> Table {
        let CollectionView { collection, config } = &self.view;
        let Collection { points, indexed_vectors, unreached_nodes, shard_keys, .. } = collection;
        let mut table = Table::fields([
            ("Name", collection.name.clone()),
            ("Aliases", or_none(collection.aliases.join(", "))),
            ("Points", points.to_string()),
            ("Indexed vectors", indexed_vectors.to_string()),
            ("Unreached", unreached(*unreached_nodes, *indexed_vectors)),
            ("Shards", collection.shards.to_string()),
            ("Shard keys", or_none(shard_keys.map(|keys| keys.to_string()).unwrap_or_default())),
            ("Replicas", format!("{} of each shard", collection.replication_factor)),
            ("Write consistency", collection.write_consistency_factor.to_string()),
            ("Key", or_none(collection.idempotency_key.clone())),
        ]);
        let indexes = self.payload_indexes.iter().map(|(field, kind)| format!("{field}: {kind}"));
        lines(&mut table, "Payload indexes", indexes.collect());
        let config = serde_json::to_string_pretty(config).unwrap_or_default();
        lines(&mut table, "Parameters", config.lines().map(str::to_owned).collect());
        table
    }
}

/// Shows one collection, by its name or an alias.
pub(super) async fn run(console: &mut Console, name: String) -> Result<(), Error> {
    let collection = console.client.collection(name).await?;
    console.output.show(&Whole::from(collection)).map(drop)
}

/// Vectors that no search along links comes to, as a number and a share.
fn unreached(nodes: u64, indexed: u64) -> String {
    let share = nodes as f64 / indexed.max(1) as f64 * 100.0;
    match nodes {
        0 => "none: every indexed vector can be reached by a search".into(),
        _ => format!("{nodes} ({share:.3} %): a search may miss them until the graph is rebuilt"),
    }
}

/// Adds lines under one name, which stands once.
fn lines(table: &mut Table, name: &str, lines: Vec<String>) {
    if lines.is_empty() {
        table.field(name, or_none(String::new()));
    }
    for (at, line) in lines.into_iter().enumerate() {
        table.field(if at == 0 { name } else { "" }, line);
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_a_search_may_miss() {
        let collection = Collection {
            name: "docs".into(),
            config: r#"{"size":4}"#.into(),
            points: 10,
            indexed_vectors: 2000,
            unreached_nodes: 3,
            shard_keys: Some(7),
            vectors_revision: Some(0),
            payload_indexes: [("b".to_owned(), "integer".to_owned()), ("a".into(), "geo".into())]
                .into(),
            ..Collection::default()
        };
        let table = Whole::from(collection).table().render(true, false);
        for line in [
            "Name                docs\n",
            "Aliases             none\n",
            "Shard keys          7\n",
            "Unreached           3 (0.150 %): a search may miss them until the graph is rebuilt\n",
            "Payload indexes     a: geo\n                    b: integer\n",
            "Parameters          {\n                      \"size\": 4\n                    }\n",
        ] {
            assert!(table.contains(line), "no {line} in\n{table}");
        }
    }

    #[test]
    fn a_collection_without_vectors_misses_none() {
        let table = Whole::from(Collection::default()).table().render(true, false);
        assert!(table.contains("Unreached           none"), "{table}");
    }
}
