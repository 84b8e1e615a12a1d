//! Which vectors points have, by the log: those that entries gave them, as long as the collection
//! has the vectors that the entries meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::{Meant, Mention};
use crate::write::Write;

/// Names of the vectors of points.
pub(crate) type Vectors = BTreeMap<u64, BTreeSet<String>>;

/// The vectors of a shard, and those of its points.
#[derive(Debug, Default)]
pub(super) struct Present {
    revision: u64,
    names: Meant,
    of_points: Vectors,
}

impl Present {
    /// Of a collection that is made with these vectors.
    pub(super) fn new(names: Meant) -> Self {
        Self { revision: 0, names, of_points: BTreeMap::new() }
    }

    fn has(&self, name: &str, meant: u32) -> bool {
        self.names.get(name) == Some(&meant)
    }

    /// The collection is said to have these vectors. Who has not heard of later ones says nothing.
    pub(super) fn set(&mut self, revision: u64, names: &Meant) {
        if revision < self.revision {
            return;
        }
        for vectors in self.of_points.values_mut() {
            // A name that means another vector by now is none of the points'.
            vectors.retain(|name| names.get(name) == self.names.get(name));
        }
        (self.revision, self.names) = (revision, names.clone());
    }

    /// Whether the collection still has all vectors that a write would give to points.
    pub(super) fn takes(&self, mention: Option<&Mention>) -> bool {
        let Some(Mention::Given(points)) = mention else { return true };
        points.values().flatten().all(|(name, meant)| self.has(name, *meant))
    }

    /// A write was applied, and points are this afterwards.
    pub(super) fn written(
        &mut self,
        write: &Write,
        mention: Option<&Mention>,
        after: &[(u64, Option<u64>)],
    ) {
        for (point, _) in after.iter().filter(|(_, number)| number.is_none()) {
            self.of_points.remove(point);
        }
        match (write, mention) {
            (Write::Put(_), Some(Mention::Given(points))) => {
                let names =
                    |(point, meant): (&u64, &Meant)| (*point, meant.keys().cloned().collect());
                self.of_points.extend(points.iter().map(names));
            }
            (Write::Turn(_), Some(Mention::Given(points))) => {
                for (point, meant) in points {
                    self.of_points.entry(*point).or_default().extend(meant.keys().cloned());
                }
            }
            (Write::Strip(points), Some(Mention::Taken(meant))) => {
                let current: Vec<&String> = meant
                    .iter()
                    .filter(|(name, id)| self.has(name, **id))
                    .map(|(it, _)| it)
                    .collect();
                for point in points {
                    if let Some(vectors) = self.of_points.get_mut(point) {
                        vectors.retain(|name| !current.contains(&name));
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn into_vectors(self) -> Vectors {
        self.of_points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(names: &[(&str, u32)]) -> Meant {
        names.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect()
    }

    fn given(names: &[(&str, u32)]) -> Mention {
        Mention::Given([(1, meant(names))].into())
    }

    #[test]
    fn a_point_has_what_it_was_given_while_the_name_means_the_same() {
        let mut present = Present::new(meant(&[("a", 0), ("b", 0)]));
        let (put, both) = (Write::Put(vec![(1, 9)]), given(&[("a", 0), ("b", 0)]));
        present.written(&put, Some(&both), &[(1, Some(9))]);
        present.set(2, &meant(&[("a", 0), ("b", 2)]));
        present.set(1, &meant(&[("a", 0)]));
        assert!(!present.takes(Some(&both)) && present.takes(Some(&given(&[("b", 2)]))));
        let strip = Write::Strip(vec![1, 2]);
        present.written(&strip, Some(&Mention::Taken(meant(&[("a", 7)]))), &[]);
        assert_eq!(present.of_points[&1].iter().collect::<Vec<_>>(), ["a"]);
        present.written(&Write::Turn(vec![1]), Some(&given(&[("b", 2)])), &[(1, Some(9))]);
        present.written(&strip, Some(&Mention::Taken(meant(&[("a", 0)]))), &[]);
        assert_eq!(present.of_points[&1].iter().collect::<Vec<_>>(), ["b"]);
        present.written(&Write::Remove(vec![1]), None, &[(1, None)]);
        assert_eq!(present.into_vectors(), Vectors::new());
    }
}
