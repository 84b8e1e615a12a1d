//! Which groups of a node have leaders here, and in which the leader changed: kept where a replica
//! changes, for those who would have to look at all groups otherwise.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use vane_types::GroupId;

/// The leaders of a node's groups, but for that of the meta group.
#[derive(Debug, Default)]
pub struct Leaders(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    here: BTreeSet<GroupId>,
    changed: BTreeSet<GroupId>,
}

impl Leaders {
    /// How many groups are led from here, by a replica that may answer.
    pub fn count_here(&self) -> usize {
        self.0.lock().here.len()
    }

    /// Those groups.
    pub fn here(&self) -> Vec<GroupId> {
        self.0.lock().here.iter().copied().collect()
    }

    /// Groups that got another leader, or lost theirs, since this was called last.
    pub fn take_changed(&self) -> BTreeSet<GroupId> {
        std::mem::take(&mut self.0.lock().changed)
    }

    /// Notes that a group has another leader, or that its replica here began or ceased to serve.
    pub(crate) fn note(&self, group: GroupId, serves: bool) {
        if group == GroupId::META {
            return;
        }
        let mut lists = self.0.lock();
        lists.changed.insert(group);
        match serves {
            true => lists.here.insert(group),
            false => lists.here.remove(&group),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_listed_while_they_are_led_from_here_and_once_for_each_change() {
        let leaders = Leaders::default();
        for (group, serves) in [(7, false), (7, true), (8, true), (9, false)] {
            leaders.note(GroupId(group), serves);
        }
        assert_eq!((leaders.here(), leaders.count_here()), (vec![GroupId(7), GroupId(8)], 2));
        assert_eq!(leaders.take_changed(), [7, 8, 9].map(GroupId).into());
        assert!(leaders.take_changed().is_empty());
        leaders.note(GroupId(7), false);
        assert_eq!((leaders.here(), leaders.count_here()), (vec![GroupId(8)], 1));
        assert_eq!(leaders.take_changed(), [GroupId(7)].into());
    }

    #[test]
    fn the_meta_group_is_not_among_them() {
        let leaders = Leaders::default();
        leaders.note(GroupId::META, true);
        assert_eq!((leaders.count_here(), leaders.take_changed().len()), (0, 0));
    }
}
