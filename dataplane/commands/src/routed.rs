//! What a command says of the way to its shard, and the parts that it falls into on another.

use prost::Message;
use vane_types::{KeyRange, PointId, RangeEpoch, ShardRange};

use crate::command::Change;
use crate::kinds::payload::{DeletePayload, SetPayload};
use crate::kinds::upsert::Point;
use crate::kinds::vectors::DeleteVectors;
use crate::targets::Targets;

/// The shard's range as whoever sent the command knew it, as logged.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct RoutedBy {
    #[prost(uint64, tag = "1")]
    pub first: u64,
    #[prost(uint64, tag = "2")]
    pub last: u64,
    #[prost(uint64, tag = "3")]
    pub epoch: u64,
}

impl RoutedBy {
    /// The one whose stored form is the longest.
    pub(crate) const LONGEST: Self = Self { first: u64::MAX, last: u64::MAX, epoch: u64::MAX };

    /// The range that it names.
    pub fn range(self) -> ShardRange {
        let Self { first, last, epoch } = self;
        ShardRange { keys: KeyRange { first, last }, epoch: RangeEpoch(epoch) }
    }
}

impl From<ShardRange> for RoutedBy {
    fn from(range: ShardRange) -> Self {
        let ShardRange { keys: KeyRange { first, last }, epoch: RangeEpoch(epoch) } = range;
        Self { first, last, epoch }
    }
}

impl Change {
    /// Keys ([`PointId::to_key`]) of the points that it names; none for a change of a shard as
    /// a whole.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let points: &[Point] = match self {
            Self::Upsert(upsert) | Self::UpdateVectors(upsert) => &upsert.points,
            _ => &[],
        };
        let ids = self.targets().into_iter().flat_map(|targets| &targets.ids);
        points.iter().map(|point| point.id.as_slice()).chain(ids.map(Vec::as_slice))
    }

    /// The points that it does the same to; `None` where each has its own, or it names none.
    pub(crate) fn targets(&self) -> Option<&Targets> {
        match self {
            Self::Delete(targets) | Self::ClearPayload(targets) => Some(targets),
            Self::DeleteVectors(DeleteVectors { targets, .. })
            | Self::SetPayload(SetPayload { targets, .. })
            | Self::OverwritePayload(SetPayload { targets, .. })
            | Self::DeletePayload(DeletePayload { targets, .. }) => targets.as_ref(),
            Self::Upsert(_)
            | Self::UpdateVectors(_)
            | Self::CreateIndex(_)
            | Self::DropIndex(_)
            | Self::Configure(_)
            | Self::CloseTenant(_) => None,
        }
    }

    /// The part of it that is about points of a range: all of it where it names no points,
    /// `None` where it names some and the range has none of them.
    pub fn within(&self, range: KeyRange) -> Option<Self> {
        let part = self.of(|key| is_in(key, range));
        let is_empty = |change: &Self| change.keys().next().is_none();
        (is_empty(self) || !is_empty(&part)).then_some(part)
    }

    /// The same of the first half of its points, and of the second; `None` where it names fewer
    /// than two.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let points = self.keys().count();
        if points < 2 {
            return None;
        }
        let half = |is_first: bool| {
            let mut place = 0;
            self.of(|_| {
                place += 1;
                (place <= points / 2) == is_first
            })
        };
        Some((half(true), half(false)))
    }

    /// The same, of some of its points.
    fn of(&self, mut keep: impl FnMut(&Vec<u8>) -> bool) -> Self {
        let mut part = self.clone();
        match &mut part {
            Self::Upsert(upsert) | Self::UpdateVectors(upsert) => {
                upsert.points.retain(|point| keep(&point.id));
            }
            Self::Delete(targets) | Self::ClearPayload(targets) => targets.ids.retain(keep),
            Self::DeleteVectors(DeleteVectors { targets, .. })
            | Self::SetPayload(SetPayload { targets, .. })
            | Self::OverwritePayload(SetPayload { targets, .. })
            | Self::DeletePayload(DeletePayload { targets, .. }) => {
                targets.iter_mut().for_each(|targets| targets.ids.retain(&mut keep));
            }
            Self::CreateIndex(_)
            | Self::DropIndex(_)
            | Self::Configure(_)
            | Self::CloseTenant(_) => {}
        }
        part
    }
}

fn is_in(key: &[u8], range: KeyRange) -> bool {
    PointId::from_key(key).is_some_and(|id| range.contains(id.routing_hash()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::index::DropIndex;
    use crate::kinds::upsert::Upsert;

    /// One of each kind that names points, about the points 0 to 9.
    fn changes() -> Vec<Change> {
        let ids: Vec<Vec<u8>> = (0..10).map(|id| PointId::num(id).to_key()).collect();
        let point = |id: &Vec<u8>| Point { id: id.clone(), ..Point::default() };
        let upsert = Upsert::of(ids.iter().map(point).collect());
        let targets = Targets { ids, filter: "{}".into(), semantics: 1 };
        let set = SetPayload { targets: Some(targets.clone()), ..SetPayload::default() };
        let names =
            DeleteVectors { targets: Some(targets.clone()), names: vec!["a".into()], ids: vec![7] };
        let keys = DeletePayload { targets: Some(targets.clone()), keys: vec!["a".into()] };
        vec![
            Change::Upsert(upsert.clone()),
            Change::UpdateVectors(upsert),
            Change::Delete(targets.clone()),
            Change::ClearPayload(targets),
            Change::SetPayload(set.clone()),
            Change::OverwritePayload(set),
            Change::DeleteVectors(names),
            Change::DeletePayload(keys),
        ]
    }

    #[test]
    fn every_point_is_in_one_part_and_each_part_says_the_rest_too() {
        let halves = [0, 1].map(|ordinal| KeyRange::equal_part(ordinal, 2));
        for change in changes() {
            let parts = halves.map(|half| change.within(half).unwrap());
            let mut keys: Vec<&[u8]> = parts.iter().flat_map(Change::keys).collect();
            keys.sort_unstable();
            assert_eq!(keys, change.keys().collect::<Vec<_>>(), "{change:?}");
            for (part, half) in parts.iter().zip(halves) {
                assert!(part.keys().all(|key| is_in(key, half)), "{part:?}");
                assert_eq!(part.within(half).as_ref(), Some(part), "the same but for its points");
            }
            assert_eq!(change.within(KeyRange::ALL), Some(change));
        }
    }

    #[test]
    fn halves_have_all_points_in_order_until_one_is_left() {
        for change in changes() {
            let (first, second) = change.halves().unwrap();
            assert_eq!((first.keys().count(), second.keys().count()), (5, 5));
            assert!(first.keys().chain(second.keys()).eq(change.keys()), "{change:?}");
            let (first, second) = second.halves().unwrap();
            assert_eq!((first.keys().count(), second.keys().count()), (2, 3));
            let one = first.halves().unwrap().1;
            assert_eq!((one.keys().count(), one.halves()), (1, None));
        }
        assert_eq!(Change::DropIndex(DropIndex::default()).halves(), None);
    }

    #[test]
    fn a_range_without_its_points_gets_no_part_and_what_names_none_goes_everywhere() {
        let nowhere = KeyRange { first: 0, last: 0 };
        assert!(changes().iter().all(|change| change.within(nowhere).is_none()));
        let everywhere = [
            Change::DropIndex(DropIndex { field: "f".into() }),
            Change::Delete(Targets::default()),
        ];
        for change in everywhere {
            assert_eq!(change.within(nowhere), Some(change));
        }
    }
}
