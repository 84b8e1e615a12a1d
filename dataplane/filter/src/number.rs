//! Numbers as JSON has them, compared by what they are worth.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON number. Whole numbers of 64 bits and fractions compare exactly: as f64 alone, numbers
/// beyond 2^53 would be taken for their neighbours.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A whole number as JSON writes one, of i64 or u64.
    Whole(i128),
    /// What is written with a point or an exponent, or lies beyond u64; never NaN.
    Float(f64),
}

/// Beyond the magnitude of every [`Number::Whole`], and exact as f64.
const WHOLES_END: f64 = 18_446_744_073_709_551_616.0;

impl Number {
    /// The number that a JSON value is.
    pub fn of_value(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Some(Self::Whole(whole.into())),
            (None, Some(whole)) => Some(Self::Whole(whole.into())),
            (None, None) => number.as_f64().map(Self::Float),
        }
    }

    /// The nearest f64.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    /// The least whole number that is not below this one.
    pub(crate) fn ceil(self) -> i128 {
        match self {
            Self::Whole(whole) => whole,
            // The cast stops at the ends, which lie far beyond all that is compared with it.
            Self::Float(float) => float.ceil() as i128,
        }
    }

    /// The greatest whole number that is not above this one.
    pub(crate) fn floor(self) -> i128 {
        match self {
            Self::Whole(whole) => whole,
            Self::Float(float) => float.floor() as i128,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Whole(a), Self::Float(b)) => Some(whole_to_float(a, b)),
            (Self::Float(a), Self::Whole(b)) => Some(whole_to_float(b, a).reverse()),
        }
    }
}

fn whole_to_float(whole: i128, float: f64) -> Ordering {
    if float >= WHOLES_END {
        return Ordering::Less;
    }
    if float <= -WHOLES_END {
        return Ordering::Greater;
    }
    // Within these ends the part before the point is a whole number without loss.
    let by_whole = whole.cmp(&(float.trunc() as i128));
    by_whole.then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Whole(whole) => match i64::try_from(whole) {
                Ok(whole) => serializer.serialize_i64(whole),
                // It came from one of the two.
                Err(_) => serializer.serialize_u64(whole as u64),
            },
            Self::Float(float) => serializer.serialize_f64(float),
        }
    }
}

impl fmt::Display for Number {
    /// As JSON writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => whole.fmt(f),
            // With a point or an exponent: it is read as what it was.
            Self::Float(float) => write!(f, "{float:?}"),
        }
    }
}

impl FromStr for Number {
    type Err = serde_json::Error;

    /// Reads a number as JSON writes it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: serde_json::Number = serde_json::from_str(text)?;
        let read = Self::of_value(&Value::Number(number));
        read.ok_or_else(|| serde::de::Error::custom("the number is none of 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn number(value: Value) -> Number {
        Number::of_value(&value).unwrap()
    }

    #[test]
    fn neighbours_that_share_an_f64_are_told_apart() {
        let rising = [
            json!(-1e300),
            json!(i64::MIN),
            json!(i64::MIN + 1),
            json!(-1.5),
            json!(-1),
            json!(-0.5),
            json!(0),
            json!(0.5),
            json!(9_007_199_254_740_992.0),
            json!(9_007_199_254_740_993_i64),
            json!(1_768_907_725_507_217_521_i64),
            json!(1_768_907_725_507_217_522_i64),
            json!(i64::MAX),
            json!(9_223_372_036_854_775_808.0),
            json!(u64::MAX),
            json!(18_446_744_073_709_551_616.0),
            json!(1e300),
        ]
        .map(number);
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(a.partial_cmp(b), Some(i.cmp(&j)), "{a:?} {b:?}");
            }
        }
        assert_eq!(number(json!(1)), number(json!(1.0)));
        assert_eq!(number(json!(0)), number(json!(-0.0)));
    }

    proptest! {
        #[test]
        fn small_numbers_compare_as_f64_does(a in -1000_i64..1000, b in -1000.0..1000.0) {
            prop_assert_eq!(
                Number::Whole(a.into()).partial_cmp(&Number::Float(b)),
                (a as f64).partial_cmp(&b)
            );
        }

        #[test]
        fn numbers_read_back_as_they_were_written(whole: i64, large: u64, float in -1e300..1e300) {
            for value in [json!(whole), json!(large), json!(float)] {
                let written = serde_json::to_string(&number(value.clone())).unwrap();
                let shown = number(value.clone()).to_string();
                prop_assert_eq!(shown.parse::<Number>().unwrap(), number(value.clone()));
                prop_assert_eq!(written.parse::<Number>().unwrap(), number(value));
            }
        }
    }
}
