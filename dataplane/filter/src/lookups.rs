//! What it takes to look a filter up, told before.

use vane_types::JsonPath;

use crate::filter::{Clause, Condition, FieldCondition, Filter, Match};
use crate::kinds::text_lookups;
use crate::payload_index::PayloadIndex;

/// A value that is looked for counts as so many that are read one after the other.
const FOUND: usize = 16;

/// Values of payload indexes that a look-up of a filter reads at most, those that it looks for
/// [`FOUND`] times; `None` where it asks for more than those: for points, for their ids, for what
/// no index has.
///
/// That the answer is exact is not said: [`resolve`](crate::resolve()) tells.
pub fn lookups<'a>(
    filter: &Filter,
    index: &dyn Fn(&JsonPath) -> Option<&'a PayloadIndex>,
) -> Option<usize> {
    let Filter { should, min_should, must, must_not } = filter;
    let clauses = [should, must, must_not].into_iter().flatten().flat_map(Clause::conditions);
    let at_least = min_should.iter().flat_map(|at_least| &at_least.conditions);
    clauses.chain(at_least).try_fold(0, |sum: usize, condition| {
        let more = match condition {
            Condition::Field(condition) => of_field(condition, index)?,
            Condition::Filter(filter) => lookups(filter, index)?,
            Condition::HasVector { .. } => 1,
            Condition::OfTenants { of_tenants } => of_tenants.given().len().saturating_mul(FOUND),
            Condition::IsEmpty { .. }
            | Condition::IsNull { .. }
            | Condition::HasId { .. }
            | Condition::Slice { .. }
            | Condition::Nested { .. } => return None,
        };
        Some(sum.saturating_add(more))
    })
}

fn of_field<'a>(
    condition: &FieldCondition,
    index: &dyn Fn(&JsonPath) -> Option<&'a PayloadIndex>,
) -> Option<usize> {
    // Where a point lies is checked on the point itself.
    if condition.is_about_a_place() || condition.is_about_absence() {
        return None;
    }
    let index = index(&condition.key)?;
    let matching = match &condition.matching {
        None => 0,
        Some(Match::Value(_)) => FOUND,
        Some(Match::Any(values)) => values.len().saturating_mul(FOUND),
        Some(Match::Text(text) | Match::TextAny(text)) => {
            text_lookups(text, index)?.saturating_mul(FOUND)
        }
        Some(Match::Prefix(_)) => index.range_lookups(),
        // Whether words stand side by side, and what is within a word, is checked on the point
        // itself.
        Some(Match::Except(_) | Match::Phrase(_) | Match::Substring(_)) => return None,
    };
    let range = condition.range.as_ref().map_or(0, |_| index.range_lookups());
    Some(matching.saturating_add(range))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use vane_types::FieldSchema;

    use super::*;

    #[test]
    fn what_indexes_tell_alone_is_counted() {
        let mut ages = PayloadIndex::new(FieldSchema::Integer);
        (0..7_u8).for_each(|age| ages.insert(&[age], u32::from(age)));
        let names = PayloadIndex::new(FieldSchema::Keyword);
        let index = |path: &JsonPath| match path.to_string().as_str() {
            "age" => Some(&ages),
            "name" => Some(&names),
            _ => None,
        };
        let lookups = |condition: Value| {
            let filter: Filter = serde_json::from_value(json!({"must": [condition]})).unwrap();
            lookups(&filter, &index)
        };
        for (condition, expected) in [
            (json!({"key": "name", "match": {"value": "a"}}), Some(FOUND)),
            (json!({"key": "name", "match": {"any": ["a", "b", "c"]}}), Some(3 * FOUND)),
            (json!({"key": "age", "range": {"gte": 3}}), Some(7)),
            (
                json!({"should": [{"key": "age", "match": {"value": 1}},
                {"key": "name", "match": {"value": "a"}}]}),
                Some(2 * FOUND),
            ),
            (json!({"must_not": {"key": "age", "match": {"value": 1}}}), Some(FOUND)),
            (
                json!({"min_should": {"min_count": 1, "conditions": [
                {"key": "age", "match": {"value": 1}}]}}),
                Some(FOUND),
            ),
            (json!({"has_vector": "v"}), Some(1)),
            (json!({"of_tenants": [1, 2]}), Some(2 * FOUND)),
            (json!({"key": "other", "match": {"value": 1}}), None),
            (json!({"key": "name", "match": {"except": ["a"]}}), None),
            (json!({"key": "age", "values_count": {"gt": 1}}), None),
            (
                json!({"key": "age", "geo_radius": {"center": {"lon": 0, "lat": 0}, "radius": 1}}),
                None,
            ),
            (json!({"is_empty": {"key": "age"}}), None),
            (json!({"has_id": [1]}), None),
            (json!({"nested": {"key": "a", "filter": {"must": []}}}), None),
        ] {
            assert_eq!(lookups(condition.clone()), expected, "{condition}");
        }
    }
}
