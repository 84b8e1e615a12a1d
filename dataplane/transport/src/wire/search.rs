//! A nearest-neighbour search, which two kinds of read have in them.

use vane_proto::peer;
use vane_shard::{Search, SearchParams};
use vane_types::PointId;

use super::{
    Unreadable, filter_from_wire, filter_to_wire, need, point_id, size, vector_from_wire,
    vector_to_wire, want_from_wire, want_to_wire,
};

pub(crate) fn search_to_wire(search: Search) -> peer::VectorSearch {
    let Search { using, vector, filter, params, score_threshold, limit, exclude, want } = search;
    let SearchParams { ef, exact, indexed_only } = params;
    peer::VectorSearch {
        using,
        vector: Some(vector_to_wire(vector)),
        filter: filter.map(filter_to_wire),
        ef: ef.map(|candidates| candidates as u64),
        exact,
        indexed_only,
        score_threshold,
        limit: limit as u64,
        exclude: exclude.map(PointId::to_key),
        want: Some(want_to_wire(want)),
    }
}

pub(crate) fn search_from_wire(search: Option<peer::VectorSearch>) -> Result<Search, Unreadable> {
    let peer::VectorSearch {
        using,
        vector,
        filter,
        ef,
        exact,
        indexed_only,
        score_threshold,
        limit,
        exclude,
        want,
    } = need(search, "the search")?;
    Ok(Search {
        using,
        vector: vector_from_wire(vector)?,
        filter: filter.map(filter_from_wire).transpose()?,
        params: SearchParams { ef: ef.map(size).transpose()?, exact, indexed_only },
        score_threshold,
        limit: size(limit)?,
        exclude: exclude.map(|key| point_id(&key)).transpose()?,
        want: want_from_wire(want)?,
    })
}
