//! Points in the order of a field's values, and points by chance: what is ranked by no vector.

use std::cmp::Ordering;

use vane_filter::{Filter, Order, OrderValue};
use vane_shard::{Record, Scored, Want};
use vane_transport::reads::{Ordered, Sample};
use vane_types::limits::RESULTS_MAX;
use vane_types::{Error, PointId};

use super::stage::unranked;
use crate::answer::{check_size, too_large};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

impl<S: Shards> Collection<S> {
    /// The first points in an order, each with its value there; one with several values that many
    /// times. Equal values stand by id.
    ///
    /// # Errors
    /// `BadInput` for a field without an index that has an order, and for more than an answer may
    /// hold; that of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn ordered(
        &self,
        mut ordered: Ordered,
        options: &RequestOptions,
    ) -> Result<Vec<Record>, Error> {
        ordered.filter = self.scoped(ordered.filter);
        // As many from each: all of the first may lie in one shard.
        let answers = self.ask_meant(&ordered, options).await?;
        let mut records: Vec<Record> = answers.into_iter().flat_map(|shard| shard.answer).collect();
        records.sort_by(|a, b| compare(&ordered.order, a, b));
        records.truncate(ordered.limit);
        check_size(&records)?;
        Ok(records)
    }

    /// The same as what a query finds.
    pub(super) async fn in_order(
        &self,
        order: Order,
        filter: Option<Filter>,
        limit: usize,
        want: Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let records = self.ordered(Ordered { order, filter, limit, want }, options).await?;
        Ok(records.into_iter().map(unranked).collect())
    }

    /// Points drawn at random: each that passes the filter is as likely as any other.
    pub(super) async fn drawn(
        &self,
        filter: Option<Filter>,
        limit: usize,
        want: Want,
        options: &RequestOptions,
    ) -> Result<Vec<Scored>, Error> {
        let sample = Sample { filter: self.scoped(filter), limit };
        let answers = self.ask_meant(&sample, options).await?;
        if answers.iter().any(|shard| shard.answer.len() == RESULTS_MAX) && limit > RESULTS_MAX {
            return Err(too_large());
        }
        let mut drawn: Vec<_> = answers.into_iter().flat_map(|shard| shard.answer).collect();
        drawn.sort_by(|a, b| a.lot.total_cmp(&b.lot));
        let drawn: Vec<(PointId, f32)> =
            drawn.into_iter().take(limit).map(|drawn| (drawn.id, 1.0)).collect();
        let found = self.with_records(drawn, want, options).await?;
        Ok(found.into_iter().map(|scored| unranked(scored.record)).collect())
    }
}

fn compare(order: &Order, a: &Record, b: &Record) -> Ordering {
    let entry = |record: &Record| {
        // Each has one: it was asked for by it.
        (record.order_value.unwrap_or(OrderValue::Integer(0)), record.id)
    };
    order.compare(entry(a), entry(b))
}

#[cfg(test)]
mod tests {
    use vane_types::LogIndex;

    use super::*;

    #[test]
    fn equal_values_stand_by_id_in_the_direction_of_the_order() {
        let record = |(id, value)| Record {
            id: PointId::num(id),
            version: LogIndex::ZERO,
            payload: None,
            vectors: None,
            order_value: Some(OrderValue::Float(value)),
        };
        let sorted = |descending| {
            let order = Order { by: "n".parse().unwrap(), descending, from: None };
            let mut records = [(3, 1.0), (1, 1.0), (2, -0.5)].map(record);
            records.sort_by(|a, b| compare(&order, a, b));
            records.map(|record| record.id)
        };
        assert_eq!(sorted(false), [2, 1, 3].map(PointId::num));
        assert_eq!(sorted(true), [3, 1, 2].map(PointId::num));
    }
}
