//! Filters, level by level. What is read was validated by the node that sent it; depth is
//! looked at again, because it bounds the stack here.

use vane_filter::{Clause, Condition, FieldCondition, FieldRef, Filter, MinShould, Nested, Slice};
use vane_proto::peer;
use vane_proto::peer::condition::What;
use vane_types::FeatureLevel;
use vane_types::limits::FILTER_DEPTH_MAX;

use super::{Unreadable, Wire, message, need};

message!(Slice { total, index });

impl Wire for Filter {
    type Message = peer::Filter;

    fn into_message(self) -> peer::Filter {
        let Self { should, min_should, must, must_not } = self;
        peer::Filter {
            should: should.map(clause_to_wire),
            min_should: min_should.map(|MinShould { conditions, min_count }| peer::MinShould {
                conditions: conditions_to_wire(conditions),
                min_count: min_count as u64,
            }),
            must: must.map(clause_to_wire),
            must_not: must_not.map(clause_to_wire),
        }
    }

    fn from_message(filter: peer::Filter) -> Result<Self, Unreadable> {
        level_from_wire(filter, 1)
    }
}

fn level_from_wire(filter: peer::Filter, depth: usize) -> Result<Filter, Unreadable> {
    // On the way down: a message may be nested deeper than a stack.
    if depth > FILTER_DEPTH_MAX {
        return Err(Unreadable::TooDeep);
    }
    let peer::Filter { should, min_should, must, must_not } = filter;
    let min_should = match min_should {
        Some(peer::MinShould { conditions, min_count }) => Some(MinShould {
            conditions: conditions_from_wire(conditions, depth)?,
            min_count: Wire::from_message(min_count)?,
        }),
        None => None,
    };
    Ok(Filter {
        should: clause_from_wire(should, depth)?,
        min_should,
        must: clause_from_wire(must, depth)?,
        must_not: clause_from_wire(must_not, depth)?,
    })
}

fn clause_to_wire(clause: Clause) -> peer::Clause {
    match clause {
        Clause::One(condition) => {
            peer::Clause { conditions: vec![condition_to_wire(*condition)], alone: true }
        }
        Clause::List(conditions) => {
            peer::Clause { conditions: conditions_to_wire(conditions), alone: false }
        }
    }
}

fn clause_from_wire(
    clause: Option<peer::Clause>,
    depth: usize,
) -> Result<Option<Clause>, Unreadable> {
    let Some(peer::Clause { conditions, alone }) = clause else { return Ok(None) };
    let mut conditions = conditions_from_wire(conditions, depth)?;
    if !alone {
        return Ok(Some(Clause::List(conditions)));
    }
    let condition = need(conditions.pop(), "the condition of a clause")?;
    // More than one cannot stand alone, and to leave one out would widen the filter.
    match conditions.is_empty() {
        true => Ok(Some(Clause::One(Box::new(condition)))),
        false => Err(Unreadable::Missing("the list of a clause")),
    }
}

fn conditions_to_wire(conditions: Vec<Condition>) -> Vec<peer::Condition> {
    conditions.into_iter().map(condition_to_wire).collect()
}

fn conditions_from_wire(
    conditions: Vec<peer::Condition>,
    depth: usize,
) -> Result<Vec<Condition>, Unreadable> {
    conditions.into_iter().map(|condition| condition_from_wire(condition, depth)).collect()
}

fn condition_to_wire(condition: Condition) -> peer::Condition {
    let mut nested_key = String::new();
    let what = match condition {
        Condition::Field(field) => field_to_wire(*field),
        Condition::Slice { slice } => What::Slice(slice.into_message()),
        Condition::IsEmpty { is_empty } => What::IsEmpty(is_empty.key.to_string()),
        Condition::IsNull { is_null } => What::IsNull(is_null.key.to_string()),
        Condition::HasId { has_id } => What::HasId(has_id.into_message()),
        Condition::OfTenants { of_tenants } => What::OfTenants(of_tenants.into_message()),
        Condition::HasVector { has_vector } => What::HasVector(has_vector),
        Condition::Nested { nested: Nested { key, filter } } => {
            nested_key = key.to_string();
            What::Nested(filter.into_message())
        }
        Condition::Filter(filter) => What::Filter(filter.into_message()),
    };
    peer::Condition { nested_key, what: Some(what) }
}

/// A condition in a place that only those read who know its operators.
fn field_to_wire(field: FieldCondition) -> What {
    match field.level() {
        level if level >= FeatureLevel::CHANGING => What::FieldOfChanging(field.into_message()),
        level if level >= FeatureLevel::KINDS => What::FieldOfKinds(field.into_message()),
        _ => What::Field(field.into_message()),
    }
}

fn condition_from_wire(condition: peer::Condition, depth: usize) -> Result<Condition, Unreadable> {
    let peer::Condition { nested_key, what } = condition;
    Ok(match need(what, "what a condition asks")? {
        What::Field(field) | What::FieldOfKinds(field) | What::FieldOfChanging(field) => {
            Condition::Field(Box::new(Wire::from_message(field)?))
        }
        What::Slice(slice) => Condition::Slice { slice: Wire::from_message(slice)? },
        What::IsEmpty(key) => {
            Condition::IsEmpty { is_empty: FieldRef { key: Wire::from_message(key)? } }
        }
        What::IsNull(key) => {
            Condition::IsNull { is_null: FieldRef { key: Wire::from_message(key)? } }
        }
        What::HasId(ids) => Condition::HasId { has_id: Wire::from_message(ids)? },
        What::OfTenants(tenants) => {
            Condition::OfTenants { of_tenants: Wire::from_message(tenants)? }
        }
        What::HasVector(has_vector) => Condition::HasVector { has_vector },
        What::Nested(filter) => {
            // Each level counts, whichever condition it stands in.
            let filter = Box::new(level_from_wire(filter, depth + 1)?);
            Condition::Nested { nested: Nested { key: Wire::from_message(nested_key)?, filter } }
        }
        What::Filter(filter) => Condition::Filter(level_from_wire(filter, depth + 1)?),
    })
}
