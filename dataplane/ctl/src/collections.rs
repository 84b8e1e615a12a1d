//! `vanectl collections`: what there is, and its making and end.

use serde::Serialize;
use vane_proto::admin::Collection;

use crate::args::{CollectionAction, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, Row};
use crate::watch;

mod change;
mod show;

/// A collection, as JSON shows it.
#[derive(Debug, Serialize)]
struct CollectionView {
    #[serde(flatten)]
    collection: Collection,
    /// Parameters as the REST API shows them; a string should they be no JSON.
    config: serde_json::Value,
}

impl From<Collection> for CollectionView {
    fn from(collection: Collection) -> Self {
        let config = serde_json::from_str(&collection.config)
            .unwrap_or_else(|_| collection.config.as_str().into());
        Self { collection, config }
    }
}

impl Row for CollectionView {
    const NOTHING: &'static str = "no collections";
    const COLUMNS: &'static [&'static str] =
        &["NAME", "SHARDS", "REPLICAS", "POINTS", "INDEXED", "ALIASES"];
    const WIDE: &'static [&'static str] = &["UNREACHED", "WRITE-CONSISTENCY", "KEY", "CONFIG"];

    fn cells(&self) -> Vec<String> {
        let Self { collection, config } = self;
        vec![
            collection.name.clone(),
            collection.shards.to_string(),
            collection.replication_factor.to_string(),
            collection.points.to_string(),
            collection.indexed_vectors.to_string(),
            collection.aliases.join(","),
            collection.unreached_nodes.to_string(),
            collection.write_consistency_factor.to_string(),
            collection.idempotency_key.clone(),
            config.to_string(),
        ]
    }
}

/// Lists the collections, or does what `action` says.
pub(crate) async fn run(
    console: &mut Console,
    flags: Watch,
    action: Option<CollectionAction>,
) -> Result<Exit, Error> {
    match action {
        None => drop(watch::show(console, flags, fetch).await?),
        Some(CollectionAction::Show { name }) => show::run(console, name).await?,
        Some(CollectionAction::Create { name, body, key }) => {
            change::create(console, name, &body, key).await?
        }
        Some(CollectionAction::Update { name, body }) => {
            change::update(console, name, &body).await?
        }
        Some(CollectionAction::Delete { name, key, yes }) => {
            change::delete(console, name, key, yes).await?
        }
    }
    Ok(Exit::Done)
}

async fn fetch(client: &mut Client) -> Result<Vec<CollectionView>, Error> {
    Ok(client.collections().await?.into_iter().map(CollectionView::from).collect())
}

#[cfg(test)]
mod tests {
    use super::{Collection, CollectionView};
    use crate::output::View;

    #[test]
    fn parameters_are_json_inside_json() {
        let collection = Collection {
            name: "docs".into(),
            config: "{\"size\": 4}".into(),
            ..Collection::default()
        };
        let view = CollectionView::from(collection);
        assert_eq!(view.config["size"], 4);
        let odd =
            CollectionView::from(Collection { config: "size 4".into(), ..Collection::default() });
        assert_eq!(odd.config, "size 4");
    }

    #[test]
    fn narrow_tables_leave_the_parameters_out() {
        let aliases = vec!["a".to_owned(), "b".to_owned()];
        let collection = Collection {
            name: "docs".into(),
            shards: 2,
            points: 10,
            aliases,
            ..Collection::default()
        };
        let table = vec![CollectionView::from(collection)].table();
        assert_eq!(
            table.render(true, false),
            "NAME   SHARDS   REPLICAS   POINTS   INDEXED   ALIASES\n\
             docs   2        0          10       0         a,b\n"
        );
        assert!(table.render(true, true).contains("CONFIG"));
    }
}
