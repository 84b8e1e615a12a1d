//! The points that a query finds, by the values of a field.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;
use vane_filter::{Clause, Condition, FieldCondition, FieldRef, Filter, Match, Scalars};
use vane_shard::{Record, Scored, Want, WantPayload, WantVectors};
use vane_types::limits::RESULTS_MAX;
use vane_types::{Error, JsonPath, PointId};

use super::filters::both;
use super::group_lookup::{GroupLookup, look_up};
use super::lookup::not_there;
use super::{Prefetch, Query};
use crate::answer::{check_size, too_large};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Queries for one answer. Groups that take more are left out, or are not full.
const ROUNDS_MAX: usize = 10;

/// How the points of a query are grouped.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// The field; a point is in the group of each text and each integer there.
    pub by: JsonPath,
    /// Points of a group, at most.
    pub size: usize,
    /// Where to look up the points that groups are named after.
    pub lookup: Option<GroupLookup>,
}

/// What the points of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupValue {
    /// An integer.
    Integer(i64),
    /// A text.
    Text(String),
}

/// A group with its best points, the best first.
#[derive(Debug)]
pub struct Group {
    /// What they have in common.
    pub value: GroupValue,
    /// They.
    pub hits: Vec<Scored>,
    /// The point that the group is named after, if it was looked up and is there.
    pub lookup: Option<Record>,
}

impl<S: Shards> Collection<S> {
    /// The best groups of a query, as many as its limit says, by the best point of each.
    ///
    /// Further rounds look among what is in no full group, then among the groups that are not
    /// full, so that one large group near the query leaves room for others.
    ///
    /// # Errors
    /// As those of [`Collection::query`].
    pub async fn query_groups(
        &self,
        mut query: Query,
        mut grouping: Grouping,
        options: RequestOptions,
    ) -> Result<Vec<Group>, Error> {
        let want = std::mem::take(&mut query.want);
        let lookup = match grouping.lookup.take() {
            // Before anything is searched for: it may not be there.
            Some(GroupLookup { collection, want }) => {
                let there = self.coordinator.collection(&collection, options.deadline).await;
                Some((there.map_err(|error| not_there(&collection, error))?, want))
            }
            None => None,
        };
        let groups = query.limit;
        let a_round = groups.saturating_mul(grouping.size).min(u32::MAX as usize);
        widen(&mut query.prefetch, grouping.size);
        query.want =
            Want { payload: WantPayload::Include(vec![grouping.by.clone()]), ..Want::default() };
        let mut gathered = Gathered::new(grouping, groups);
        for _ in 0..ROUNDS_MAX {
            let filter = both(&gathered.next_filter(), query.filter.as_ref())?;
            // Those of groups that are not full are found again.
            let limit = gathered.unfilled_hits().saturating_add(a_round);
            let round = Query { filter: Some(filter), limit, ..query.clone() };
            let found = self.query(round, options.clone()).await?;
            // A prefetch hands on no more than its limit, which says nothing of what there is.
            let is_all = found.len() < limit && query.prefetch.is_empty();
            let is_new = gathered.add(found);
            if gathered.seen.len() > RESULTS_MAX {
                return Err(too_large());
            }
            if gathered.is_full() || is_all || !is_new {
                break;
            }
        }
        let is_smaller_better = query.by.is_nearness() && self.is_distance(&query.using);
        let best = gathered.into_best(is_smaller_better);
        let mut best = self.with_wanted(best, want, options.clone()).await?;
        if let Some((there, want)) = lookup {
            look_up(&mut best, &there, want, options).await?;
        }
        Ok(best)
    }

    /// Puts what is wanted of them in place of what they were grouped by.
    async fn with_wanted(
        &self,
        mut groups: Vec<Group>,
        want: Want,
        options: RequestOptions,
    ) -> Result<Vec<Group>, Error> {
        let wants_ids_only =
            matches!((&want.payload, &want.vectors), (WantPayload::Nothing, WantVectors::Nothing));
        if wants_ids_only {
            check_size(hits(&groups).map(|scored| &scored.record))?;
            return Ok(groups);
        }
        let ids: HashSet<PointId> = hits(&groups).map(|scored| scored.record.id).collect();
        let records = self.retrieve(ids.into_iter().collect(), want, options).await?;
        let records: HashMap<PointId, Record> =
            records.into_iter().map(|record| (record.id, record)).collect();
        // First: a point of many groups is there many times.
        check_size(hits(&groups).filter_map(|scored| records.get(&scored.record.id)))?;
        for group in &mut groups {
            // One that was deleted since it was found is left out.
            group.hits.retain_mut(|scored| {
                let record = records.get(&scored.record.id);
                let order_value = scored.record.order_value;
                let record = record.cloned();
                let record = record.map(|record| scored.record = Record { order_value, ..record });
                record.is_some()
            });
        }
        groups.retain(|group| !group.hits.is_empty());
        Ok(groups)
    }
}

fn hits(groups: &[Group]) -> impl Iterator<Item = &Scored> {
    groups.iter().flat_map(|group| &group.hits)
}

/// Has stages hand on as many points as groups of this size take.
fn widen(stages: &mut [Prefetch], size: usize) {
    for stage in stages {
        stage.limit = stage.limit.saturating_mul(size).min(u32::MAX as usize);
        widen(&mut stage.prefetch, size);
    }
}

/// The groups that were found so far.
struct Gathered {
    grouping: Grouping,
    /// Groups that are asked for.
    wanted: usize,
    /// In the order in which they were found.
    groups: Vec<Group>,
    /// Their places.
    places: BTreeMap<GroupValue, usize>,
    /// Points by the places of groups that they are in.
    seen: HashSet<(usize, PointId)>,
}

impl Gathered {
    fn new(grouping: Grouping, wanted: usize) -> Self {
        let (groups, places, seen) = (Vec::new(), BTreeMap::new(), HashSet::new());
        Self { grouping, wanted, groups, places, seen }
    }

    /// Adds what a round found; whether something of it is new.
    fn add(&mut self, found: Vec<Scored>) -> bool {
        let mut is_new = false;
        for mut scored in found {
            // Not kept: a point of many groups has all of their values.
            let payload = scored.record.payload.take();
            let values = payload.map(|payload| values(&self.grouping.by, &payload));
            for value in values.unwrap_or_default() {
                let place = match self.places.get(&value) {
                    Some(place) => *place,
                    // Those that come later are no better.
                    None if self.groups.len() == self.wanted => continue,
                    None => {
                        let place = self.groups.len();
                        self.places.insert(value.clone(), place);
                        self.groups.push(Group { value, hits: Vec::new(), lookup: None });
                        place
                    }
                };
                let hits = &mut self.groups[place].hits;
                if hits.len() < self.grouping.size && self.seen.insert((place, scored.record.id)) {
                    hits.push(scored.clone());
                    is_new = true;
                }
            }
        }
        is_new
    }

    fn has_room(&self, group: &Group) -> bool {
        group.hits.len() < self.grouping.size
    }

    fn is_full(&self) -> bool {
        self.groups.len() == self.wanted && !self.groups.iter().any(|group| self.has_room(group))
    }

    /// Hits that the next round finds again.
    fn unfilled_hits(&self) -> usize {
        let unfilled = self.groups.iter().filter(|group| self.has_room(group));
        unfilled.map(|group| group.hits.len()).sum()
    }

    /// Among which points the next round looks.
    fn next_filter(&self) -> Filter {
        let key = &self.grouping.by;
        if self.groups.len() == self.wanted {
            let unfilled = self.groups.iter().filter(|group| self.has_room(group));
            let of_them = any_of(key, values_of(unfilled)).collect();
            return Filter { should: Some(Clause::List(of_them)), ..Filter::default() };
        }
        let full = self.groups.iter().filter(|group| !self.has_room(group));
        let without_value = Condition::IsEmpty { is_empty: FieldRef { key: key.clone() } };
        let (must, must_not) = match values_of(full) {
            // No condition asks for a value that is in neither list, so that points of full groups
            // are passed over, those that are of others too among them.
            mixed @ (Some(_), Some(_)) => {
                (None, any_of(key, mixed).chain([without_value]).collect())
            }
            // By another value: a point of a full group may be of one that is not.
            (texts, integers) => {
                let others = texts.or(integers).map(|list| condition(key, Match::Except(list)));
                (others.map(|others| Clause::List(vec![others])), vec![without_value])
            }
        };
        Filter { must, must_not: Some(Clause::List(must_not)), ..Filter::default() }
    }

    /// The best of them. A later round may have found better ones than an earlier one, where a
    /// graph is walked.
    fn into_best(mut self, is_smaller_better: bool) -> Vec<Group> {
        let key = |scored: &Scored| if is_smaller_better { scored.score } else { -scored.score };
        for group in &mut self.groups {
            group.hits.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        let best = |group: &Group| group.hits.first().map_or(f32::INFINITY, key);
        self.groups.sort_by(|a, b| best(a).total_cmp(&best(b)));
        self.groups
    }
}

/// Texts, and integers.
type Values = (Option<Scalars>, Option<Scalars>);

/// The values of groups.
fn values_of<'a>(groups: impl Iterator<Item = &'a Group>) -> Values {
    let (mut texts, mut integers) = (Vec::new(), Vec::new());
    for group in groups {
        match &group.value {
            GroupValue::Integer(integer) => integers.push(*integer),
            GroupValue::Text(text) => texts.push(text.clone()),
        }
    }
    (
        (!texts.is_empty()).then(|| Scalars::Strings(texts.into())),
        (!integers.is_empty()).then(|| Scalars::Integers(integers.into())),
    )
}

/// Conditions of which a point with one of the values passes one.
fn any_of(key: &JsonPath, (texts, integers): Values) -> impl Iterator<Item = Condition> {
    let lists = [texts, integers].into_iter().flatten();
    lists.map(|list| condition(key, Match::Any(list)))
}

fn condition(key: &JsonPath, matching: Match) -> Condition {
    Condition::Field(Box::new(FieldCondition {
        key: key.clone(),
        matching: Some(matching),
        range: None,
        geo_bounding_box: None,
        geo_radius: None,
        geo_polygon: None,
        values_count: None,
        is_empty: None,
        is_null: None,
    }))
}

/// The groups that a point is in, each once.
fn values(by: &JsonPath, payload: &serde_json::Map<String, Value>) -> BTreeSet<GroupValue> {
    let mut found = BTreeSet::new();
    for value in by.values(payload) {
        let each = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in each {
            found.extend(match value {
                Value::String(text) => Some(GroupValue::Text(text.clone())),
                other => other.as_i64().map(GroupValue::Integer),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vane_types::LogIndex;

    use super::*;

    fn scored(id: u64, score: f32, value: Value) -> Scored {
        let payload = json!({ "k": value }).as_object().cloned();
        let (id, version) = (PointId::num(id), LogIndex::ZERO);
        Scored { record: Record { id, version, payload, vectors: None, order_value: None }, score }
    }

    fn gathered(wanted: usize, size: usize) -> Gathered {
        Gathered::new(Grouping { by: "k".parse().unwrap(), size, lookup: None }, wanted)
    }

    fn shown(groups: &[Group]) -> Vec<(String, Vec<PointId>)> {
        let ids = |group: &Group| group.hits.iter().map(|hit| hit.record.id).collect();
        groups.iter().map(|group| (format!("{:?}", group.value), ids(group))).collect()
    }

    #[test]
    fn points_are_in_the_group_of_each_text_and_integer() {
        let payload =
            json!({"k": ["a", "a", 7, 1.5, true, null, ["b"]], "l": [{"m": -1}, {"m": 2}]});
        let of = |path: &str| values(&path.parse().unwrap(), payload.as_object().unwrap());
        let (text, integer) = (|text: &str| GroupValue::Text(text.into()), GroupValue::Integer);
        assert_eq!(of("k"), BTreeSet::from([text("a"), integer(7)]));
        assert_eq!(of("l[].m"), BTreeSet::from([integer(-1), integer(2)]));
        assert_eq!(of("nope"), BTreeSet::new());
    }

    #[test]
    fn rounds_look_among_others_first_and_then_in_what_is_not_full() {
        let mut gathered = gathered(2, 2);
        let empty = json!({"is_empty": {"key": "k"}});
        let filter = |json| Filter::parse(json).unwrap();
        assert_eq!(gathered.next_filter(), filter(json!({ "must_not": [empty] })));
        let first = [scored(1, 0.9, json!("a")), scored(2, 0.8, json!("a"))];
        assert!(gathered.add(first.to_vec()));
        assert!(!gathered.add(first.to_vec()), "they are there");
        let others = json!({"key": "k", "match": {"except": ["a"]}});
        let found = json!({ "must": [others], "must_not": [empty] });
        assert_eq!(gathered.next_filter(), filter(found), "a point of `a` may be of `b` too");
        assert_eq!((gathered.is_full(), gathered.unfilled_hits()), (false, 0));
        assert!(gathered.add(vec![scored(3, 0.7, json!(5)), scored(4, 0.6, json!("c"))]));
        assert_eq!(
            (gathered.is_full(), gathered.unfilled_hits()),
            (false, 1),
            "`c` comes too late"
        );
        let unfilled = json!({"key": "k", "match": {"any": [5]}});
        assert_eq!(gathered.next_filter(), filter(json!({ "should": [unfilled] })));
        assert!(gathered.add(vec![scored(5, 0.75, json!([5, "a"]))]));
        assert!(gathered.is_full());
        let ids = |ids: [u64; 2]| ids.map(PointId::num).to_vec();
        assert_eq!(
            shown(&gathered.into_best(false)),
            [("Text(\"a\")".to_owned(), ids([1, 2])), ("Integer(5)".to_owned(), ids([5, 3]))]
        );
    }

    #[test]
    fn among_full_groups_of_both_types_none_is_looked_for() {
        let mut gathered = gathered(3, 1);
        assert!(gathered.add(vec![scored(1, 0.9, json!("a")), scored(2, 0.8, json!(5))]));
        let full = |value: Value| json!({"key": "k", "match": {"any": [value]}});
        let must_not = json!([full("a".into()), full(5.into()), {"is_empty": {"key": "k"}}]);
        let filter = Filter::parse(json!({ "must_not": must_not })).unwrap();
        assert_eq!(gathered.next_filter(), filter);
    }

    #[test]
    fn smaller_distances_are_better() {
        let mut gathered = gathered(2, 1);
        gathered.add(vec![scored(1, 2.0, json!("far")), scored(2, 1.0, json!("near"))]);
        let best = shown(&gathered.into_best(true));
        assert_eq!(best[0].1, [PointId::num(2)]);
    }
}
