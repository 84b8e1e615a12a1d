//! Points that groups are named after, from another collection.

use std::collections::HashMap;

use uuid::Uuid;
use vane_shard::{Record, Want};
use vane_types::{Error, OwnId, PointId};

use super::groups::{Group, GroupValue};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Where the points are that groups are named after, and what to return of each.
#[derive(Debug, Clone)]
pub struct GroupLookup {
    /// The collection, by name or alias.
    pub collection: String,
    /// Which parts of its points.
    pub want: Want,
}

/// Gives each group the point whose id its value is. Values that are no ids have none.
pub(super) async fn look_up<S: Shards>(
    groups: &mut [Group],
    collection: &Collection<S>,
    want: Want,
    options: RequestOptions,
) -> Result<(), Error> {
    let ids: Vec<PointId> = groups.iter().filter_map(|group| id(&group.value)).collect();
    let records = collection.retrieve(ids, want, options).await?;
    // By what clients call them: of several tenants' the first.
    let mut found: HashMap<OwnId, Record> = HashMap::new();
    for record in records {
        found.entry(record.id.own).or_insert(record);
    }
    for group in groups {
        group.lookup = id(&group.value).and_then(|id| found.remove(&id.own));
    }
    Ok(())
}

/// The id that a value is.
fn id(value: &GroupValue) -> Option<PointId> {
    match value {
        GroupValue::Integer(number) => u64::try_from(*number).ok().map(PointId::num),
        GroupValue::Text(text) => Uuid::parse_str(text).ok().map(PointId::uuid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_ids_name_points() {
        let uuid = "936da01f-9abd-4d9d-80c7-02af85c822a8";
        let text = |text: &str| id(&GroupValue::Text(text.into()));
        assert_eq!(id(&GroupValue::Integer(7)), Some(PointId::num(7)));
        assert_eq!(text(uuid), Some(PointId::uuid(uuid.parse().unwrap())));
        assert_eq!((id(&GroupValue::Integer(-1)), text("7"), text("x")), (None, None, None));
    }
}
