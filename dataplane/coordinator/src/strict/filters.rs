//! Filters and formulas, as far as limits go: how many conditions, how large, and which fields have
//! to be indexed for what.

use uuid::Uuid;
use vane_filter::{
    Clause, Condition, FieldCondition, Filter, Match, Nested, Range, Scalar, Scalars,
};
use vane_types::{FieldSchema, JsonPath};

use crate::query::{Expression, Formula};
use crate::watched::Schema;

/// What a payload index is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Keyword,
    Integer,
    Float,
    Bool,
    Geo,
    Datetime,
    Uuid,
    Text,
    Phrase,
}

/// Any index tells whether there is something.
const ANY: [Use; 8] = [
    Use::Bool,
    Use::Datetime,
    Use::Float,
    Use::Geo,
    Use::Integer,
    Use::Keyword,
    Use::Text,
    Use::Uuid,
];

impl Use {
    /// Type of the indexes that serve it.
    fn name(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Geo => "geo",
            Self::Datetime => "datetime",
            Self::Uuid => "uuid",
            Self::Text | Self::Phrase => "text",
        }
    }

    fn is_served_by(self, schema: &FieldSchema) -> bool {
        match schema {
            FieldSchema::Text(params) => match self {
                Self::Phrase => params.phrase_matching,
                other => other == Self::Text,
            },
            other => other.name() == self.name(),
        }
    }
}

/// A field without an index of one of these types.
#[derive(Debug, PartialEq)]
pub(super) struct Missing {
    pub(super) key: JsonPath,
    pub(super) wanted: Vec<&'static str>,
}

/// The conditions of a filter, not those within them.
pub(super) fn conditions(filter: &Filter) -> impl Iterator<Item = &Condition> {
    // Taken apart whole: a clause that is added cannot be forgotten here.
    let Filter { should, min_should, must, must_not } = filter;
    let clauses = [must, must_not, should].into_iter().flatten();
    let min_should = min_should.iter().flat_map(|clause| &clause.conditions);
    clauses.flat_map(Clause::conditions).chain(min_should)
}

/// Conditions of a filter at all levels together; what holds others is none itself.
pub(super) fn count(filter: &Filter) -> u64 {
    let each = conditions(filter).map(|condition| match condition {
        Condition::Filter(filter) => count(filter),
        Condition::Nested { nested } => count(&nested.filter),
        // No client's.
        Condition::OfTenants { .. } => 0,
        _ => 1,
    });
    each.sum()
}

/// Values of the largest condition at any level.
pub(super) fn largest(filter: &Filter) -> u64 {
    let values = conditions(filter).map(|condition| match condition {
        Condition::Filter(filter) => largest(filter),
        Condition::Nested { nested } => largest(&nested.filter),
        Condition::HasId { has_id } => has_id.given().len() as u64,
        Condition::Field(field) => match &field.matching {
            Some(Match::Any(list) | Match::Except(list)) => len(list) as u64,
            _ => 0,
        },
        _ => 0,
    });
    values.max().unwrap_or(0)
}

fn len(list: &Scalars) -> usize {
    match list {
        Scalars::Strings(list) => list.given().len(),
        Scalars::Integers(list) => list.given().len(),
    }
}

/// The first field of a filter that no index serves.
pub(super) fn missing(schema: &Schema, filter: &Filter) -> Option<Missing> {
    missing_below(schema, None, filter)
}

fn missing_below(schema: &Schema, above: Option<&JsonPath>, filter: &Filter) -> Option<Missing> {
    conditions(filter).find_map(|condition| match condition {
        Condition::Filter(filter) => missing_below(schema, above, filter),
        Condition::Nested { nested: Nested { key, filter } } => {
            missing_below(schema, Some(&joined(above, key).each()), filter)
        }
        Condition::Field(field) => lacking(schema, joined(above, &field.key), &of_field(field)),
        Condition::IsEmpty { is_empty: field } | Condition::IsNull { is_null: field } => {
            lacking(schema, joined(above, &field.key), &ANY)
        }
        Condition::HasId { .. }
        | Condition::HasVector { .. }
        | Condition::Slice { .. }
        | Condition::OfTenants { .. } => None,
    })
}

/// A path that begins at what another one leads to.
fn joined(above: Option<&JsonPath>, key: &JsonPath) -> JsonPath {
    let Some(above) = above else { return key.clone() };
    // Both are paths, so that one behind the other is one.
    format!("{above}.{key}").parse().unwrap_or_else(|_| key.clone())
}

/// A field, where something is wanted and no index serves any of it.
fn lacking(schema: &Schema, key: JsonPath, wanted: &[Use]) -> Option<Missing> {
    let is_served = schema.get(&key).is_some_and(|index| {
        let mut wanted = wanted.iter();
        wanted.any(|wanted| wanted.is_served_by(index))
    });
    if wanted.is_empty() || is_served {
        return None;
    }
    let mut names: Vec<_> = wanted.iter().map(|wanted| wanted.name()).collect();
    names.sort_unstable();
    names.dedup();
    Some(Missing { key, wanted: names })
}

/// Indexes of which one is enough for a condition; none where it needs none.
fn of_field(condition: &FieldCondition) -> Vec<Use> {
    let FieldCondition {
        key: _,
        matching,
        range,
        geo_bounding_box,
        geo_radius,
        geo_polygon,
        values_count,
        is_empty,
        is_null,
    } = condition;
    let mut wanted = matching.as_ref().map(of_match).unwrap_or_default();
    match range {
        Some(Range::Number(_)) => wanted.extend([Use::Float, Use::Integer]),
        Some(Range::Datetime(_)) => wanted.push(Use::Datetime),
        None => {}
    }
    if geo_bounding_box.is_some() || geo_radius.is_some() || geo_polygon.is_some() {
        wanted.push(Use::Geo);
    }
    if values_count.is_some() || is_empty.is_some() || is_null.is_some() {
        wanted.extend(ANY);
    }
    wanted
}

fn of_match(matching: &Match) -> Vec<Use> {
    let text = |is_uuid: bool| match is_uuid {
        true => vec![Use::Uuid, Use::Keyword],
        false => vec![Use::Keyword],
    };
    match matching {
        Match::Value(Scalar::Bool(_)) => vec![Use::Bool],
        Match::Value(Scalar::Integer(_)) => vec![Use::Integer],
        Match::Value(Scalar::String(value)) => text(Uuid::parse_str(value).is_ok()),
        // A list without values matches nothing, or everything, by itself.
        Match::Any(list) | Match::Except(list) if len(list) == 0 => Vec::new(),
        Match::Any(Scalars::Integers(_)) | Match::Except(Scalars::Integers(_)) => {
            vec![Use::Integer]
        }
        Match::Any(Scalars::Strings(list)) | Match::Except(Scalars::Strings(list)) => {
            text(list.iter().all(|value| Uuid::parse_str(value).is_ok()))
        }
        Match::Text(_) | Match::TextAny(_) => vec![Use::Text],
        Match::Phrase(_) => vec![Use::Phrase],
        Match::Prefix(_) | Match::Substring(_) => vec![Use::Keyword],
    }
}

/// The first field of a formula that no index serves.
pub(super) fn missing_of_formula(schema: &Schema, formula: &Formula) -> Option<Missing> {
    let of_expression = missing_of(schema, &formula.expression);
    of_expression.or_else(|| formula.conditions.iter().find_map(|it| missing(schema, it)))
}

fn missing_of(schema: &Schema, expression: &Expression) -> Option<Missing> {
    let of = |expression: &Expression| missing_of(schema, expression);
    match expression {
        Expression::Constant(_) | Expression::Score(_) | Expression::Condition(_) => None,
        Expression::Value(key) => lacking(schema, key.clone(), &[Use::Float, Use::Integer]),
        Expression::Distance { to, .. } => lacking(schema, to.clone(), &[Use::Geo]),
        Expression::Datetime(key) => lacking(schema, key.clone(), &[Use::Datetime]),
        Expression::Sum(all)
        | Expression::Product(all)
        | Expression::Max(all)
        | Expression::Min(all) => all.iter().find_map(of),
        Expression::Quotient { left, right, .. } => of(left).or_else(|| of(right)),
        Expression::Power { base, exponent } => of(base).or_else(|| of(exponent)),
        Expression::Function(_, x) => of(x),
        Expression::Decay { x, target, .. } => of(x).or_else(|| target.as_deref().and_then(of)),
    }
}
