//! What one operator says of one payload value.

use serde_json::Value;

use crate::bounds::Bounds;
use crate::datetime::{Datetime, parse_micros};
use crate::filter::{FieldCondition, Match, Range, Scalar, Scalars};
use crate::geo::Point;

impl FieldCondition {
    /// Whether the condition holds of the values its path leads to.
    pub(crate) fn holds(&self, values: &[&Value]) -> bool {
        if values.is_empty() {
            return self.holds_of_nothing();
        }
        values.iter().any(|value| self.holds_of_value(value))
    }

    /// Whether the condition asks for the number or absence of values, rather than for a
    /// value of some kind.
    pub(crate) fn is_about_absence(&self) -> bool {
        self.values_count.is_some() || self.is_empty.is_some() || self.is_null.is_some()
    }

    fn holds_of_nothing(&self) -> bool {
        if let Some(bounds) = &self.values_count {
            return count_admitted(bounds, 0);
        }
        self.is_empty.unwrap_or_else(|| self.is_null == Some(false))
    }

    fn holds_of_value(&self, value: &Value) -> bool {
        if let Some(bounds) = &self.values_count {
            return count_admitted(bounds, values_count(value));
        }
        if let Some(wanted) = self.is_empty {
            return is_empty(value) == wanted;
        }
        if let Some(wanted) = self.is_null {
            return is_null(value) == wanted;
        }
        elements(value).iter().any(|it| self.holds_of_element(it))
    }

    fn holds_of_element(&self, element: &Value) -> bool {
        self.matching.as_ref().is_some_and(|it| it.holds(element))
            || self.range.as_ref().is_some_and(|it| it.holds(element))
            || self
                .geo_bounding_box
                .is_some_and(|it| Point::of_value(element).is_some_and(|p| it.contains(p)))
            || self
                .geo_radius
                .is_some_and(|it| Point::of_value(element).is_some_and(|p| it.contains(p)))
    }
}

/// The elements of an array, or the value itself. Arrays within are not entered.
pub(crate) fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        _ => std::slice::from_ref(value),
    }
}

/// A null or an empty array.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// A null or an array that holds one.
pub(crate) fn is_null(value: &Value) -> bool {
    elements(value).iter().any(Value::is_null)
}

fn values_count(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Array(elements) => elements.len() as u64,
        _ => 1,
    }
}

fn count_admitted(bounds: &Bounds<u64>, count: u64) -> bool {
    bounds.admit(count, |it| *it)
}

impl Match {
    fn holds(&self, element: &Value) -> bool {
        match self {
            Self::Value(Scalar::Bool(wanted)) => element.as_bool() == Some(*wanted),
            Self::Value(Scalar::Integer(wanted)) => element.as_i64() == Some(*wanted),
            Self::Value(Scalar::String(wanted)) => element.as_str() == Some(wanted),
            Self::Any(scalars) => scalars.contain(element),
            Self::Except(scalars) => !element.is_null() && !scalars.contain(element),
        }
    }
}

impl Scalars {
    fn contain(&self, element: &Value) -> bool {
        match self {
            Self::Strings(strings) => element.as_str().is_some_and(|it| strings.contains(it)),
            Self::Integers(integers) => element.as_i64().is_some_and(|it| integers.contains(&it)),
        }
    }
}

impl Range {
    fn holds(&self, element: &Value) -> bool {
        match self {
            Self::Number(bounds) => {
                element.as_f64().is_some_and(|it| bounds.admit(it, |bound| *bound))
            }
            Self::Datetime(bounds) => element
                .as_str()
                .and_then(parse_micros)
                .is_some_and(|it| bounds.admit(it, Datetime::micros)),
        }
    }
}
