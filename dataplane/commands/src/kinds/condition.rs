//! Which points of a write are written: by whether they are there, and by what they are like.
//!
//! Both are looked at where the command is applied, so that every replica, and every try, comes to
//! the same.

use prost::Message;
use vane_filter::Filter;
use vane_types::FeatureLevel;

use crate::readable::Unreadable;
use crate::targets::{Targets, WrittenFilter};

/// Which points of an upsert are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UpdateMode {
    /// Those that are not there yet, and those that are.
    #[default]
    Upsert,
    /// Those that are not there yet.
    InsertOnly,
    /// Those that are there.
    UpdateOnly,
}

/// What points have to be like to be written. Those that are not are passed over.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    /// Whether they have to be there.
    pub mode: UpdateMode,
    /// What those have to match that are there.
    pub filter: Option<Filter>,
}

/// A condition as it is logged.
#[derive(Clone, PartialEq, Message)]
pub struct LoggedCondition {
    /// 0 is [`UpdateMode::Upsert`], 1 [`UpdateMode::InsertOnly`], 2 [`UpdateMode::UpdateOnly`].
    #[prost(uint32, tag = "1")]
    mode: u32,
    /// Of no points.
    #[prost(message, optional, tag = "2")]
    filter: Option<Targets>,
}

impl LoggedCondition {
    pub(crate) fn new(condition: &Condition) -> Self {
        let mode = match condition.mode {
            UpdateMode::Upsert => 0,
            UpdateMode::InsertOnly => 1,
            UpdateMode::UpdateOnly => 2,
        };
        let written = |filter| Targets::of_filter(&[], &WrittenFilter::new(filter));
        Self { mode, filter: condition.filter.as_ref().map(written) }
    }

    /// The level from which on members can read it: older ones would pass it over, and write what
    /// the others do not.
    pub(crate) fn level(&self) -> FeatureLevel {
        FeatureLevel::KINDS
    }

    /// The condition.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(&self) -> Result<Condition, Unreadable> {
        let mode = match self.mode {
            0 => UpdateMode::Upsert,
            1 => UpdateMode::InsertOnly,
            2 => UpdateMode::UpdateOnly,
            mode => return Err(Unreadable::new(format!("the update mode {mode}"))),
        };
        let filter = self.filter.as_ref().map_or(Ok(None), Targets::read_filter)?;
        Ok(Condition { mode, filter })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_read_back_and_unknown_modes_are_refused() {
        let filter = json!({ "must": { "key": "a", "match": { "value": 1 } } });
        let filter = Some(Filter::parse(filter).unwrap());
        for mode in [UpdateMode::Upsert, UpdateMode::InsertOnly, UpdateMode::UpdateOnly] {
            for filter in [None, filter.clone()] {
                let logged = LoggedCondition::new(&Condition { mode, filter: filter.clone() });
                let stored = logged.encode_to_vec();
                let read = LoggedCondition::decode(&*stored).unwrap().read().unwrap();
                assert_eq!((read.mode, read.filter), (mode, filter));
            }
        }
        assert!(LoggedCondition { mode: 3, filter: None }.read().is_err());
    }
}
