//! Names that a cluster needs and others have.

use super::Refusal;
use crate::cluster::observed::Observed;
use crate::cluster::standing::Standing;

/// Why nothing is made or changed, where a name is somebody else's. Not a part of it is: half of a
/// database beside another's Service serves nobody.
pub(super) fn refusal(observed: &Observed) -> Option<Refusal> {
    let taken = observed.children.iter().filter_map(|child| match &child.standing {
        Standing::Foreign(whose) => Some(format!("{} ({whose})", child.object)),
        Standing::Free | Standing::Ours(_) | Standing::Going => None,
    });
    let taken: Vec<String> = taken.collect();
    (!taken.is_empty()).then(|| Refusal {
        reason: "NameTaken",
        message: format!(
            "what this cluster would make is there already and belongs to others: {}; nothing is \
             made or changed. Give the VectorCluster another name, or delete what is in the way",
            taken.join(", ")
        ),
    })
}

/// What goes with a cluster of this name that was deleted, and is waited for.
pub(super) fn going(observed: &Observed) -> Option<String> {
    let going = observed.children.iter().filter(|child| child.standing == Standing::Going);
    let going: Vec<&str> = going.map(|child| child.object.as_str()).collect();
    (!going.is_empty()).then(|| {
        format!("what belongs to a deleted cluster of this name goes first: {}", going.join(", "))
    })
}
