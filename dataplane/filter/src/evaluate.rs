//! The plain evaluator: what a filter means, told from a point's payload alone.

use vane_types::schema::text::TextParams;
use vane_types::{FieldSchema, JsonPath, Payload, PointId};

use crate::filter::{Clause, Condition, Filter, MinShould};
use crate::operator::{is_empty, is_null};
use crate::resolve::join;

/// What a point offers to the evaluator.
pub trait Candidate {
    fn id(&self) -> PointId;
    fn payload(&self) -> &Payload;
    /// Whether the point has the vector of this name; `""` is the unnamed one.
    fn has_vector(&self, name: &str) -> bool;
    /// What the payload index on exactly this path is declared as, also while it is being
    /// filled: the parameters of a text index say what conditions on the field mean.
    fn schema(&self, field: &JsonPath) -> Option<&FieldSchema>;
}

/// Whether the point passes the filter.
pub fn matches(filter: &Filter, point: &dyn Candidate) -> bool {
    Subject { payload: point.payload(), point, place: Place::Point }.passes(filter)
}

/// What is being judged: a point, or one element object of a nested array.
struct Subject<'a> {
    payload: &'a Payload,
    point: &'a dyn Candidate,
    place: Place<'a>,
}

/// Where the paths of a filter begin.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// At the payload of a point.
    Point,
    /// At an element of an array.
    Element { of: &'a Place<'a>, array: &'a JsonPath },
}

impl Place<'_> {
    /// The elements' path from the payload on; `None` where it is longer than a path may be, or
    /// the point itself is meant.
    fn prefix(&self) -> Option<JsonPath> {
        match self {
            Place::Point => None,
            Place::Element { of: Place::Point, array } => Some(array.each()),
            Place::Element { of, array } => Some(join(&of.prefix()?, array)?.each()),
        }
    }
}

impl Subject<'_> {
    fn passes(&self, filter: &Filter) -> bool {
        let Filter { should, min_should, must, must_not } = filter;
        should.as_ref().is_none_or(|should| self.meets_any(should.conditions()))
            && min_should.as_ref().is_none_or(|min_should| self.meets_enough(min_should))
            && must.iter().flat_map(Clause::conditions).all(|condition| self.meets(condition))
            && !must_not.iter().flat_map(Clause::conditions).any(|condition| self.meets(condition))
    }

    fn meets_any(&self, conditions: &[Condition]) -> bool {
        match conditions {
            [] => self.passes_empty_lists(),
            conditions => conditions.iter().any(|condition| self.meets(condition)),
        }
    }

    fn meets_enough(&self, MinShould { conditions, min_count }: &MinShould) -> bool {
        if conditions.is_empty() {
            return self.passes_empty_lists();
        }
        // Those behind the last that is needed are not looked at.
        let met = conditions.iter().filter(|condition| self.meets(condition));
        met.take(*min_count).count() >= *min_count
    }

    /// An empty list constrains nothing for a point, and matches no nested element.
    fn passes_empty_lists(&self) -> bool {
        self.point().is_some()
    }

    /// The point itself: an element of an array has no id and no vectors.
    fn point(&self) -> Option<&dyn Candidate> {
        matches!(self.place, Place::Point).then_some(self.point)
    }

    /// The parameters of the text index on a field.
    fn text_params(&self, field: &JsonPath) -> Option<&TextParams> {
        let schema = match self.place {
            Place::Point => self.point.schema(field),
            place @ Place::Element { .. } => self.point.schema(&join(&place.prefix()?, field)?),
        };
        match schema? {
            FieldSchema::Text(params) => Some(params),
            FieldSchema::Keyword
            | FieldSchema::Integer
            | FieldSchema::Float
            | FieldSchema::Bool
            | FieldSchema::Geo
            | FieldSchema::Datetime
            | FieldSchema::Uuid => None,
        }
    }

    fn meets(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Field(condition) => {
                let values = condition.key.values(self.payload);
                condition.holds(&values, || self.text_params(&condition.key))
            }
            Condition::IsEmpty { is_empty: field } => {
                // A path that leads nowhere is empty too.
                field.key.values(self.payload).into_iter().all(is_empty)
            }
            Condition::IsNull { is_null: field } => {
                field.key.values(self.payload).into_iter().any(is_null)
            }
            Condition::HasId { has_id } => {
                self.point().is_some_and(|point| {
                    let id = point.id();
                    // As the point is called in all, and as its client calls it.
                    has_id.contains(&id)
                        || (id.tenant.is_some() && has_id.contains(&PointId::from(id.own)))
                })
            }
            Condition::OfTenants { of_tenants } => {
                let tenant = self.point().and_then(|point| point.id().tenant);
                tenant.is_some_and(|tenant| of_tenants.contains(&tenant))
            }
            Condition::HasVector { has_vector } => {
                self.point().is_some_and(|point| point.has_vector(has_vector))
            }
            Condition::Slice { slice } => {
                self.point().is_some_and(|point| slice.contains(point.id()))
            }
            Condition::Nested { nested } => nested
                .key
                .each()
                .values(self.payload)
                .into_iter()
                // Paths of the nested filter begin at members: other elements have none.
                .filter_map(|element| element.as_object())
                .any(|payload| {
                    let place = Place::Element { of: &self.place, array: &nested.key };
                    Subject { payload, point: self.point, place }.passes(&nested.filter)
                }),
            Condition::Filter(filter) => self.passes(filter),
        }
    }
}

#[cfg(test)]
mod tests;
