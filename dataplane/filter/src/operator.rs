//! What one operator says of one payload value.

use serde_json::Value;
use vane_types::schema::text::TextParams;

use crate::bounds::Bounds;
use crate::datetime::{Datetime, parse_micros};
use crate::filter::{FieldCondition, Match, Range, Scalar, Scalars};
use crate::geo::Point;
use crate::number::Number;
use crate::text::matching::holds_by_tokens;

impl FieldCondition {
    /// Whether the condition holds of the values its path leads to. `params` are those of the
    /// path's text index, if it has one; asked for only where they matter.
    pub(crate) fn holds<'a>(
        &self,
        values: &[&Value],
        params: impl FnOnce() -> Option<&'a TextParams>,
    ) -> bool {
        if values.is_empty() {
            return self.holds_of_nothing();
        }
        let text = self.matching.as_ref().filter(|matching| matching.text().is_some());
        let Some((matching, params)) =
            text.filter(|_| !self.is_about_absence()).and_then(|text| Some((text, params()?)))
        else {
            return values.iter().any(|value| self.holds_of_value(value));
        };
        // Tokens may lie in several values. The other operators look at each by itself.
        let mut all = values.iter().copied().flat_map(elements);
        holds_by_tokens(matching, params, &mut all)
            || values.iter().copied().flat_map(elements).any(|element| self.holds_beside(element))
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
        // What is absent is empty, and is not null.
        self.is_empty.unwrap_or_else(|| self.is_null == Some(false))
    }

    fn holds_of_value(&self, value: &Value) -> bool {
        // The first of these three that is set stands alone, whatever else the condition has.
        if let Some(bounds) = &self.values_count {
            return count_admitted(bounds, values_count(value));
        }
        if let Some(wanted) = self.is_empty {
            return is_empty(value) == wanted;
        }
        if let Some(wanted) = self.is_null {
            return is_null(value) == wanted;
        }
        elements(value).iter().any(|element| self.holds_of_element(element))
    }

    fn holds_of_element(&self, element: &Value) -> bool {
        self.matching.as_ref().is_some_and(|matching| matching.holds(element))
            || self.holds_beside(element)
    }

    /// What is asked beside `match`.
    fn holds_beside(&self, element: &Value) -> bool {
        self.range.as_ref().is_some_and(|range| range.holds(element))
            || self.holds_of_place(element)
    }

    fn holds_of_place(&self, element: &Value) -> bool {
        // Most conditions ask for no place: the element is read as one only for those that do.
        if !self.is_about_a_place() {
            return false;
        }
        let Some(point) = Point::of_value(element) else { return false };
        self.geo_bounding_box.is_some_and(|area| area.contains(point))
            || self.geo_radius.is_some_and(|area| area.contains(point))
            || self.geo_polygon.as_ref().is_some_and(|area| area.contains(point))
    }

    /// Whether the condition asks where something is.
    pub(crate) fn is_about_a_place(&self) -> bool {
        self.geo_bounding_box.is_some() || self.geo_radius.is_some() || self.geo_polygon.is_some()
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
    bounds.admit(count, |bound| *bound)
}

impl Match {
    /// Without regard to a text index.
    fn holds(&self, element: &Value) -> bool {
        match self {
            Self::Value(Scalar::Bool(wanted)) => element.as_bool() == Some(*wanted),
            // `1.0` has no i64 here: types are not converted.
            Self::Value(Scalar::Integer(wanted)) => element.as_i64() == Some(*wanted),
            Self::Value(Scalar::String(wanted)) => element.as_str() == Some(wanted),
            Self::Any(scalars) => scalars.contain(element),
            Self::Except(scalars) => !element.is_null() && !scalars.contain(element),
            Self::Text(text) | Self::Phrase(text) | Self::Substring(text) => {
                element.as_str().is_some_and(|value| value.contains(text))
            }
            Self::TextAny(text) => element
                .as_str()
                .is_some_and(|value| text.split_whitespace().any(|word| value.contains(word))),
            Self::Prefix(text) => element.as_str().is_some_and(|value| value.starts_with(text)),
        }
    }
}

impl Scalars {
    fn contain(&self, element: &Value) -> bool {
        match self {
            Self::Strings(strings) => element.as_str().is_some_and(|text| strings.contains(text)),
            Self::Integers(integers) => element.as_i64().is_some_and(|n| integers.contains(&n)),
        }
    }
}

impl Range {
    fn holds(&self, element: &Value) -> bool {
        match self {
            Self::Number(bounds) => {
                Number::of_value(element).is_some_and(|number| bounds.admit(number, |bound| *bound))
            }
            Self::Datetime(bounds) => element
                .as_str()
                .and_then(parse_micros)
                .is_some_and(|micros| bounds.admit(micros, Datetime::micros)),
        }
    }
}
