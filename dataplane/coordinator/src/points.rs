//! Reads of points by id, page or filter, and figures of a collection.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use vane_filter::Filter;
use vane_shard::{Info, Page, Record, Scroll, Want};
use vane_transport::reads::{Count, InfoOf, Retrieve};
use vane_types::limits::POINTS_PER_REQUEST_MAX;
use vane_types::{Error, JsonPath, OwnId, PointId};

use crate::answer::{check_size, shorten};
use crate::collection::Collection;
use crate::options::RequestOptions;
use crate::shards::Shards;

/// Time between looks at how far a payload index is, at first and later.
const FILLED_PAUSE_MIN: Duration = Duration::from_millis(5);
const FILLED_PAUSE_MAX: Duration = Duration::from_millis(200);
/// Time that is left for the answer when a payload index is not waited for any longer.
const FILLED_RESERVE: Duration = Duration::from_millis(250);

impl<S: Shards> Collection<S> {
    /// What its shards hold and do at the moment, at their leaders.
    ///
    /// # Errors
    /// That of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn info(&self, options: RequestOptions) -> Result<Info, Error> {
        let mut sum = Info::default();
        for info in self.ask_all(&InfoOf, &options.of_leaders()).await? {
            sum.add(info);
        }
        Ok(sum)
    }

    /// Waits until a payload index has all points at the leaders of all shards, or is no more;
    /// false where that takes longer than the request has time.
    pub async fn wait_filled(&self, field: &JsonPath, options: RequestOptions) -> bool {
        let shards = &self.coordinator.shards;
        let mut pause = FILLED_PAUSE_MIN;
        loop {
            // A shard that does not answer now may do so in a moment.
            let info = self.info(options.clone()).await;
            if info.is_ok_and(|info| !info.filling_indexes.contains(field)) {
                return true;
            }
            // The answer has to get to the client in time too.
            if shards.now() + pause + FILLED_RESERVE > options.deadline {
                return false;
            }
            shards.sleep(pause).await;
            pause = (pause * 2).min(FILLED_PAUSE_MAX);
        }
    }

    /// Those of the points that are there, each once, in the order asked for.
    ///
    /// # Errors
    /// `BadInput` for more than an answer may hold; that of a shard that does not answer, see
    /// [`RequestOptions::partial`].
    pub async fn retrieve(
        &self,
        mut ids: Vec<PointId>,
        want: Want,
        options: RequestOptions,
    ) -> Result<Vec<Record>, Error> {
        // At its first place.
        let mut seen = HashSet::with_capacity(ids.len());
        ids.retain(|id| seen.insert(*id));
        ids = self.meant(ids);
        if ids.len() > POINTS_PER_REQUEST_MAX {
            return Err(Error::bad_input(format!(
                "{} ids under the shard keys that are named; at most {POINTS_PER_REQUEST_MAX} are \
                 looked up at once",
                ids.len()
            )));
        }
        let mut by_shard: Vec<Vec<PointId>> = vec![Vec::new(); self.groups().len()];
        for id in &ids {
            match self.is_by_tenant() && id.tenant.is_none() {
                false => by_shard[self.ordinal_of(*id)].push(*id),
                // Whose point it is, each shard tries for those that it has.
                true => by_shard.iter_mut().for_each(|ids| ids.push(*id)),
            }
        }
        let asked = by_shard.into_iter().enumerate().filter(|(_, ids)| !ids.is_empty());
        let reads = asked.map(|(ordinal, ids)| (ordinal, Retrieve { ids, want: want.clone() }));
        let answers = self.ask(reads, &options).await?;
        let records = answers.into_iter().flat_map(|shard| shard.answer);
        let mut found: HashMap<PointId, Record> =
            records.map(|record| (record.id, record)).collect();
        check_size(found.values())?;
        // In the caller's order, whichever shard was faster.
        let of_all = of_all_tenants(found.keys().copied());
        let meant = ids.iter().flat_map(|id| match id.tenant {
            Some(_) => std::slice::from_ref(id),
            None => of_all.get(&id.own).map_or(&[][..], Vec::as_slice),
        });
        Ok(meant.filter_map(|id| found.remove(id)).collect())
    }

    /// A page of points in id order; shorter than asked for where an answer holds no more. Points
    /// of shards that a partial read goes without are missing from it, and the next page does not
    /// come back to them.
    ///
    /// # Errors
    /// That of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn scroll(&self, mut scroll: Scroll, options: RequestOptions) -> Result<Page, Error> {
        let limit = scroll.limit;
        scroll.filter = self.scoped(scroll.filter);
        scroll.offset = scroll.offset.map(|offset| self.page_from(offset)).transpose()?;
        // A whole page from each: all of the next points may lie in one shard.
        let pages = self.ask_meant(&scroll, &options).await?;
        let mut pages: Vec<Page> = pages.into_iter().map(|shard| shard.answer).collect();
        if pages.len() == 1 {
            return Ok(pages.remove(0));
        }
        Ok(merge_pages(pages, limit))
    }

    /// How many points match; all of them without a filter.
    ///
    /// # Errors
    /// That of a shard that does not answer, see [`RequestOptions::partial`].
    pub async fn count(
        &self,
        filter: Option<Filter>,
        options: RequestOptions,
    ) -> Result<usize, Error> {
        // A point is in one shard only, so nothing is counted twice.
        let counted = self.ask_meant(&Count { filter: self.scoped(filter) }, &options).await?;
        Ok(counted.into_iter().map(|shard| shard.answer).sum())
    }
}

/// Points by what clients call them, in order.
fn of_all_tenants(ids: impl Iterator<Item = PointId>) -> HashMap<OwnId, Vec<PointId>> {
    let mut of_all: HashMap<OwnId, Vec<PointId>> = HashMap::new();
    ids.for_each(|id| of_all.entry(id.own).or_default().push(id));
    of_all.values_mut().for_each(|ids| ids.sort_unstable());
    of_all
}

/// One page out of one of each shard, all asked from the same offset.
fn merge_pages(pages: Vec<Page>, limit: usize) -> Page {
    let next_of_shards = pages.iter().filter_map(|page| page.next).min();
    let mut records: Vec<Record> = pages.into_iter().flat_map(|page| page.records).collect();
    records.sort_by_key(|record| record.id);
    // What is cut off comes before any shard's own next: that follows `limit` points of its.
    let first_cut = records.get(limit).map(|record| record.id);
    records.truncate(limit);
    // A shard's page may be short: what others have behind its end belongs to the next one.
    if let Some(next) = next_of_shards {
        records.retain(|record| record.id < next);
    }
    let mut page = Page { records, next: first_cut.into_iter().chain(next_of_shards).min() };
    shorten(&mut page);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[u64], next: Option<u64>) -> Page {
        let record = |id: &u64| Record {
            id: PointId::num(*id),
            version: Default::default(),
            payload: None,
            vectors: None,
            order_value: None,
        };
        Page { records: ids.iter().map(record).collect(), next: next.map(PointId::num) }
    }

    fn merged(pages: Vec<Page>, limit: usize) -> (Vec<u64>, Option<u64>) {
        let number = |id: PointId| match id.own {
            OwnId::Num(number) => number,
            OwnId::Uuid(_) => panic!("the test has numbers only"),
        };
        let Page { records, next } = merge_pages(pages, limit);
        (records.into_iter().map(|record| number(record.id)).collect(), next.map(number))
    }

    #[test]
    fn pages_of_shards_make_one_that_skips_nothing() {
        let pages = vec![page(&[1, 4, 9], Some(12)), page(&[2, 3], None)];
        assert_eq!(merged(pages, 3), (vec![1, 2, 3], Some(4)));
        let pages = vec![page(&[1, 4], Some(12)), page(&[2], None)];
        assert_eq!(merged(pages, 3), (vec![1, 2, 4], Some(12)));
        assert_eq!(merged(vec![page(&[1], None), page(&[], None)], 3), (vec![1], None));
        // The first shard's page ends early.
        let pages = vec![page(&[1], Some(3)), page(&[2, 4, 5], None)];
        assert_eq!(merged(pages, 9), (vec![1, 2], Some(3)));
    }
}
