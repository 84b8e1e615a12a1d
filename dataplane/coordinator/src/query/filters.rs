//! Filters put together from others.

use vane_filter::{Clause, Condition, Filter};
use vane_types::PointId;

/// Passes what both pass.
pub(super) fn both(above: &Filter, own: Option<&Filter>) -> Filter {
    let own = own.into_iter().cloned();
    all([above.clone()].into_iter().chain(own).map(Condition::Filter).collect())
}

/// Passes those of the points that also pass `filter`.
pub(super) fn only(ids: impl IntoIterator<Item = PointId>, filter: Option<&Filter>) -> Filter {
    let of_these = Condition::HasId { has_id: ids.into_iter().collect::<Vec<_>>().into() };
    let filter = filter.cloned().map(Condition::Filter);
    all([of_these].into_iter().chain(filter).collect())
}

fn all(conditions: Vec<Condition>) -> Filter {
    Filter { must: Some(Clause::List(conditions)), ..Filter::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn put_together_they_are_what_a_client_would_write() {
        let color = json!({"must": [{"key": "color", "match": {"value": "red"}}]});
        let color = Filter::parse(color).unwrap();
        let some = only([PointId::Num(3), PointId::Num(5)], Some(&color));
        let written = json!({"must": [{"has_id": [3, 5]}, color]});
        assert_eq!(some, Filter::parse(written).unwrap());
        let written = json!({"must": [color, color]});
        assert_eq!(both(&color, Some(&color)), Filter::parse(written).unwrap());
    }
}
