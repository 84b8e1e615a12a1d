//! Merges, replaces and removes payloads.

use prost::Message;
use vane_types::limits::{PATH_STEPS_MAX, PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX};
use vane_types::payload::NoArray;
use vane_types::{FeatureLevel, JsonPath, Payload, json, payload};

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
    /// Whether what the key enters as an array becomes one. From
    /// [`FeatureLevel::CHANGING`] on, as older members would keep what they have.
    #[prost(bool, tag = "4")]
    pub makes_arrays: bool,
}

impl SetPayload {
    /// The level from which on members can read it.
    pub(crate) fn level(&self) -> FeatureLevel {
        if self.makes_arrays { FeatureLevel::CHANGING } else { FeatureLevel::FIRST }
    }

    /// What becomes of a value that the key enters as an array and that is none.
    pub fn no_array(&self) -> NoArray {
        if self.makes_arrays { NoArray::Replaced } else { NoArray::Kept }
    }
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
    key.map_or(Ok(()), check_steps)?;
    // Once: a change of many points makes several entries, all with this payload.
    let payload = encoded(payload, key.map_or(0, steps))?;
    let makes_arrays = key.is_some_and(JsonPath::enters_arrays);
    let key = key.map(ToString::to_string).unwrap_or_default();
    let bytes = payload.len();
    Checked::each(points, bytes, move |targets| {
        Change::SetPayload(SetPayload {
            targets: Some(targets),
            payload: payload.clone(),
            key: key.clone(),
            makes_arrays,
        })
    })
}

pub(crate) fn check_overwrite(points: Selection, payload: &Payload) -> Result<Checked, Error> {
    let payload = encoded(payload, 0)?;
    let bytes = payload.len();
    Checked::each(points, bytes, move |targets| {
        Change::OverwritePayload(SetPayload {
            targets: Some(targets),
            payload: payload.clone(),
            key: String::new(),
            makes_arrays: false,
        })
    })
}

pub(crate) fn check_delete(points: Selection, keys: &[JsonPath]) -> Result<Checked, Error> {
    keys.iter().try_for_each(check_steps)?;
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    Checked::each(points, 0, move |targets| {
        Change::DeletePayload(DeletePayload { targets: Some(targets), keys: keys.clone() })
    })
}

pub(crate) fn check_clear(points: Selection) -> Result<Checked, Error> {
    Checked::each(points, 0, Change::ClearPayload)
}

/// The stored form of a payload that is to lie below so many levels. What a merge makes is never
/// deeper than that or than what was there: the request alone decides.
pub(crate) fn encoded(payload: &Payload, below: usize) -> Result<Vec<u8>, Error> {
    // Its own level is one of them.
    let most = PAYLOAD_DEPTH_MAX.saturating_sub(below + 1);
    if below >= PAYLOAD_DEPTH_MAX || payload.values().any(|value| json::is_deeper(value, most)) {
        return Err(Error::PayloadTooDeep);
    }
    let encoded = payload::encode(payload);
    match encoded.len() {
        bytes if bytes > PAYLOAD_BYTES_MAX => Err(Error::PayloadTooLarge { bytes }),
        _ => Ok(encoded),
    }
}

/// Refuses a path that a write may not go along.
pub(crate) fn check_steps(path: &JsonPath) -> Result<(), Error> {
    match steps(path) {
        steps if steps > PATH_STEPS_MAX => Err(Error::PathTooLong { steps }),
        _ => Ok(()),
    }
}

fn steps(path: &JsonPath) -> usize {
    path.rest().len() + 1
}
