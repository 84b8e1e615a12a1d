//! Points by the values of a field: in their order, and counted.
//!
//! The payload index of the field knows the values, and no payload is read; where few points match,
//! or the index does not have all points yet, the payloads of those that match are read instead.
//! Both say the same.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::time::Instant;

use roaring::RoaringBitmap;
use vane_filter::{Counted, FacetValue, Filter, Order, OrderValue, PayloadIndex};
use vane_types::limits::{ANSWER_BYTES_MAX, RESULTS_MAX};
use vane_types::{FieldSchema, JsonPath, Payload, PointId, Slot};

use crate::error::{BadInput, Error};
use crate::request::{Record, Want};
use crate::search::view::View;
use crate::shard::Shard;
use crate::stored::decode_payload;

/// Values of an index that are walked past in the time in which one point's payload is read.
const VALUES_PER_PAYLOAD: u64 = 100;
/// Slots whose points are looked up under one hold of the shard's lock.
const SLOTS_PER_LOCK: usize = 1024;
/// Steps between two looks at the clock.
const STEPS_PER_DEADLINE: usize = 256;
/// What a value takes in an answer beside its text: itself and its count.
const VALUE_BYTES: usize = 24;
/// Values that are counted at a time, in bytes.
const COUNTED_BYTES_MAX: usize = 4 * ANSWER_BYTES_MAX;

/// Points in the order of a field's values, once for each value.
#[derive(Debug, Clone)]
pub struct Ordered {
    /// The order.
    pub order: Order,
    /// Points to look among.
    pub filter: Option<Filter>,
    /// Entries wanted.
    pub limit: usize,
    /// What to return of each point.
    pub want: Want,
}

/// How many points have each value of a field.
#[derive(Debug, Clone)]
pub struct Facet {
    /// The field.
    pub field: JsonPath,
    /// Points to count.
    pub filter: Option<Filter>,
    /// Values wanted; all without a limit.
    pub limit: Option<usize>,
}

/// A value, and how many points have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetHit {
    /// The value.
    pub value: FacetValue,
    /// Points.
    pub count: u64,
}

impl FacetHit {
    /// The more frequent value first, then the smaller one.
    pub fn compare(&self, other: &Self) -> Ordering {
        other.count.cmp(&self.count).then_with(|| self.value.cmp(&other.value))
    }
}

impl Shard {
    /// The first points in an order, with the value by which each stands there; equal values by id.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a field without an index that has an order, for a vector that the
    /// collection lacks, and for more than an answer may hold; [`Error::Timeout`],
    /// [`Error::NotReady`], [`Error::Storage`].
    pub fn ordered(&self, ordered: &Ordered, deadline: Instant) -> Result<Vec<Record>, Error> {
        let Ordered { order, filter, limit, want } = ordered;
        want.check(&self.state.read().config)?;
        let missing = || BadInput::NoRangeIndex(order.by.clone());
        let values = self.values_of(&order.by, filter.as_ref(), Order::fits, missing, deadline)?;
        // One more than an answer holds: too many are told from just as many.
        let mut first = First::new(order, (*limit).min(RESULTS_MAX + 1));
        match values.by_index() {
            true => self.walk(&values, &mut first)?,
            false => values.each_payload(|slot, payload| {
                for value in order.values(values.index.schema(), payload) {
                    first.add(value, self.id(slot)?, slot);
                }
                Ok(())
            })?,
        }
        let entries = first.sorted();
        let slots: Vec<Slot> = entries.iter().map(|entry| entry.slot).collect();
        let mut records = self.fetch(&values.view, &slots, want)?;
        for (record, entry) in records.iter_mut().zip(&entries) {
            record.order_value = Some(entry.value);
        }
        Ok(records)
    }

    /// Takes in values from the first on, until there are enough.
    fn walk(&self, values: &Values<'_>, first: &mut First<'_>) -> Result<(), Error> {
        let (mut steps, mut failed) = (0, None);
        let order = first.order;
        values.index.in_order(order, &values.among, &mut |value, slots| {
            let taken = values.clock(&mut steps).and_then(|()| self.take(first, value, &slots));
            // What has one value is taken as a whole: ids say what of it comes first.
            taken.map(|()| !first.is_full()).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        });
        failed.map_or(Ok(()), Err)
    }

    fn take(&self, first: &mut First<'_>, value: OrderValue, slots: &[Slot]) -> Result<(), Error> {
        for slots in slots.chunks(SLOTS_PER_LOCK) {
            let state = self.state.read();
            for slot in slots {
                let id =
                    state.ids.id(*slot).ok_or(Error::NotReady { group: self.store.group() })?;
                first.add(value, id, *slot);
            }
        }
        Ok(())
    }

    /// The point of a slot of a view, which is its for ever.
    fn id(&self, slot: Slot) -> Result<PointId, Error> {
        let id = self.state.read().ids.id(slot);
        // Gone with the state that it was of.
        id.ok_or(Error::NotReady { group: self.store.group() })
    }

    /// How many points have each value of a field: the most frequent ones, each with all of its
    /// points.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a field without an index of values, and for more values than an
    /// answer may hold; [`Error::Timeout`], [`Error::NotReady`], [`Error::Storage`].
    pub fn facet(&self, facet: &Facet, deadline: Instant) -> Result<Vec<FacetHit>, Error> {
        let Facet { field, filter, limit } = facet;
        let missing = || BadInput::NoMatchIndex(field.clone());
        let values = self.values_of(field, filter.as_ref(), FacetValue::fits, missing, deadline)?;
        let mut top = Top::new(limit.unwrap_or(usize::MAX));
        match values.by_index() {
            true => values.count(field, &mut top)?,
            false => {
                let counts = values.count_payloads(field)?;
                for (value, count) in counts {
                    top.add(count, || Ok(Some(value)))?;
                }
            }
        }
        Ok(top.sorted())
    }

    /// What is known of a field's values, at one moment.
    fn values_of<'a>(
        &'a self,
        field: &JsonPath,
        filter: Option<&Filter>,
        fits: fn(&FieldSchema) -> bool,
        missing: impl Fn() -> BadInput,
        deadline: Instant,
    ) -> Result<Values<'a>, Error> {
        let (view, (index, is_whole)) = self.view_with(filter, |state| {
            let known = state.fields.get(field).filter(|known| fits(known.index.schema()));
            let known = known.ok_or_else(&missing)?;
            Ok((known.index.clone(), known.is_whole()))
        })?;
        let among = match view.allowed(filter, deadline)? {
            Some(allowed) => allowed.slots.clone(),
            None => view.live.to_bitmap(),
        };
        Ok(Values { view, index, is_whole, among, deadline })
    }
}

/// A field's values in a view.
struct Values<'a> {
    view: View<'a>,
    index: PayloadIndex,
    /// Whether the index has all points.
    is_whole: bool,
    /// Slots of the points that count.
    among: RoaringBitmap,
    deadline: Instant,
}

impl Values<'_> {
    /// Whether the index is the shorter way, and knows enough.
    fn by_index(&self) -> bool {
        self.is_whole
            && self.among.len().saturating_mul(VALUES_PER_PAYLOAD) >= self.index.values() as u64
    }

    fn clock(&self, steps: &mut usize) -> Result<(), Error> {
        *steps += 1;
        if steps.is_multiple_of(STEPS_PER_DEADLINE) && Instant::now() > self.deadline {
            return Err(Error::Timeout { group: self.view.group });
        }
        Ok(())
    }

    /// The payload of each point that counts.
    fn each_payload(
        &self,
        mut visit: impl FnMut(Slot, &Payload) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut steps = 0;
        for slot in &self.among {
            self.clock(&mut steps)?;
            visit(slot, &decode_payload(&self.view.snapshot.present(slot)?.payload)?)?;
        }
        Ok(())
    }

    /// Counts by the index.
    fn count(&self, field: &JsonPath, top: &mut Top) -> Result<(), Error> {
        let (mut steps, mut failed) = (0, None);
        self.index.counts(&self.among, &mut |counted, count| {
            let value = || match counted {
                Counted::Value(value) => Ok(Some(value)),
                Counted::Cut { key, slot } => {
                    let payload = decode_payload(&self.view.snapshot.present(slot)?.payload)?;
                    Ok(FacetValue::of_key(field, self.index.schema(), &payload, key))
                }
            };
            failed = self.clock(&mut steps).and_then(|()| top.add(count, value)).err();
            failed.is_none()
        });
        failed.map_or(Ok(()), Err)
    }

    /// Counts by payloads.
    fn count_payloads(&self, field: &JsonPath) -> Result<HashMap<FacetValue, u64>, Error> {
        let (mut counts, mut bytes) = (HashMap::new(), 0);
        self.each_payload(|_, payload| {
            for value in FacetValue::values(field, self.index.schema(), payload) {
                let size = bytes_of(&value);
                let count = counts.entry(value).or_insert_with(|| {
                    bytes += size;
                    0
                });
                *count += 1;
            }
            if bytes > COUNTED_BYTES_MAX { Err(BadInput::TooManyValues.into()) } else { Ok(()) }
        })?;
        Ok(counts)
    }
}

/// The most frequent values of those that were counted.
struct Top {
    limit: usize,
    /// The last of them on top.
    kept: BinaryHeap<ByCount>,
    /// Of those that are kept, about.
    bytes: usize,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::new(), bytes: 0 }
    }

    /// Takes a value in, which is made only where its count may be enough.
    fn add(
        &mut self,
        count: u64,
        value: impl FnOnce() -> Result<Option<FacetValue>, Error>,
    ) -> Result<(), Error> {
        let is_full = self.kept.len() >= self.limit;
        if is_full && self.kept.peek().is_none_or(|last| count < last.0.count) {
            return Ok(());
        }
        let Some(value) = value()? else { return Ok(()) };
        self.bytes += bytes_of(&value);
        self.kept.push(ByCount(FacetHit { value, count }));
        if is_full && let Some(ByCount(last)) = self.kept.pop() {
            self.bytes -= bytes_of(&last.value);
        }
        // An answer holds no more.
        if self.bytes > ANSWER_BYTES_MAX { Err(BadInput::TooManyValues.into()) } else { Ok(()) }
    }

    fn sorted(self) -> Vec<FacetHit> {
        self.kept.into_sorted_vec().into_iter().map(|by_count| by_count.0).collect()
    }
}

/// What a value takes in an answer, about.
fn bytes_of(value: &FacetValue) -> usize {
    VALUE_BYTES + if let FacetValue::Text(text) = value { text.len() } else { 0 }
}

/// Orders as values stand in an answer.
#[derive(Debug, PartialEq, Eq)]
struct ByCount(FacetHit);

impl Ord for ByCount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

impl PartialOrd for ByCount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An entry of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    value: OrderValue,
    id: PointId,
    slot: Slot,
    descending: bool,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let ascending = (self.value, self.id).cmp(&(other.value, other.id));
        if self.descending { ascending.reverse() } else { ascending }
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first entries of an order.
struct First<'a> {
    order: &'a Order,
    limit: usize,
    /// The last of them on top.
    kept: BinaryHeap<Entry>,
}

impl<'a> First<'a> {
    fn new(order: &'a Order, limit: usize) -> Self {
        Self { order, limit, kept: BinaryHeap::new() }
    }

    fn add(&mut self, value: OrderValue, id: PointId, slot: Slot) {
        let entry = Entry { value, id, slot, descending: self.order.descending };
        if self.kept.len() < self.limit {
            self.kept.push(entry);
        } else if let Some(mut last) = self.kept.peek_mut()
            && entry < *last
        {
            *last = entry;
        }
    }

    fn is_full(&self) -> bool {
        self.kept.len() >= self.limit
    }

    fn sorted(self) -> Vec<Entry> {
        self.kept.into_sorted_vec()
    }
}
