//! `vanectl collections`: what there is, and its making and end.

use serde::Serialize;
use vane_proto::admin::Collection;

use crate::args::{CollectionAction, Watch};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Output, View};
use crate::table::Table;
use crate::watch;

mod change;

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

#[derive(Debug, Serialize)]
struct Collections(Vec<CollectionView>);

impl View for Collections {
    fn table(&self) -> Table {
        let mut table = Table::new(
            &["NAME", "SHARDS", "REPLICAS", "POINTS", "INDEXED", "ALIASES"],
            &["WRITE-CONSISTENCY", "KEY", "CONFIG"],
        );
        for CollectionView { collection, config } in &self.0 {
            table.row([
                collection.name.clone(),
                collection.shards.to_string(),
                collection.replication_factor.to_string(),
                collection.points.to_string(),
                collection.indexed_vectors.to_string(),
                collection.aliases.join(","),
                collection.write_consistency_factor.to_string(),
                collection.idempotency_key.clone(),
                config.to_string(),
            ]);
        }
        table
    }

    fn nothing(&self) -> Option<&'static str> {
        self.0.is_empty().then_some("no collections")
    }
}

/// Lists the collections, or does what `action` says.
pub(crate) async fn run(
    client: &mut Client,
    output: &Output,
    flags: Watch,
    action: Option<CollectionAction>,
) -> Result<Exit, Error> {
    match action {
        None => {
            let fetch = async || {
                let collections = client.collections().await?;
                Ok(Collections(collections.into_iter().map(CollectionView::from).collect()))
            };
            watch::show(output, flags.watch, fetch).await?;
        }
        Some(CollectionAction::Create { name, body, key }) => {
            change::create(client, output, name, &body, key).await?
        }
        Some(CollectionAction::Update { name, body }) => {
            change::update(client, output, name, &body).await?
        }
        Some(CollectionAction::Delete { name, key, yes }) => {
            change::delete(client, output, name, key, yes).await?
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::{Collection, CollectionView, Collections};
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
        let table = Collections(vec![collection.into()]).table();
        assert_eq!(
            table.render(true, false),
            "NAME   SHARDS   REPLICAS   POINTS   INDEXED   ALIASES\n\
             docs   2        0          10       0         a,b\n"
        );
        assert!(table.render(true, true).contains("CONFIG"));
    }
}
