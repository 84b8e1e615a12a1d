//! Makes the Collections of a file, by the operator's own plan.

use kube::ResourceExt;
use vane_crds::Collection;
use vane_operator::collection::apply::in_database;
use vane_operator::collection::observed::{Cluster, Observed};
use vane_operator::collection::plan::{Step, Verdict, name, plan};
use vane_proto::admin;

use super::local::Local;
use crate::error::Error;

/// Passes until a collection is as the file has it: make it, then its indexes and aliases.
const PASSES_MAX: usize = 8;

/// Makes a collection, or completes it; repeated, it changes nothing.
pub(super) async fn make(local: &Local, collection: &Collection) -> Result<(), Error> {
    let mut node = local.admin(0)?;
    let title = format!("collection {}", name(collection));
    // The same in each run, and another one for another object.
    let key = format!("vane-up/{}/{}", local.folder.state.uid, collection.name_any());
    for _ in 0..PASSES_MAX {
        let listed = node.list_collections(admin::ListCollectionsRequest {}).await;
        let listed = listed.map_err(|e| local.failed(format!("the collections cannot be listed: {}", e.message())))?;
        let found = listed.into_inner().collections.into_iter().find(|it| it.name == name(collection));
        let observed = Observed {
            cluster: Cluster::There(local.folder.state.replicas.unwrap_or_default()),
            found,
            shards: Vec::new(),
            key: key.clone(),
            was_there: false,
            going: false,
        };
        let plan = plan(collection, &observed);
        if let Verdict::Refused(_, why) | Verdict::Waiting(_, why) = plan.verdict {
            return Err(local.failed(format!("{title}: {why}")));
        }
        let steps: Vec<Step> = plan.steps.into_iter().filter(|it| !matches!(it, Step::Finalizer(_))).collect();
        if steps.is_empty() {
            return Ok(());
        }
        for step in &steps {
            let done = in_database(&mut node, collection, &key, step).await;
            done.map_err(|e| local.failed(format!("{title}: {}", text(&e))))?;
        }
    }
    Err(local.failed(format!("{title} is still not as the file has it; run the same command again")))
}

fn text(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |it| format!("{error}: {}", text(it)))
}
