//! Values by which points stand in an order, are drawn or are counted.

use vane_filter::{FacetValue, OrderValue};
use vane_proto::peer;
use vane_proto::peer::facet_value::Kind as FacetKind;
use vane_proto::peer::order_value::Kind;
use vane_shard::{Drawn, FacetHit};

use super::{Unreadable, Wire, message, need};

message!(Drawn { id, lot });
message!(FacetHit { value = "the value that was counted", count });

impl Wire for OrderValue {
    type Message = peer::OrderValue;

    fn into_message(self) -> peer::OrderValue {
        let kind = match self {
            Self::Integer(integer) => Kind::Integer(integer),
            Self::Float(float) => Kind::Number(float),
        };
        peer::OrderValue { kind: Some(kind) }
    }

    fn from_message(value: peer::OrderValue) -> Result<Self, Unreadable> {
        Ok(match need(value.kind, "the value of an order")? {
            Kind::Integer(integer) => Self::Integer(integer),
            Kind::Number(float) => Self::Float(float),
        })
    }
}

impl Wire for FacetValue {
    type Message = peer::FacetValue;

    fn into_message(self) -> peer::FacetValue {
        let kind = match self {
            Self::Bool(value) => FacetKind::Flag(value),
            Self::Integer(integer) => FacetKind::Integer(integer),
            Self::Text(text) => FacetKind::Text(text),
        };
        peer::FacetValue { kind: Some(kind) }
    }

    fn from_message(value: peer::FacetValue) -> Result<Self, Unreadable> {
        Ok(match need(value.kind, "the value that was counted")? {
            FacetKind::Flag(value) => Self::Bool(value),
            FacetKind::Integer(integer) => Self::Integer(integer),
            FacetKind::Text(text) => Self::Text(text),
        })
    }
}
