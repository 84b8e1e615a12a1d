//! What a shard's log holds: one command is one entry, applied whole or not at all.
//!
//! The stored form is a version byte and a protobuf message. Fields are only ever added, and
//! what is added needs a higher level ([`Command::level`]); a reader that meets a version or a
//! kind it does not know must stop rather than guess.

use prost::{Message, Oneof};
use vane_types::command::{DecodeError, RequestId, decode_versioned, encode_versioned};
use vane_types::{FeatureLevel, LevelTooLow, ShardRange};

use crate::bounds::Bounds;
use crate::kinds::configure::Configure;
use crate::kinds::index::{CreateIndex, DropIndex};
use crate::kinds::payload::{DeletePayload, SetPayload};
use crate::kinds::tenant::CloseTenant;
use crate::kinds::upsert::Upsert;
use crate::kinds::vectors::DeleteVectors;
use crate::routed::RoutedBy;
use crate::targets::Targets;

/// A change of one shard.
#[derive(Clone, PartialEq, Message)]
pub struct Command {
    #[prost(oneof = "Change", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16")]
    pub change: Option<Change>,
    /// The request that the command is a part of, where it may come more than once.
    #[prost(message, optional, tag = "12")]
    pub request: Option<RequestId>,
    /// The shard's range that it was sent by. Protobuf skips what it does not know, so that an
    /// older replica would apply what the others refuse: hence the level.
    #[prost(message, optional, tag = "13")]
    pub routed_by: Option<RoutedBy>,
    /// What it may come to. An older replica would pass it over too.
    #[prost(message, optional, tag = "15")]
    pub bounds: Option<Bounds>,
}

/// A command as it was read from a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// What it changes.
    pub change: Change,
    /// The request that it is a part of.
    pub request: Option<RequestId>,
    /// The shard's range that it was sent by; `None` where it names none.
    pub routed_by: Option<ShardRange>,
    /// What it may come to; `None` where it says nothing about that.
    pub bounds: Option<Bounds>,
}

/// The kinds of change, as [`crate::Write`] describes them. Tags are stored: a new kind takes
/// a new one, and none is used again.
#[derive(Clone, PartialEq, Oneof)]
pub enum Change {
    #[prost(message, tag = "1")]
    Upsert(Upsert),
    #[prost(message, tag = "2")]
    Delete(Targets),
    #[prost(message, tag = "3")]
    UpdateVectors(Upsert),
    #[prost(message, tag = "4")]
    DeleteVectors(DeleteVectors),
    #[prost(message, tag = "5")]
    SetPayload(SetPayload),
    #[prost(message, tag = "6")]
    OverwritePayload(SetPayload),
    #[prost(message, tag = "7")]
    DeletePayload(DeletePayload),
    #[prost(message, tag = "8")]
    ClearPayload(Targets),
    #[prost(message, tag = "9")]
    CreateIndex(CreateIndex),
    #[prost(message, tag = "10")]
    DropIndex(DropIndex),
    #[prost(message, tag = "11")]
    Configure(Configure),
    #[prost(message, tag = "16")]
    CloseTenant(CloseTenant),
}

impl Command {
    /// A command that makes one change and is part of no request.
    pub fn new(change: Change) -> Self {
        Self { change: Some(change), request: None, routed_by: None, bounds: None }
    }

    /// The same as part of a request.
    #[must_use]
    pub fn with_request(self, request: RequestId) -> Self {
        Self { request: Some(request), ..self }
    }

    /// In the form that members of `level` read, where it has one for older members too.
    #[must_use]
    pub fn at(mut self, level: FeatureLevel) -> Self {
        if let Some(Change::CreateIndex(create)) = &mut self.change {
            create.online &= level >= FeatureLevel::PROVEN;
        }
        if let Some(Change::SetPayload(set)) = &mut self.change {
            set.makes_arrays &= level >= FeatureLevel::CHANGING;
        }
        self
    }

    /// The level from which on it may be written.
    pub fn level(&self) -> FeatureLevel {
        // Taken apart whole: what is added must say its level here.
        let Self { change, request: _, routed_by, bounds } = self;
        let of_change = match change {
            Some(Change::Upsert(upsert) | Change::UpdateVectors(upsert)) => upsert.level(),
            None
            | Some(
                Change::Delete(_)
                | Change::DeletePayload(_)
                | Change::ClearPayload(_)
                | Change::DropIndex(_),
            ) => FeatureLevel::FIRST,
            Some(Change::SetPayload(set) | Change::OverwritePayload(set)) => set.level(),
            Some(Change::DeleteVectors(delete)) => delete.level(),
            Some(Change::Configure(configure)) => configure.level(),
            Some(Change::CreateIndex(create)) => create.level(),
            Some(Change::CloseTenant(_)) => FeatureLevel::TENANTS,
        };
        let of_route = routed_by.map_or(FeatureLevel::FIRST, |_| FeatureLevel::ROUTED);
        let of_bounds = bounds.map_or(FeatureLevel::FIRST, |_| FeatureLevel::PROVEN);
        let targets = change.as_ref().and_then(Change::targets);
        let of_targets = targets.map_or(FeatureLevel::FIRST, Targets::level);
        of_change.max(of_targets).max(of_route).max(of_bounds)
    }

    /// Bytes that the stored form of a command with this change takes at most, whichever request
    /// it becomes part of, however it is routed and bounded.
    pub fn stored_len_max(change: &Change) -> usize {
        // Protobuf writes small numbers shorter: what is to come is reckoned at its longest.
        let rest = Self {
            change: None,
            request: Some(RequestId { session: u64::MAX, sequence: u64::MAX, basis: u64::MAX }),
            routed_by: Some(RoutedBy::LONGEST),
            bounds: Some(Bounds::LONGEST),
        };
        1 + change.encoded_len() + rest.encoded_len()
    }

    /// Stored form of a command that is to be proposed, where all members speak `level`.
    ///
    /// # Errors
    /// [`LevelTooLow`] where some member may not be able to read it.
    pub fn encode(&self, level: FeatureLevel) -> Result<Vec<u8>, LevelTooLow> {
        level.check(self.level())?;
        Ok(self.encode_stored())
    }

    /// Stored form, whatever the level. Proposers use [`Command::encode`], which looks at it.
    pub fn encode_stored(&self) -> Vec<u8> {
        encode_versioned(self)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// The bytes are damaged, or a newer version wrote them.
    pub fn decode_stored(bytes: &[u8]) -> Result<Logged, DecodeError> {
        let Self { change, request, routed_by, bounds } = decode_versioned(bytes)?;
        // Protobuf skips tags that it does not know: a newer kind of change reads as none.
        let change = change.ok_or(DecodeError::UnknownChange)?;
        Ok(Logged { change, request, routed_by: routed_by.map(RoutedBy::range), bounds })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use vane_types::{KeyRange, PointId, RangeEpoch};

    fn logged(change: &Change, request: Option<RequestId>) -> Logged {
        Logged { change: change.clone(), request, routed_by: None, bounds: None }
    }

    #[test]
    fn commands_read_back_and_unknown_versions_are_refused() {
        let change =
            Change::Delete(Targets { ids: vec![PointId::num(7).to_key()], ..Default::default() });
        let stored = Command::new(change.clone()).encode_stored();
        assert_eq!(Command::decode_stored(&stored).unwrap(), logged(&change, None));
        let request = RequestId { session: u64::MAX, sequence: 2, basis: 3 };
        let command = Command::new(change.clone()).with_request(request);
        let with_request = command.encode_stored();
        assert_eq!(Command::decode_stored(&with_request).unwrap(), logged(&change, Some(request)));
        let routed_by = Some(RoutedBy::LONGEST);
        let longest = Command { routed_by, bounds: Some(Bounds::LONGEST), ..command };
        assert!(Command::stored_len_max(&change) >= longest.encode_stored().len());
        let mut newer = stored;
        newer[0] = 9;
        assert!(Command::decode_stored(&newer).is_err());
        assert!(Command::decode_stored(&[]).is_err());
        assert!(Command::decode_stored(&[1]).is_err(), "no change at all");
    }

    /// Bytes that logs hold since the first version.
    #[test]
    fn stored_bytes_stay_as_they_are() {
        let targets = Targets { ids: vec![vec![0, 7]], filter: "{}".into(), semantics: 1 };
        let command = Command::new(Change::ClearPayload(targets)).with_request(RequestId {
            session: 1,
            sequence: 2,
            basis: 3,
        });
        let expected = [1, 66, 10, 10, 2, 0, 7, 18, 2, 123, 125, 24, 1, 98, 6, 8, 1, 16, 2, 24, 3];
        assert_eq!(command.encode_stored(), expected);
    }

    #[test]
    fn an_index_is_made_online_from_its_level_on() {
        let create = CreateIndex { field: "f".into(), field_type: "bool".into(), online: true };
        let command = Command::new(Change::CreateIndex(create));
        let before = [1, 74, 9, 10, 1, 102, 18, 4, 98, 111, 111, 108];
        let online = [1, 74, 11, 10, 1, 102, 18, 4, 98, 111, 111, 108, 24, 1];
        for level in (1..=FeatureLevel::SPOKEN.0).map(FeatureLevel) {
            let expected = if level < FeatureLevel::PROVEN { &before[..] } else { &online };
            assert_eq!(command.clone().at(level).encode(level), Ok(expected.to_vec()));
            assert_eq!(command.encode(level).is_ok(), level >= FeatureLevel::PROVEN);
        }
    }

    #[test]
    fn what_older_members_cannot_read_waits_for_its_level() {
        let text = vane_types::FieldSchema::of_name("text").unwrap();
        let create = CreateIndex { field_type: text.to_logged(), ..CreateIndex::default() };
        let targets = |filter: serde_json::Value| {
            let filter = vane_filter::Filter::parse(filter).unwrap();
            Targets::of_filter(&[], &crate::targets::WrittenFilter::new(&filter))
        };
        let with_text = json!({"must": {"key": "a", "match": {"text": "x"}}});
        let set = SetPayload { targets: Some(targets(with_text.clone())), ..SetPayload::default() };
        for change in [
            Change::CreateIndex(create),
            Change::Delete(targets(with_text)),
            Change::OverwritePayload(set),
        ] {
            assert_eq!(Command::new(change).level(), FeatureLevel::KINDS);
        }
        let old = Change::Delete(targets(json!({"must": {"key": "a", "match": {"value": "x"}}})));
        assert_eq!(Command::new(old).level(), FeatureLevel::FIRST);
    }

    #[test]
    fn what_a_command_was_routed_by_is_written_from_its_level_on() {
        let keys = KeyRange { first: 4, last: 300 };
        let routed_by = ShardRange { keys, epoch: RangeEpoch(2) };
        let plain = Command::new(Change::DropIndex(DropIndex { field: "f".into() }));
        let routed = Command { routed_by: Some(routed_by.into()), ..plain.clone() };
        let stored = [1, 82, 3, 10, 1, 102, 106, 7, 8, 4, 16, 172, 2, 24, 2];
        for level in 1..=FeatureLevel::SPOKEN.0 + 1 {
            let (active, needed) = (FeatureLevel(level), FeatureLevel::ROUTED);
            let expected = match active < needed {
                true => Err(LevelTooLow { needed, active }),
                false => Ok(stored.to_vec()),
            };
            assert_eq!(routed.encode(active), expected);
            assert_eq!(plain.encode(active), Ok(stored[..6].to_vec()), "as before the level");
        }
        assert_eq!(Command::decode_stored(&stored).unwrap().routed_by, Some(routed_by));
        assert_eq!(Command::decode_stored(&stored[..6]).unwrap().routed_by, None);
    }

    #[test]
    fn what_a_command_may_come_to_is_written_from_its_level_on() {
        let bounds = Bounds { payload_bytes: 300, work_bytes: 4, slots: 5 };
        let plain = Command::new(Change::DropIndex(DropIndex { field: "f".into() }));
        let bounded = Command { bounds: Some(bounds), ..plain };
        let stored = [1, 82, 3, 10, 1, 102, 122, 7, 8, 172, 2, 16, 4, 24, 5];
        assert!(bounded.encode(FeatureLevel::ROUTED).is_err());
        assert_eq!(bounded.encode(FeatureLevel::PROVEN), Ok(stored.to_vec()));
        assert_eq!(Command::decode_stored(&stored).unwrap().bounds, Some(bounds));
        assert_eq!(Command::decode_stored(&stored[..6]).unwrap().bounds, None);
    }
}
