//! Bodies of requests that read points without ranking them.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;
use vane_filter::Filter;
use vane_types::{PointId, TenantId};

use super::order::OrderBy;
use super::select::{RawFilter, WithPayload, WithVector, check_points, filter, want};
use super::shard_key::{NamedKeys, keyed};
use crate::engine::{Ordered, Scroll, Want};
use crate::error::{Error, Kind};

/// Points of a page when the request does not say.
const SCROLL_LIMIT: usize = 10;

/// `POST points`.
#[derive(Debug, Deserialize)]
pub struct Retrieve {
    ids: Vec<PointId>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    shard_key: Option<NamedKeys>,
}

keyed!(Retrieve, ScrollRequest, Count);

impl Retrieve {
    /// The points, and what to return of each.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where there are too many.
    pub fn into_parts(self) -> Result<(Vec<PointId>, Want), Error> {
        check_points("ids", self.ids.len())?;
        Ok((self.ids, want(self.with_payload, self.with_vector, true)))
    }
}

/// Where a page begins: an id, or where those of several tenants are read, a text as it came with
/// the page before.
#[derive(Debug, Clone, Copy)]
struct Offset(PointId);

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some((tenant, id)) = value.as_str().and_then(|text| text.split_once(':'))
            && let Some(tenant) = tenant.parse().ok().and_then(TenantId::from_number)
        {
            let id: PointId = id.parse().map_err(D::Error::custom)?;
            return Ok(Self(id.of(tenant)));
        }
        PointId::deserialize(value).map(Self).map_err(D::Error::custom)
    }
}

/// `POST points/scroll`.
#[derive(Debug, Deserialize)]
pub struct ScrollRequest {
    offset: Option<Offset>,
    limit: Option<u64>,
    filter: Option<RawFilter>,
    with_payload: Option<WithPayload>,
    #[serde(alias = "with_vectors")]
    with_vector: Option<WithVector>,
    order_by: Option<OrderBy>,
    shard_key: Option<NamedKeys>,
}

impl ScrollRequest {
    /// The page it asks for.
    ///
    /// # Errors
    ///
    /// `Kind::Invalid` where the limit is 0, `Kind::Malformed` where the filter
    /// is none, `Kind::BadInput` for an offset in an order of values.
    pub fn into_page(self) -> Result<PageOf, Error> {
        let limit = limit("limit", self.limit, SCROLL_LIMIT)?;
        let want = want(self.with_payload, self.with_vector, true);
        let filter = filter(self.filter)?;
        match (self.order_by, self.offset) {
            (None, offset) => {
                let offset = offset.map(|offset| offset.0);
                Ok(PageOf::Ids(Scroll { filter, offset, limit, want }))
            }
            (Some(OrderBy(order)), None) => {
                Ok(PageOf::Values(Ordered { order, filter, limit, want }))
            }
            // In Qdrant's words.
            (Some(_), Some(_)) => Err(Error::new(
                Kind::BadInput,
                "",
                "Cannot use an `offset` when using `order_by`. The alternative for paging is to \
                 use `order_by.start_from` and a filter to exclude the IDs that you've already \
                 seen for the `order_by.start_from` value",
            )),
        }
    }
}

/// A page of points.
#[derive(Debug, Clone)]
pub enum PageOf {
    /// In id order.
    Ids(Scroll),
    /// In the order of a field's values.
    Values(Ordered),
}

/// `POST points/count`.
#[derive(Debug, Deserialize)]
pub struct Count {
    filter: Option<RawFilter>,
    /// Counts are always exact; a collection may refuse to be asked for that.
    exact: Option<bool>,
    shard_key: Option<NamedKeys>,
}

impl Count {
    /// The points that it asks to count, all of them without a filter, and whether an estimate is
    /// not enough.
    ///
    /// # Errors
    ///
    /// `Kind::Malformed` or `Kind::Invalid` where the filter is none.
    pub fn into_parts(self) -> Result<(Option<Filter>, bool), Error> {
        Ok((filter(self.filter)?, self.exact.unwrap_or(true)))
    }
}

/// How many results are asked for, at most: any number is one, and more than there are means all.
pub(super) fn limit(field: &str, limit: Option<u64>, default: usize) -> Result<usize, Error> {
    match limit {
        None => Ok(default),
        Some(0) => Err(Error::zero(field)),
        Some(limit) => Ok(clamped(limit)),
    }
}

/// A number of results, which is never larger than what all shards together can hold.
pub(super) fn clamped(results: u64) -> usize {
    results.min(u32::MAX.into()) as usize
}
