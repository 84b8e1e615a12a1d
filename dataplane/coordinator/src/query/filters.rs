//! Filters put together from others.

use vane_filter::{Clause, Condition, Filter};
use vane_types::{Error, PointId};

/// Passes what both pass.
///
/// # Errors
/// `BadInput` where the two together are more than one filter may be.
pub(super) fn both(above: &Filter, own: Option<&Filter>) -> Result<Filter, Error> {
    let own = own.into_iter().cloned();
    all([above.clone()].into_iter().chain(own).map(Condition::Filter).collect())
}

/// Passes those of the points that also pass `filter`.
///
/// # Errors
/// `BadInput` where the filter is as deep as one may be.
pub(super) fn only(
    ids: impl IntoIterator<Item = PointId>,
    filter: Option<&Filter>,
) -> Result<Filter, Error> {
    let of_these = Condition::HasId { has_id: ids.into_iter().collect::<Vec<_>>().into() };
    let filter = filter.cloned().map(Condition::Filter);
    all([of_these].into_iter().chain(filter).collect())
}

/// Passes what `filter` passes but for these points; `None` where that is everything.
///
/// # Errors
/// `BadInput` where the filter is as deep as one may be.
pub(super) fn without(ids: &[PointId], filter: Option<Filter>) -> Result<Option<Filter>, Error> {
    if ids.is_empty() {
        return Ok(filter);
    }
    let these = Condition::HasId { has_id: ids.to_vec().into() };
    let others = Filter { must_not: Some(Clause::List(vec![these])), ..Filter::default() };
    both(&others, filter.as_ref()).map(Some)
}

/// Passes what has a vector and passes `filter`.
///
/// # Errors
/// `BadInput` where the filter is as deep as one may be.
pub(super) fn with_vector(name: &str, filter: Option<Filter>) -> Result<Filter, Error> {
    let has_vector = Condition::HasVector { has_vector: name.to_owned() };
    all([has_vector].into_iter().chain(filter.map(Condition::Filter)).collect())
}

fn all(conditions: Vec<Condition>) -> Result<Filter, Error> {
    let filter = Filter { must: Some(Clause::List(conditions)), ..Filter::default() };
    // One that is too deep is not read by another node, which would look like a lost replica.
    filter.validate().map_err(|invalid| Error::bad_input(invalid.message))?;
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn put_together_they_are_what_a_client_would_write() {
        let color = json!({"must": [{"key": "color", "match": {"value": "red"}}]});
        let color = Filter::parse(color).unwrap();
        let some = only([PointId::num(3), PointId::num(5)], Some(&color)).unwrap();
        let written = json!({"must": [{"has_id": [3, 5]}, color]});
        assert_eq!(some, Filter::parse(written).unwrap());
        let rest = without(&[PointId::num(3)], Some(color.clone())).unwrap().unwrap();
        let written = json!({"must": [{"must_not": [{"has_id": [3]}]}, color]});
        assert_eq!(rest, Filter::parse(written).unwrap());
        assert_eq!(without(&[], Some(color.clone())).unwrap(), Some(color.clone()));
        let written = json!({"must": [color, color]});
        assert_eq!(both(&color, Some(&color)).unwrap(), Filter::parse(written).unwrap());
    }
}
