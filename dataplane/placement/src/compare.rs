//! Whether a replica has come to the same as the others of its group.

use std::collections::BTreeMap;

use vane_types::LogIndex;

/// How a replica stands to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Nobody else has a sum of an entry that this one has one of.
    Unknown,
    /// It has what a majority has, or what all have that can be compared.
    Agrees,
    /// A majority of the members has another sum at this entry than this replica.
    OddOneOut(LogIndex),
    /// Replicas differ at this entry, and no sum is that of a majority: by the sums alone nobody
    /// can say who is right.
    Unclear(LogIndex),
}

/// Compares a replica's sums with those of the other members that told theirs; `members` are all,
/// itself included.
pub fn compare(
    mine: &[(LogIndex, u64)],
    others: &[Vec<(LogIndex, u64)>],
    members: usize,
) -> Agreement {
    let mut agreement = Agreement::Unknown;
    let mut compared_by = 0;
    for (index, sum) in mine.iter().rev() {
        let told = others.iter().filter_map(|sums| sum_at(sums, *index));
        let mut voices: BTreeMap<u64, usize> = BTreeMap::new();
        told.for_each(|sum| *voices.entry(sum).or_default() += 1);
        let told: usize = voices.values().sum();
        // Where most can be compared counts: of two entries with as many, the later one.
        if told <= compared_by {
            continue;
        }
        compared_by = told;
        *voices.entry(*sum).or_default() += 1;
        let majority = voices.iter().find(|(_, count)| **count * 2 > members);
        agreement = match majority {
            _ if voices.len() == 1 => Agreement::Agrees,
            Some((of_most, _)) if of_most == sum => Agreement::Agrees,
            Some(_) => Agreement::OddOneOut(*index),
            None => Agreement::Unclear(*index),
        };
    }
    agreement
}

fn sum_at(sums: &[(LogIndex, u64)], index: LogIndex) -> Option<u64> {
    sums.iter().find(|(at, _)| *at == index).map(|(_, sum)| *sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(sums: &[(u64, u64)]) -> Vec<(LogIndex, u64)> {
        sums.iter().map(|(index, sum)| (LogIndex(*index), *sum)).collect()
    }

    fn compared(mine: &[(u64, u64)], others: &[&[(u64, u64)]], members: usize) -> Agreement {
        let others: Vec<_> = others.iter().map(|told| sums(told)).collect();
        compare(&sums(mine), &others, members)
    }

    #[test]
    fn one_against_a_majority_is_the_odd_one() {
        let (right, wrong): (&[_], &[_]) = (&[(256, 7), (300, 9)], &[(256, 7), (300, 8)]);
        assert_eq!(compared(wrong, &[right, right], 3), Agreement::OddOneOut(LogIndex(300)));
        assert_eq!(compared(right, &[right, wrong], 3), Agreement::Agrees);
        assert_eq!(compared(right, &[right, right], 3), Agreement::Agrees);
    }

    #[test]
    fn without_a_majority_nobody_is_right() {
        assert_eq!(compared(&[(5, 1)], &[&[(5, 2)]], 2), Agreement::Unclear(LogIndex(5)));
        // The third is away: two voices are not enough to tell who of them is wrong.
        assert_eq!(compared(&[(5, 1)], &[&[(5, 2)]], 3), Agreement::Unclear(LogIndex(5)));
        let others: [&[_]; 2] = [&[(5, 2)], &[(5, 3)]];
        assert_eq!(compared(&[(5, 1)], &others, 3), Agreement::Unclear(LogIndex(5)));
        // Two alike of five members are no majority, however alone the one is.
        let others: [&[_]; 2] = [&[(5, 2)], &[(5, 2)]];
        assert_eq!(compared(&[(5, 1)], &others, 5), Agreement::Unclear(LogIndex(5)));
    }

    #[test]
    fn replicas_that_are_not_at_one_entry_are_compared_where_both_were() {
        assert_eq!(compared(&[(300, 9)], &[&[(299, 9)]], 2), Agreement::Unknown);
        assert_eq!(compared(&[(300, 9)], &[], 1), Agreement::Unknown);
        let (mine, ahead) = ([(256, 7), (300, 9)], [(256, 7), (512, 4), (530, 2)]);
        assert_eq!(compared(&mine, &[&ahead], 2), Agreement::Agrees);
        let damaged = [(256, 6), (512, 3)];
        assert_eq!(compared(&mine, &[&damaged], 2), Agreement::Unclear(LogIndex(256)));
        // One can be compared now, two at an earlier entry: those decide.
        let (now, then): (&[_], &[_]) = (&[(256, 6), (300, 9)], &[(256, 6)]);
        assert_eq!(compared(&mine, &[now, then], 3), Agreement::OddOneOut(LogIndex(256)));
    }
}
