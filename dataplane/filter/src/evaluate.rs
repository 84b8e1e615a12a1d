//! The plain evaluator: what a filter means, told from a point's payload alone.

use vane_types::{Payload, PointId};

use crate::filter::{Condition, Filter};
use crate::operator::{is_empty, is_null};

/// What a point offers to the evaluator.
pub trait Candidate {
    fn id(&self) -> PointId;
    fn payload(&self) -> &Payload;
    /// Whether the point has the vector of this name; `""` is the unnamed one.
    fn has_vector(&self, name: &str) -> bool;
}

/// Whether the point passes the filter.
pub fn matches(filter: &Filter, point: &dyn Candidate) -> bool {
    Subject { payload: point.payload(), point: Some(point) }.passes(filter)
}

/// What is being judged: a point, or one element object of a nested array.
struct Subject<'a> {
    payload: &'a Payload,
    /// `None` inside `nested`.
    point: Option<&'a dyn Candidate>,
}

impl Subject<'_> {
    fn passes(&self, filter: &Filter) -> bool {
        let Filter { should, min_should, must, must_not } = filter;
        // An empty list constrains nothing for a point, and matches no nested element.
        let when_empty = self.point.is_some();
        let should = should.as_ref().is_none_or(|it| match it.conditions() {
            [] => when_empty,
            conditions => conditions.iter().any(|it| self.meets(it)),
        });
        let min_should = || {
            min_should.as_ref().is_none_or(|it| match &it.conditions[..] {
                [] => when_empty,
                conditions => {
                    conditions.iter().filter(|it| self.meets(it)).take(it.min_count).count()
                        >= it.min_count
                }
            })
        };
        should
            && min_should()
            && must.iter().flat_map(|it| it.conditions()).all(|it| self.meets(it))
            && !must_not.iter().flat_map(|it| it.conditions()).any(|it| self.meets(it))
    }

    fn meets(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Field(it) => it.holds(&it.key.values(self.payload)),
            Condition::IsEmpty { is_empty: field } => {
                field.key.values(self.payload).into_iter().all(is_empty)
            }
            Condition::IsNull { is_null: field } => {
                field.key.values(self.payload).into_iter().any(is_null)
            }
            Condition::HasId { has_id } => self.point.is_some_and(|it| has_id.contains(&it.id())),
            Condition::HasVector { has_vector } => {
                self.point.is_some_and(|it| it.has_vector(has_vector))
            }
            Condition::Nested { nested } => nested
                .key
                .each()
                .values(self.payload)
                .into_iter()
                .filter_map(|it| it.as_object())
                .any(|element| Subject { payload: element, point: None }.passes(&nested.filter)),
            Condition::Filter(filter) => self.passes(filter),
        }
    }
}

#[cfg(test)]
mod tests;
