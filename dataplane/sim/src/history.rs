//! What clients asked for and what they were told.
//!
//! A request for a collection is one operation on each group that it concerns: every group has
//! an order of its own, and of a request that met several the client is told which failed.

mod lives;
mod vectors;

use std::collections::BTreeMap;

use vane_catalog::CollectionEntry;
use vane_types::{Changed, Error, GroupId, LogIndex};

use crate::checks::RequestKey;
use crate::event::Office;
use crate::machine::id_of;
use crate::write::Write;

pub(crate) use lives::{LASTING, Lives, PASSING, names};
pub(crate) use vectors::{Names, Wanted};

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) client: usize,
    /// Of a collection by its name; else of the catalog.
    pub(crate) collection: Option<String>,
    pub(crate) kind: Kind,
    /// Groups of the collection as it was when the request began, by ordinal.
    groups: Vec<GroupId>,
    /// Whether its points are of tenants.
    by_tenant: bool,
    pub(crate) operations: BTreeMap<GroupId, usize>,
    /// Points that it was told to have found.
    pub(crate) count: Option<usize>,
    /// The client was told something.
    pub(crate) is_over: bool,
}

/// What a request does to one group.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) group: GroupId,
    pub(crate) kind: Kind,
    /// Moments are numbers of events: no two things that follow from each other share one.
    pub(crate) invoked: u64,
    /// Never for what nobody was told of.
    pub(crate) returned: u64,
    pub(crate) outcome: Outcome,
    /// The name of a write's command.
    pub(crate) named: Option<RequestKey>,
    /// What the filter of a write matched, and the index at which it was looked up.
    pub(crate) resolved: Option<(LogIndex, Vec<u64>)>,
    /// What the group's leader answered.
    pub(crate) answer: Option<LeaderAnswer>,
}

/// What a leader said of a command, or which state it read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeaderAnswer {
    pub(crate) index: LogIndex,
    pub(crate) office: Office,
    pub(crate) is_refused: bool,
    /// Whether the leader itself read, and no replica that had asked it.
    pub(crate) at_leader: bool,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Write(Write),
    Read { of: ReadOf, linearizable: bool },
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadOf {
    Point(u64),
    /// All points of a collection.
    All,
    /// The points of a class.
    Class(u64),
    /// All points that have a vector.
    Nearest,
    /// How many points of a class there are.
    Count(u64),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not told, or told that nobody knows.
    Unknown,
    /// Told that nothing happened.
    Nothing,
    Applied {
        index: LogIndex,
        office: Office,
    },
    /// Applied, and refused: a point that it names was not there.
    Refused {
        index: LogIndex,
        office: Office,
    },
    /// The points that were found, with their numbers.
    Seen {
        numbers: BTreeMap<u64, u64>,
        index: LogIndex,
        office: Office,
        at_leader: bool,
    },
}

/// What a client found: points with their numbers, or how many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) numbers: Vec<(u64, u64)>,
    pub(crate) count: usize,
}

/// What the coordinator answered.
#[derive(Debug)]
pub(crate) enum Told {
    Changed(Result<(), Error>),
    /// With the index of the state that was read, where no leader read it.
    Found(Result<(Found, Option<LogIndex>), Error>),
}

/// The moment after all others.
pub(crate) const NEVER: u64 = u64::MAX;

impl Operation {
    /// Points that its filter matched; empty without one.
    pub(crate) fn resolved(&self) -> &[u64] {
        self.resolved.as_ref().map_or(&[], |(_, points)| points)
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.kind, Kind::Write(_))
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        !matches!(self.outcome, Outcome::Unknown | Outcome::Nothing)
    }

    /// What a write came to, where the client was told that it is done.
    fn done(&self) -> Result<Outcome, String> {
        match self.answer {
            Some(LeaderAnswer { index, office, is_refused: false, .. }) => {
                Ok(Outcome::Applied { index, office })
            }
            // A filter that matched nothing here.
            None if self.named.is_none() && self.resolved().is_empty() => Ok(Outcome::Nothing),
            _ => Err(format!("was acknowledged without a leader's word: {self:?}")),
        }
    }

    fn becomes(&self, request: &Request, told: &Told) -> Result<Outcome, String> {
        match told {
            Told::Found(Ok((found, at))) => {
                let answer = self.answer.ok_or_else(|| format!("nobody answered {self:?}"))?;
                let here = |(point, _): &&(u64, u64)| request.group_of(*point) == Some(self.group);
                let numbers = found.numbers.iter().filter(here).copied().collect();
                // What a node reads of its own catalog lies at or behind what the leader said.
                let index = at.unwrap_or(answer.index);
                let LeaderAnswer { office, at_leader, .. } = answer;
                Ok(Outcome::Seen { numbers, index, office, at_leader })
            }
            Told::Found(Err(_)) => Ok(Outcome::Nothing),
            Told::Changed(Ok(())) => self.done(),
            Told::Changed(Err(error)) => {
                let ordinal = request.groups.iter().position(|group| *group == self.group);
                let has_failed = |ordinal: usize| {
                    error.shards.as_ref().is_none_or(|shards| shards.failed.contains(&ordinal))
                };
                match (ordinal.is_none_or(has_failed), &error.changed, self.answer) {
                    (false, ..) | (_, Changed::Done, _) => self.done(),
                    (_, Changed::Unknown, _) => Ok(Outcome::Unknown),
                    (_, _, Some(LeaderAnswer { index, office, is_refused: true, .. })) => {
                        Ok(Outcome::Refused { index, office })
                    }
                    (_, Changed::NotInQuestion | Changed::Nothing, _) => Ok(Outcome::Nothing),
                }
            }
        }
    }
}

impl Request {
    /// The group that a point is in.
    fn group_of(&self, point: u64) -> Option<GroupId> {
        match self.collection {
            Some(_) => {
                let hash = id_of(point, self.by_tenant).routing_hash();
                let ordinal = vane_types::KeyRange::equal_part_of(hash, self.groups.len());
                self.groups.get(ordinal).copied()
            }
            None => Some(GroupId::META),
        }
    }

    /// What is asked of one group; `None` where it has no part in it.
    fn part(&self, group: GroupId) -> Option<Kind> {
        let is_here = |point: u64| self.group_of(point) == Some(group);
        match &self.kind {
            Kind::Write(write) => Some(Kind::Write(write.part(is_here)?)),
            // All other reads ask every shard.
            Kind::Read { of: ReadOf::Point(point), .. } if !is_here(*point) => None,
            read @ Kind::Read { .. } => Some(read.clone()),
        }
    }
}

/// All requests of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) requests: Vec<Request>,
    pub(crate) operations: Vec<Operation>,
}

impl History {
    /// A client has a request; its number.
    pub(crate) fn ask(&mut self, client: usize, collection: Option<String>, kind: Kind) -> usize {
        self.requests.push(Request {
            client,
            collection,
            kind,
            groups: Vec::new(),
            by_tenant: false,
            operations: BTreeMap::new(),
            count: None,
            is_over: false,
        });
        self.requests.len() - 1
    }

    /// It begins, on the collection as a node knows it; without one, on the catalog.
    pub(crate) fn begin(&mut self, number: usize, entry: Option<&CollectionEntry>, now: u64) {
        let request = &mut self.requests[number];
        // As of now: a collection of the same name that is made later has other groups.
        request.groups = entry.map_or(vec![GroupId::META], |entry| entry.shards.clone());
        request.by_tenant = entry.is_some_and(|entry| entry.config.by_tenant);
        for group in request.groups.clone() {
            let Some(kind) = request.part(group) else { continue };
            request.operations.insert(group, self.operations.len());
            self.operations.push(Operation {
                group,
                kind,
                invoked: now,
                returned: NEVER,
                outcome: Outcome::Unknown,
                named: None,
                resolved: None,
                answer: None,
            });
        }
    }

    /// The part of a request that concerns a group.
    pub(crate) fn part(&mut self, number: usize, group: GroupId) -> Option<&mut Operation> {
        let operation = *self.requests.get(number)?.operations.get(&group)?;
        self.operations.get_mut(operation)
    }

    /// A client is told what became of its request; an error says why that cannot be.
    pub(crate) fn end(&mut self, number: usize, told: &Told, now: u64) -> Result<(), String> {
        let request = &mut self.requests[number];
        request.is_over = true;
        if let (Kind::Read { of: ReadOf::Count(_), .. }, Told::Found(Ok((found, _)))) =
            (&request.kind, told)
        {
            request.count = Some(found.count);
        }
        for at in request.operations.values() {
            let operation = &mut self.operations[*at];
            operation.outcome = operation.becomes(request, told)?;
            // What nobody knows may still take effect, at any time.
            if operation.outcome != Outcome::Unknown {
                operation.returned = now;
            }
        }
        Ok(())
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.operations.iter().filter(|operation| operation.is_acknowledged()).count()
    }
}

#[cfg(test)]
mod tests {
    use vane_types::{FailedShards, KeyRange};

    use super::*;

    /// A request of two shards, of which each has one of the points.
    fn request(kind: Kind, by_tenant: bool) -> Request {
        Request {
            client: 0,
            collection: Some("c".into()),
            kind,
            groups: vec![GroupId(1), GroupId(2)],
            by_tenant,
            operations: BTreeMap::new(),
            count: None,
            is_over: false,
        }
    }

    #[test]
    fn every_shard_of_a_collection_has_points_and_its_part_of_a_write() {
        let points: Vec<(u64, u64)> = (1..=4).map(|point| (point, 10 + point)).collect();
        for by_tenant in [false, true] {
            let request = request(Kind::Write(Write::Put(points.clone())), by_tenant);
            let parts = request.groups.iter().map(|group| request.part(*group));
            let written = parts.map(|part| match part {
                Some(Kind::Write(write)) => write.points(),
                other => panic!("each shard has a part, not {other:?}"),
            });
            let written: Vec<Vec<u64>> = written.collect();
            assert!(written.iter().all(|points| !points.is_empty()), "{written:?}");
            let first = id_of(written[0][0], by_tenant).routing_hash();
            assert_eq!(KeyRange::equal_part_of(first, 2), 0);
        }
    }

    #[test]
    fn of_a_write_that_failed_in_part_the_other_parts_are_done() {
        let mut history = History::default();
        let number = history.ask(0, Some("c".into()), Kind::Write(Write::MakeIndex));
        history.requests[number] = request(Kind::Write(Write::MakeIndex), false);
        for group in [GroupId(1), GroupId(2)] {
            history.requests[number].operations.insert(group, history.operations.len());
            let office = Office::default();
            history.operations.push(Operation {
                group,
                kind: Kind::Write(Write::MakeIndex),
                invoked: 1,
                returned: NEVER,
                outcome: Outcome::Unknown,
                named: Some((1, group.0)),
                resolved: None,
                answer: Some(LeaderAnswer {
                    index: LogIndex(7),
                    office,
                    is_refused: false,
                    at_leader: true,
                }),
            });
        }
        let shards = FailedShards { collection: "c".into(), failed: vec![1], shards: 2 };
        let error = Error { shards: Some(shards), ..Error::unknown_outcome("lost") };
        history.end(number, &Told::Changed(Err(error)), 9).unwrap();
        assert!(history.operations[0].is_acknowledged());
        assert_eq!(history.operations[1].outcome, Outcome::Unknown);
        assert_eq!(history.operations[1].returned, NEVER);
    }
}
