//! How clients read points, as calls of the collection's interface.

use vane_coordinator::{By, Collection, Query, RequestOptions};
use vane_filter::Filter;
use vane_shard::{Record, Scroll, SearchParams, Want, WantPayload};
use vane_types::Error;

use super::reach::Reach;
use crate::history::{Found, ReadOf};
use crate::machine::{POINTS_MAX, SIZE, among_tenants, class_filter, id_of, number_of};

/// Reads points of a collection.
pub(super) async fn find(
    collection: &Collection<Reach>,
    of: ReadOf,
    options: RequestOptions,
) -> Result<Found, Error> {
    let want = Want { payload: WantPayload::All, ..Want::default() };
    let page = |filter, want| Scroll { filter, offset: None, limit: POINTS_MAX, want };
    let everything = among_tenants(None, collection.is_by_tenant());
    let records: Vec<Record> = match of {
        ReadOf::Point(point) => {
            let id = id_of(point, collection.is_by_tenant());
            collection.retrieve(vec![id], want, options).await?
        }
        ReadOf::All => collection.scroll(page(everything, want), options).await?.records,
        ReadOf::Class(class) => {
            collection.scroll(page(Some(class_filter(class)), want), options).await?.records
        }
        ReadOf::Nearest => {
            let found = collection.query(nearest(everything, want), options).await?;
            found.into_iter().map(|scored| scored.record).collect()
        }
        ReadOf::Count(class) => {
            let count = collection.count(Some(class_filter(class)), options).await?;
            return Ok(Found { numbers: Vec::new(), count });
        }
    };
    let numbers: Vec<(u64, u64)> =
        records.iter().map(number_of).collect::<Result<_, _>>().map_err(Error::internal)?;
    Ok(Found { count: numbers.len(), numbers })
}

fn nearest(filter: Option<Filter>, want: Want) -> Query {
    Query {
        by: By::Vector(vec![0.0; SIZE].into()),
        using: String::new(),
        filter,
        params: SearchParams::default(),
        corpus: None,
        score_threshold: None,
        limit: POINTS_MAX,
        offset: 0,
        want,
        prefetch: Vec::new(),
        lookup: None,
    }
}
