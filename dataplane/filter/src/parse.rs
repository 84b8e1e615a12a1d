//! Reads a filter from JSON, naming the place of what is wrong.
//!
//! Unknown members are refused: a misspelt `must_not` would otherwise delete everything.

mod field;
mod members;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use vane_types::limits::FILTER_DEPTH_MAX;
use vane_types::path::PathError;
use vane_types::{JsonPath, PointId, TenantId};

use crate::filter::{Clause, Condition, FieldRef, Filter, MinShould, Nested};
use crate::invalid::{At, Invalid};
use crate::slice::Slice;
use crate::validate::too_deep;
use crate::value_set::ValueSet;
use members::Members;

const CLAUSES: &str = "should, min_should, must, must_not";

impl Filter {
    /// Reads a client's filter and validates it.
    ///
    /// # Errors
    /// The first that is wrong, with its place.
    pub fn parse(json: Value) -> Result<Self, Invalid> {
        let filter = filter(json, &At::Root, 1)?;
        filter.validate()?;
        if filter.names_tenants() {
            return Err(At::Root.malformed("of_tenants is not a condition: name a shard_key"));
        }
        Ok(filter)
    }
}

impl<'de> Deserialize<'de> for Filter {
    /// Reads the form only; [`Filter::validate`] is still to be called.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        filter(Value::deserialize(deserializer)?, &At::Root, 1).map_err(serde::de::Error::custom)
    }
}

fn filter(json: Value, at: &At<'_>, depth: usize) -> Result<Filter, Invalid> {
    // Checked here as well so that the stack is bounded whatever the JSON is.
    if depth > FILTER_DEPTH_MAX {
        return Err(too_deep(at));
    }
    let mut members = Members::of(json, at, "a filter object")?;
    let mut read = |name| members.read(name, |json, at| clause(json, at, depth));
    let (should, must, must_not) = (read("should")?, read("must")?, read("must_not")?);
    let min_should = members.read("min_should", |json, at| min_should(json, at, depth))?;
    // None of so many conditions has to hold. Left out here, it is evaluated by no member, of
    // which older ones would look for what meets one.
    let min_should = min_should.filter(|min_should| min_should.min_count > 0);
    members.finish(CLAUSES)?;
    Ok(Filter { should, min_should, must, must_not })
}

fn clause(json: Value, at: &At<'_>, depth: usize) -> Result<Clause, Invalid> {
    match json {
        Value::Array(list) => conditions(list, at, depth).map(Clause::List),
        one => condition(one, at, depth).map(|condition| Clause::One(Box::new(condition))),
    }
}

fn conditions(list: Vec<Value>, at: &At<'_>, depth: usize) -> Result<Vec<Condition>, Invalid> {
    list.into_iter().enumerate().map(|(i, json)| condition(json, &at.index(i), depth)).collect()
}

fn min_should(json: Value, at: &At<'_>, depth: usize) -> Result<MinShould, Invalid> {
    let mut members = Members::of(json, at, "an object with conditions and min_count")?;
    let list = members.list("conditions")?;
    let conditions = conditions(list, &at.key("conditions"), depth)?;
    let count = members.need("min_count")?;
    let min_count = count.as_u64().and_then(|count| usize::try_from(count).ok());
    let min_count =
        min_count.ok_or_else(|| at.key("min_count").found(&count, "an unsigned integer"))?;
    members.finish("conditions, min_count")?;
    Ok(MinShould { conditions, min_count })
}

/// Tells the kinds of conditions apart by the member only they have.
fn condition(json: Value, at: &At<'_>, depth: usize) -> Result<Condition, Invalid> {
    let mut members = Members::of(json, at, "a condition object")?;
    if members.has("key") {
        return field::condition(members).map(|condition| Condition::Field(Box::new(condition)));
    }
    if members.has("is_empty") {
        let json = members.need("is_empty")?;
        members.finish("is_empty")?;
        return Ok(Condition::IsEmpty { is_empty: field_ref(json, &at.key("is_empty"))? });
    }
    if members.has("is_null") {
        let json = members.need("is_null")?;
        members.finish("is_null")?;
        return Ok(Condition::IsNull { is_null: field_ref(json, &at.key("is_null"))? });
    }
    if members.has("has_id") {
        let ids = members.list("has_id")?;
        members.finish("has_id")?;
        return Ok(Condition::HasId { has_id: point_ids(ids, &at.key("has_id"))? });
    }
    if members.has("of_tenants") {
        let tenants = members.need("of_tenants")?;
        members.finish("of_tenants")?;
        let tenants: Vec<TenantId> = serde_json::from_value(tenants)
            .map_err(|error| at.key("of_tenants").malformed(error.to_string()))?;
        return Ok(Condition::OfTenants { of_tenants: tenants.into() });
    }
    if members.has("has_vector") {
        let has_vector = members.string("has_vector")?;
        members.finish("has_vector")?;
        return Ok(Condition::HasVector { has_vector });
    }
    if members.has("nested") {
        let json = members.need("nested")?;
        members.finish("nested")?;
        return Ok(Condition::Nested { nested: nested(json, &at.key("nested"), depth)? });
    }
    if members.has("slice") {
        let json = members.need("slice")?;
        members.finish("slice")?;
        return Ok(Condition::Slice { slice: slice(json, &at.key("slice"))? });
    }
    // An empty object is a filter too, one that constrains nothing.
    let is_filter = members.is_empty() || CLAUSES.split(", ").any(|name| members.has(name));
    if is_filter {
        return filter(members.into_json(), at, depth + 1).map(Condition::Filter);
    }
    members.refuse(&format!("key, is_empty, is_null, has_id, has_vector, slice, nested, {CLAUSES}"))
}

fn field_ref(json: Value, at: &At<'_>) -> Result<FieldRef, Invalid> {
    let mut members = Members::of(json, at, "an object with key")?;
    let key = path(members.string("key")?, at)?;
    members.finish("key")?;
    Ok(FieldRef { key })
}

fn path(text: String, at: &At<'_>) -> Result<JsonPath, Invalid> {
    text.parse().map_err(|reason: PathError| at.key("key").malformed(reason.to_string()))
}

fn nested(json: Value, at: &At<'_>, depth: usize) -> Result<Nested, Invalid> {
    let mut members = Members::of(json, at, "an object with key and filter")?;
    let key = path(members.string("key")?, at)?;
    let filter = filter(members.need("filter")?, &at.key("filter"), depth + 1)?;
    members.finish("key, filter")?;
    Ok(Nested { key, filter: Box::new(filter) })
}

fn slice(json: Value, at: &At<'_>) -> Result<Slice, Invalid> {
    let mut members = Members::of(json, at, "an object with total and index")?;
    let mut number = |name: &str| {
        let json = members.need(name)?;
        let number = json.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| at.key(name).found(&json, "an unsigned integer of 32 bits"))
    };
    let slice = Slice { total: number("total")?, index: number("index")? };
    members.finish("total, index")?;
    match slice.total {
        0 => Err(at.key("total").malformed("expected a number of slices from 1 on, found 0")),
        _ => Ok(slice),
    }
}

fn point_ids(list: Vec<Value>, at: &At<'_>) -> Result<ValueSet<PointId>, Invalid> {
    let ids: Result<Vec<_>, _> = list
        .into_iter()
        .enumerate()
        .map(|(i, id)| PointId::deserialize(id).map_err(|e| at.index(i).malformed(e.to_string())))
        .collect();
    ids.map(ValueSet::from)
}

#[cfg(test)]
mod tests;
