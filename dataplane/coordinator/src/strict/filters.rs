//! Filters and formulas, as far as limits go: how many conditions, how large, and which fields have
//! to be indexed for what.

use uuid::Uuid;
use vane_filter::{
    Clause, Condition, FieldCondition, Filter, Match, Nested, Range, Scalar, Scalars,
};
use vane_types::{CollectionConfig, FieldSchema, JsonPath};

use crate::query::{Expression, Formula};
use crate::watched::Schema;

/// What a payload index is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Keyword,
    /// The beginnings of keywords, and parts of them.
    Prefix,
    Integer,
    /// Integers that are smaller or larger.
    IntegerRange,
    Float,
    Bool,
    Geo,
    Datetime,
    Uuid,
    Text,
    Phrase,
}

/// Any index tells whether there is something.
const ANY: [Use; 9] = [
    Use::Bool,
    Use::Datetime,
    Use::Float,
    Use::Geo,
    Use::Integer,
    Use::IntegerRange,
    Use::Keyword,
    Use::Text,
    Use::Uuid,
];

impl Use {
    /// Type of the indexes that serve it.
    fn name(self) -> &'static str {
        match self {
            Self::Keyword | Self::Prefix => "keyword",
            Self::Integer | Self::IntegerRange => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Geo => "geo",
            Self::Datetime => "datetime",
            Self::Uuid => "uuid",
            Self::Text | Self::Phrase => "text",
        }
    }

    /// Whether an index of this type serves it, one that `says` of an option what was asked for.
    fn is_served_by(self, schema: &FieldSchema, says: impl Fn(&str) -> Option<bool>) -> bool {
        match (self, schema) {
            (Self::Phrase, FieldSchema::Text(params)) => params.phrase_matching,
            (Self::Prefix, FieldSchema::Keyword) => says("prefix") == Some(true),
            (Self::Integer, FieldSchema::Integer) => says("lookup") != Some(false),
            (Self::IntegerRange, FieldSchema::Integer) => says("range") != Some(false),
            (wanted, schema) => schema.name() == wanted.name(),
        }
    }
}

/// The payload indexes of a collection, each with what it was made for. Any index of keywords
/// answers for their beginnings, and any of integers for values and ranges; limits go by what was
/// asked for nevertheless: who is let through here is let through by Qdrant then, too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indexes<'a> {
    pub(super) schema: &'a Schema,
    pub(super) config: &'a CollectionConfig,
}

impl Indexes<'_> {
    fn serve(self, key: &JsonPath, wanted: &[Use]) -> bool {
        let options = self.config.hints.indexes.get(key);
        let says = |option: &str| options.and_then(|options| options.get(option)?.as_bool());
        let serves = |index| wanted.iter().any(|wanted| wanted.is_served_by(index, says));
        self.schema.get(key).is_some_and(serves)
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
pub(super) fn missing(indexes: Indexes<'_>, filter: &Filter) -> Option<Missing> {
    missing_below(indexes, None, filter)
}

fn missing_below(
    indexes: Indexes<'_>,
    above: Option<&JsonPath>,
    filter: &Filter,
) -> Option<Missing> {
    conditions(filter).find_map(|condition| match condition {
        Condition::Filter(filter) => missing_below(indexes, above, filter),
        Condition::Nested { nested: Nested { key, filter } } => {
            missing_below(indexes, Some(&joined(above, key).each()), filter)
        }
        Condition::Field(field) => lacking(indexes, joined(above, &field.key), &of_field(field)),
        Condition::IsEmpty { is_empty: field } | Condition::IsNull { is_null: field } => {
            lacking(indexes, joined(above, &field.key), &ANY)
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
fn lacking(indexes: Indexes<'_>, key: JsonPath, wanted: &[Use]) -> Option<Missing> {
    if wanted.is_empty() || indexes.serve(&key, wanted) {
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
        Some(Range::Number(_)) => wanted.extend([Use::Float, Use::IntegerRange]),
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
        Match::Prefix(_) | Match::Substring(_) => vec![Use::Prefix],
    }
}

/// The first field of a formula that no index serves.
pub(super) fn missing_of_formula(indexes: Indexes<'_>, formula: &Formula) -> Option<Missing> {
    let of_expression = missing_of(indexes, &formula.expression);
    of_expression.or_else(|| formula.conditions.iter().find_map(|it| missing(indexes, it)))
}

fn missing_of(indexes: Indexes<'_>, expression: &Expression) -> Option<Missing> {
    let of = |expression: &Expression| missing_of(indexes, expression);
    match expression {
        Expression::Constant(_) | Expression::Score(_) | Expression::Condition(_) => None,
        Expression::Value(key) => {
            lacking(indexes, key.clone(), &[Use::Float, Use::Integer, Use::IntegerRange])
        }
        Expression::Distance { to, .. } => lacking(indexes, to.clone(), &[Use::Geo]),
        Expression::Datetime(key) => lacking(indexes, key.clone(), &[Use::Datetime]),
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
