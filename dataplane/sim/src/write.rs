//! What clients change, as the checks understand it: points with one number each.
//!
//! A point's number is unique in a run, so that whoever reads it knows which write it saw. A
//! point without a payload has [`NO_NUMBER`].

use std::collections::BTreeMap;

/// What a point without a payload reads as.
pub(crate) const NO_NUMBER: u64 = 0;
/// Numbers fall into so many classes, which filters ask for.
pub(crate) const CLASSES: u64 = 3;

/// The class of a number.
pub(crate) fn class_of(number: u64) -> Option<u64> {
    (number != NO_NUMBER).then_some(number % CLASSES)
}

/// A change of some points of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    /// Puts points, each with a number.
    Put(Vec<(u64, u64)>),
    /// Deletes points.
    Remove(Vec<u64>),
    /// Deletes the points of a class.
    RemoveClass(u64),
    /// Merges a number into the payload of points that exist.
    Merge(Vec<u64>, u64),
    /// Gives points that exist another payload.
    Replace(Vec<u64>, u64),
    /// Takes the number out of the payload of points that exist.
    Erase(Vec<u64>),
    /// Clears the payload of those points that exist.
    Clear(Vec<u64>),
    /// Gives points that exist another vector.
    Turn(Vec<u64>),
    /// Takes the vector of those points that exist.
    Strip(Vec<u64>),
    /// Makes a payload index, or one that is there already.
    MakeIndex,
    /// Drops the payload index, if there is one.
    DropIndex,
}

/// What a request does to, or sees of, one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The point is this afterwards.
    Write(Option<u64>),
    /// The point exists, and has this number afterwards.
    Update(u64),
    /// The point exists and stays as it is.
    Keep,
    /// The point has this number afterwards, if it exists.
    UpdateIfThere(u64),
    /// The point is gone afterwards, if it is of this class.
    RemoveIf(u64),
    /// The point is seen to be this.
    Read(Option<u64>),
}

impl Effect {
    /// The point afterwards; `None` where the effect is impossible on a point that is `before`.
    pub(crate) fn after(self, before: Option<u64>) -> Option<Option<u64>> {
        match self {
            Self::Write(written) => Some(written),
            Self::Update(number) => before.map(|_| Some(number)),
            Self::Keep => before.map(Some),
            Self::UpdateIfThere(number) => Some(before.map(|_| number)),
            Self::RemoveIf(class) => Some(before.filter(|it| class_of(*it) != Some(class))),
            Self::Read(seen) => (seen == before).then_some(before),
        }
    }
}

impl Write {
    /// The points that it names; those of a class are not known by it.
    pub(crate) fn points(&self) -> Vec<u64> {
        match self {
            Self::Put(points) => points.iter().map(|(point, _)| *point).collect(),
            Self::Remove(points)
            | Self::Merge(points, _)
            | Self::Replace(points, _)
            | Self::Erase(points)
            | Self::Clear(points)
            | Self::Turn(points)
            | Self::Strip(points) => points.clone(),
            Self::RemoveClass(_) | Self::MakeIndex | Self::DropIndex => Vec::new(),
        }
    }

    /// What of it concerns those of its points that are `here`; `None` where none is.
    pub(crate) fn part(&self, here: impl Fn(u64) -> bool) -> Option<Self> {
        let of = |points: &[u64]| -> Vec<u64> {
            points.iter().copied().filter(|point| here(*point)).collect()
        };
        let part = match self {
            Self::Put(points) => {
                Self::Put(points.iter().copied().filter(|(point, _)| here(*point)).collect())
            }
            Self::Remove(points) => Self::Remove(of(points)),
            Self::Merge(points, number) => Self::Merge(of(points), *number),
            Self::Replace(points, number) => Self::Replace(of(points), *number),
            Self::Erase(points) => Self::Erase(of(points)),
            Self::Clear(points) => Self::Clear(of(points)),
            Self::Turn(points) => Self::Turn(of(points)),
            Self::Strip(points) => Self::Strip(of(points)),
            // Every shard looks for itself.
            Self::RemoveClass(_) | Self::MakeIndex | Self::DropIndex => return Some(self.clone()),
        };
        (!part.points().is_empty()).then_some(part)
    }

    /// What it does to each of its points when it is not refused. `resolved` are the points
    /// that its filter matched when it was made.
    pub(crate) fn effects(&self, resolved: &[u64]) -> Vec<(u64, Effect)> {
        let same = |effect: Effect| self.points().into_iter().map(move |it| (it, effect)).collect();
        match self {
            Self::Put(points) => points
                .iter()
                .map(|(point, number)| (*point, Effect::Write(Some(*number))))
                .collect(),
            Self::Remove(_) => same(Effect::Write(None)),
            Self::RemoveClass(class) => {
                resolved.iter().map(|point| (*point, Effect::RemoveIf(*class))).collect()
            }
            Self::Merge(_, number) | Self::Replace(_, number) => same(Effect::Update(*number)),
            Self::Erase(_) => same(Effect::Update(NO_NUMBER)),
            Self::Clear(_) => same(Effect::UpdateIfThere(NO_NUMBER)),
            Self::Turn(_) => same(Effect::Keep),
            Self::Strip(_) | Self::MakeIndex | Self::DropIndex => Vec::new(),
        }
    }
}

/// The points of a group as a log leaves them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(BTreeMap<u64, u64>);

impl Model {
    /// Applies a write whole, or refuses it and changes nothing. Says which points it changed,
    /// and what they are now.
    pub(crate) fn apply(
        &mut self,
        write: &Write,
        resolved: &[u64],
    ) -> Option<Vec<(u64, Option<u64>)>> {
        let effects = write.effects(resolved);
        let after = |(point, effect): &(u64, Effect)| {
            Some((*point, effect.after(self.0.get(point).copied())?))
        };
        let changed: Vec<(u64, Option<u64>)> = effects.iter().map(after).collect::<Option<_>>()?;
        for (point, number) in &changed {
            match number {
                Some(number) => drop(self.0.insert(*point, *number)),
                None => drop(self.0.remove(point)),
            }
        }
        Some(changed)
    }

    /// The points of a class.
    pub(crate) fn of_class(&self, class: u64) -> Vec<u64> {
        let matching = self.0.iter().filter(|(_, number)| class_of(**number) == Some(class));
        matching.map(|(point, _)| *point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_needs_points_is_refused_whole() {
        let mut model = Model::default();
        assert!(model.apply(&Write::Put(vec![(1, 7), (2, 8)]), &[]).is_some());
        assert_eq!(model.apply(&Write::Merge(vec![1, 3], 9), &[]), None, "3 is not there");
        assert_eq!(model.of_class(class_of(7).unwrap()), [1], "and 1 is as it was");
        assert_eq!(model.apply(&Write::Merge(vec![1], 9), &[]), Some(vec![(1, Some(9))]));
    }

    #[test]
    fn a_removal_by_class_looks_again_at_what_it_matched() {
        let mut model = Model::default();
        model.apply(&Write::Put(vec![(1, 4), (2, 7)]), &[]);
        model.apply(&Write::Put(vec![(2, 8)]), &[]);
        let removed = model.apply(&Write::RemoveClass(1), &[1, 2]);
        assert_eq!(removed, Some(vec![(1, None), (2, Some(8))]));
        assert_eq!(Effect::RemoveIf(1).after(Some(NO_NUMBER)), Some(Some(NO_NUMBER)));
    }
}
