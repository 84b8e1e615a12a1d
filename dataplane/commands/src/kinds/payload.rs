//! Merges, replaces and removes payloads.

use prost::Message;
use vane_types::{JsonPath, Payload, payload};

use crate::checked::Checked;
use crate::command::Change;
use crate::error::Error;
use crate::targets::{Selection, Targets};

/// A payload to merge in, or to put in place of what is there.
#[derive(Clone, PartialEq, Message)]
pub struct SetPayload {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    /// JSON object.
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    /// Path of the object to merge into; empty for the payload itself.
    #[prost(string, tag = "3")]
    pub key: String,
}

/// Parts of the payload to remove, by path.
#[derive(Clone, PartialEq, Message)]
pub struct DeletePayload {
    #[prost(message, optional, tag = "1")]
    pub targets: Option<Targets>,
    #[prost(string, repeated, tag = "2")]
    pub keys: Vec<String>,
}

pub(crate) fn check_set(
    points: Selection,
    payload: &Payload,
    key: Option<&JsonPath>,
) -> Result<Checked, Error> {
    let key = key.map(ToString::to_string).unwrap_or_default();
    // Once: a filter that matches many points makes several entries, all with this payload.
    let payload = payload::encode(payload);
    Checked::each(points, move |targets| {
        Change::SetPayload(SetPayload {
            targets: Some(targets),
            payload: payload.clone(),
            key: key.clone(),
        })
    })
}

pub(crate) fn check_overwrite(points: Selection, payload: &Payload) -> Result<Checked, Error> {
    let payload = payload::encode(payload);
    Checked::each(points, move |targets| {
        Change::OverwritePayload(SetPayload {
            targets: Some(targets),
            payload: payload.clone(),
            key: String::new(),
        })
    })
}

pub(crate) fn check_delete(points: Selection, keys: &[JsonPath]) -> Result<Checked, Error> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    Checked::each(points, move |targets| {
        Change::DeletePayload(DeletePayload { targets: Some(targets), keys: keys.clone() })
    })
}

pub(crate) fn check_clear(points: Selection) -> Result<Checked, Error> {
    Checked::each(points, Change::ClearPayload)
}
