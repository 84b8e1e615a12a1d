//! Where nodes stand: the database spreads copies over the zones that it is told.

use vane_proto::admin::Node;

use super::Step;
use crate::cluster::observed::Observed;

/// A step for each node whose zone the database does not know as its machine has it. Of the
/// nodes that had one name only the newest runs there.
pub(super) fn steps(observed: &Observed) -> Vec<Step> {
    let newest = observed.database.iter().flat_map(|database| database.newest().into_values());
    newest.filter_map(|node| step(node, observed)).collect()
}

fn step(node: &Node, observed: &Observed) -> Option<Step> {
    // Where a node stood whose pod is gone is the last that is known, and stays.
    let pod = observed.pods.values().find(|pod| pod.name == node.name)?;
    // A machine that names no zone takes none away.
    let zone = pod.zone.as_ref().filter(|zone| **zone != node.zone)?;
    Some(Step::SetZone { node: node.id, pod: pod.name.clone(), zone: zone.clone() })
}
