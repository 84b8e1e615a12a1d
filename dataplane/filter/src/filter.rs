//! The filter as its JSON has it.
//!
//! Serialising gives JSON that parses to an equal filter, since filters are logged.

use serde::Serialize;
use vane_types::{JsonPath, PointId, TenantId};

use crate::bounds::Bounds;
use crate::datetime::Datetime;
use crate::geo::{BoundingBox, Polygon, Radius};
use crate::number::Number;
use crate::slice::Slice;
use crate::value_set::ValueSet;

/// A point passes when all the clauses that are set hold. At top level, and in filters
/// within it, an empty clause constrains nothing; inside `nested` an empty `should` or
/// `min_should` matches nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Filter {
    /// At least one condition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub should: Option<Clause>,
    /// At least `min_count` conditions hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_should: Option<MinShould>,
    /// Every condition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must: Option<Clause>,
    /// No condition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_not: Option<Clause>,
}

impl Filter {
    /// Whether the filter constrains nothing because it has no conditions.
    pub fn is_empty(&self) -> bool {
        // Taken apart whole: a clause that is added cannot be forgotten here.
        let Self { should, min_should, must, must_not } = self;
        [should, must, must_not].into_iter().flatten().all(|clause| clause.conditions().is_empty())
            && min_should.as_ref().is_none_or(|min_should| min_should.conditions.is_empty())
    }
}

/// One condition, or a list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Clause {
    One(Box<Condition>),
    List(Vec<Condition>),
}

impl Clause {
    /// The conditions in either form.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::One(condition) => std::slice::from_ref(condition),
            Self::List(conditions) => conditions,
        }
    }
}

/// `min_should` of a filter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinShould {
    pub conditions: Vec<Condition>,
    /// From 1: where none has to hold, there is no clause.
    pub min_count: usize,
}

/// What is asked of a point.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Condition {
    /// Something about the values at a path.
    Field(Box<FieldCondition>),
    /// The path leads to nothing but nulls and empty arrays.
    IsEmpty { is_empty: FieldRef },
    /// The path leads to a null, or to an array that holds one.
    IsNull { is_null: FieldRef },
    /// The point is one of these; an id without a tenant means the points of that id of all.
    HasId { has_id: ValueSet<PointId> },
    /// The point is of one of these tenants. No client writes it: a request is for tenants as a
    /// whole.
    OfTenants { of_tenants: ValueSet<TenantId> },
    /// The point has this vector; `""` is the unnamed one.
    HasVector { has_vector: String },
    /// The point is of one slice of all.
    Slice { slice: Slice },
    /// One object of an array passes a filter of its own.
    Nested { nested: Nested },
    /// A filter in place of a condition.
    Filter(Filter),
}

/// Names a payload field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldRef {
    pub key: JsonPath,
}

/// `nested` of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nested {
    /// Path of the array; `[]` is added behind it.
    pub key: JsonPath,
    /// Its paths begin at the element.
    pub filter: Box<Filter>,
}

/// Operators on one field. Those set are alternatives, except that of `values_count`,
/// `is_empty` and `is_null` the first one set stands alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldCondition {
    pub key: JsonPath,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_bounding_box: Option<BoundingBox>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_radius: Option<Radius>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo_polygon: Option<Polygon>,
    /// Bounds of the number of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_count: Option<Bounds<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_empty: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_null: Option<bool>,
}

/// Equality with given values, or likeness to a text; types are not converted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// Equal to the value.
    Value(Scalar),
    /// Equal to one of the list.
    Any(Scalars),
    /// A value that is not null and not in the list.
    Except(Scalars),
    /// The field's strings together have all tokens of the text, as its text index makes them.
    /// Without such an index: a string that holds the text.
    Text(String),
    /// The same with any of the tokens. Without an index: a string that holds one of the words
    /// between white space.
    #[serde(rename = "text_any")]
    TextAny(String),
    /// A string that has the tokens of the text one behind the other; only where the text index
    /// is for phrases. Without an index: a string that holds the text.
    Phrase(String),
    /// A string that begins with the text.
    Prefix(String),
    /// A string that holds the text, whatever index the field has.
    Substring(String),
}

impl Match {
    /// The text whose meaning depends on the field's text index, if it has one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::TextAny(text) | Self::Phrase(text) => Some(text),
            Self::Value(_)
            | Self::Any(_)
            | Self::Except(_)
            | Self::Prefix(_)
            | Self::Substring(_) => None,
        }
    }
}

/// A value to match.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    Bool(bool),
    Integer(i64),
    String(String),
}

/// Values to match, all of one type.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalars {
    /// Also the empty list.
    Strings(ValueSet<String>),
    Integers(ValueSet<i64>),
}

impl Scalars {
    /// Values that were given, repeated ones included.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Strings(list) => list.given().len(),
            Self::Integers(list) => list.given().len(),
        }
    }
}

/// Bounds of a number or, when one of them is a string, of a datetime.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Range {
    /// Compared by value, without rounding. Without bounds: any number.
    Number(Bounds<Number>),
    Datetime(Bounds<Datetime>),
}
