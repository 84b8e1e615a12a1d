//! Makes the Collections of a file, by the operator's own plan.

use kube::ResourceExt;
use tonic::Code;
use vane_crds::Collection;
use vane_operator::collection::apply::in_database;
use vane_operator::collection::observed::{Cluster, Observed};
use vane_operator::collection::plan::{Step, Verdict, plan};
use vane_operator::collection::validate::validate;
use vane_proto::admin;

use crate::error::Error;
use crate::local_cluster::LocalCluster;

/// Passes until a collection is as the file has it: make it, then its indexes and aliases.
const PASSES_MAX: usize = 8;

/// Makes a collection, or completes it; repeated, it changes nothing. Its name in the database.
pub(crate) async fn make(local: &LocalCluster, collection: &Collection) -> Result<String, Error> {
    let mut node = local.admin(0)?;
    let mut collection = collection.clone();
    // The same in each run, and another one for another object.
    let key = format!("vane-up/{}/{}", local.folder.state.uid, collection.name_any());
    collection.metadata.uid = Some(key);
    collection.metadata.namespace = Some(local.cluster().namespace.clone());
    let collection = validate(&collection).map_err(|error| local.failed(error.to_string()))?;
    let name = &collection.name;
    let title = format!("collection {name}");
    let mut was_there = false;
    for _ in 0..PASSES_MAX {
        let found = match node
            .get_collection(admin::GetCollectionRequest { name: name.clone() })
            .await
        {
            // An alias of that name answers with the collection that it points to.
            Ok(found) => Some(found.into_inner()).filter(|found| found.name == *name),
            Err(status) if status.code() == Code::NotFound => None,
            Err(status) => {
                return Err(local.failed(format!("{title} cannot be read: {}", status.message())));
            }
        };
        let observed = Observed {
            cluster: Cluster::There(local.folder.state.replicas.unwrap_or_default()),
            found,
            was_there,
            ..Observed::default()
        };
        // Aliases are given once: one that points elsewhere is an application's.
        was_there = observed.found.is_some();
        let plan = plan(&collection, &observed);
        if let Verdict::Refused(_, why) | Verdict::Waiting(_, why) = plan.verdict {
            return Err(local.failed(format!("{title}: {why}")));
        }
        let steps: Vec<Step> =
            // A finalizer belongs to an object of an API server.
            plan.steps.into_iter().filter(|step| !matches!(step, Step::Finalizer(_))).collect();
        if steps.is_empty() {
            return Ok(collection.name);
        }
        for step in &steps {
            let done = in_database(&mut node, &collection, step).await;
            done.map_err(|e| local.failed(format!("{title}: {}", text(&e))))?;
        }
    }
    Err(local
        .failed(format!("{title} is still not as the file has it; run the same command again")))
}

fn text(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", text(cause)))
}
