//! `order_by`: the values of a field that points stand by.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use vane_filter::{Datetime, Number, Order};
use vane_types::JsonPath;

/// An order by a key alone, or by an object.
#[derive(Debug)]
pub(super) struct OrderBy(pub(super) Order);

#[derive(Deserialize)]
struct Fields {
    key: JsonPath,
    direction: Option<Direction>,
    start_from: Option<StartFrom>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Asc,
    Desc,
}

/// A number, or a datetime as its microseconds.
struct StartFrom(Number);

impl<'de> Deserialize<'de> for OrderBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `untagged`, which would lose the path to a mistake.
        deserializer.deserialize_any(OrderByVisitor).map(Self)
    }
}

struct OrderByVisitor;

impl<'de> Visitor<'de> for OrderByVisitor {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a payload key, or an object with `key`, `direction` and `start_from`")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Order, E> {
        let by = JsonPath::deserialize(StrDeserializer::new(key))?;
        Ok(Order { by, descending: false, from: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Order, A::Error> {
        let Fields { key, direction, start_from } =
            Fields::deserialize(MapAccessDeserializer::new(map))?;
        let descending = matches!(direction, Some(Direction::Desc));
        Ok(Order { by: key, descending, from: start_from.map(|start| start.0) })
    }
}

impl<'de> Deserialize<'de> for StartFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = match &value {
            Value::String(text) => {
                Datetime::parse(text).map(|datetime| Number::Whole(datetime.micros().into()))
            }
            other => Number::of_value(other),
        };
        let expected = || D::Error::custom("expected a number or a datetime");
        number.map(Self).ok_or_else(expected)
    }
}
