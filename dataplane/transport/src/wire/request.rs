//! Reads.

use vane_filter::Filter;
use vane_proto::peer::read_request::What;
use vane_proto::peer::want::Part;
use vane_proto::peer::{
    Basis, Count, Fetch, Freshness as WireFreshness, Info, ReadRequest, Resolve, Retrieve,
    Scroll as WireScroll, Search as WireSearch, VectorOf, Want as WireWant,
};
use vane_shard::{Scroll, Search, SearchParams, Want, WantPayload, WantVectors};
use vane_types::{GroupId, JsonPath, PointId};

use super::{id, ids};
use crate::local::{Freshness, ShardRead};

pub(crate) fn read_to_wire(
    group: GroupId,
    read: ShardRead,
    freshness: Freshness,
    timeout_ms: u64,
) -> ReadRequest {
    let freshness = match freshness {
        Freshness::Leader => WireFreshness::Leader,
        Freshness::Linearizable => WireFreshness::Linearizable,
    };
    let what = match read {
        ShardRead::Search(search) => What::Search(search_to_wire(search, false)),
        ShardRead::Hold(search) => What::Search(search_to_wire(search, true)),
        ShardRead::Fetch { held, places, want } => {
            // Places are below the limit of a search.
            let places = places.into_iter().map(|it| it as u32).collect();
            What::Fetch(Fetch { held, places, want: Some(want_to_wire(want)) })
        }
        ShardRead::Retrieve { ids, want } => What::Retrieve(Retrieve {
            ids: ids.into_iter().map(PointId::to_key).collect(),
            want: Some(want_to_wire(want)),
        }),
        ShardRead::Scroll(Scroll { filter, offset, limit, want }) => What::Scroll(WireScroll {
            filter: filter_to_wire(filter.as_ref()),
            offset: offset.map(PointId::to_key).unwrap_or_default(),
            limit: limit as u64,
            want: Some(want_to_wire(want)),
        }),
        ShardRead::Count(filter) => What::Count(Count { filter: filter_to_wire(filter.as_ref()) }),
        ShardRead::VectorOf { id, using } => What::VectorOf(VectorOf { id: id.to_key(), using }),
        ShardRead::Resolve(filter) => {
            What::Resolve(Resolve { filter: filter_to_wire(Some(&filter)) })
        }
        ShardRead::Info => What::Info(Info {}),
        ShardRead::Basis => What::Basis(Basis {}),
    };
    ReadRequest { group: group.0, timeout_ms, freshness: freshness.into(), what: Some(what) }
}

pub(crate) fn read_from_wire(request: ReadRequest) -> Result<(Freshness, ShardRead), String> {
    let freshness = match request.freshness() {
        WireFreshness::Leader | WireFreshness::Any => Freshness::Leader,
        WireFreshness::Linearizable => Freshness::Linearizable,
        WireFreshness::Unspecified => {
            return Err("the read does not say how new its answer must be".into());
        }
    };
    let read = match request.what.ok_or("the read asks for nothing that this version knows")? {
        What::Search(search) => {
            let hold = search.hold;
            let search = search_from_wire(search)?;
            if hold { ShardRead::Hold(search) } else { ShardRead::Search(search) }
        }
        What::Fetch(Fetch { held, places, want }) => {
            let places = places.into_iter().map(|it| it as usize).collect();
            ShardRead::Fetch { held, places, want: want_from_wire(want)? }
        }
        What::Retrieve(Retrieve { ids: keys, want }) => {
            ShardRead::Retrieve { ids: ids(&keys)?, want: want_from_wire(want)? }
        }
        What::Scroll(WireScroll { filter, offset, limit, want }) => ShardRead::Scroll(Scroll {
            filter: filter_from_wire(&filter)?,
            offset: if offset.is_empty() { None } else { Some(id(&offset)?) },
            limit: size(limit)?,
            want: want_from_wire(want)?,
        }),
        What::Count(Count { filter }) => ShardRead::Count(filter_from_wire(&filter)?),
        What::VectorOf(VectorOf { id: key, using }) => ShardRead::VectorOf { id: id(&key)?, using },
        What::Resolve(Resolve { filter }) => {
            ShardRead::Resolve(filter_from_wire(&filter)?.unwrap_or_default())
        }
        What::Info(Info {}) => ShardRead::Info,
        What::Basis(Basis {}) => ShardRead::Basis,
    };
    Ok((freshness, read))
}

fn search_to_wire(search: Search, hold: bool) -> WireSearch {
    let Search { using, vector, filter, params, score_threshold, limit, exclude, want } = search;
    let SearchParams { ef, exact, indexed_only } = params;
    WireSearch {
        using,
        vector,
        filter: filter_to_wire(filter.as_ref()),
        ef: ef.map(|it| it as u64),
        exact,
        indexed_only,
        score_threshold,
        limit: limit as u64,
        exclude: exclude.map(PointId::to_key).unwrap_or_default(),
        want: Some(want_to_wire(want)),
        hold,
    }
}

fn search_from_wire(search: WireSearch) -> Result<Search, String> {
    let WireSearch {
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
        ..
    } = search;
    Ok(Search {
        using,
        vector,
        filter: filter_from_wire(&filter)?,
        params: SearchParams { ef: ef.map(size).transpose()?, exact, indexed_only },
        score_threshold,
        limit: size(limit)?,
        exclude: if exclude.is_empty() { None } else { Some(id(&exclude)?) },
        want: want_from_wire(want)?,
    })
}

fn filter_to_wire(filter: Option<&Filter>) -> String {
    filter.map_or_else(String::new, |it| serde_json::to_string(it).expect("a filter is plain data"))
}

fn filter_from_wire(json: &str) -> Result<Option<Filter>, String> {
    if json.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(json).map(Some).map_err(|e| format!("the filter could not be read: {e}"))
}

fn want_to_wire(want: Want) -> WireWant {
    let texts = |paths: Vec<JsonPath>| paths.iter().map(ToString::to_string).collect();
    let (payload, payload_paths) = match want.payload {
        WantPayload::Nothing => (Part::Nothing, Vec::new()),
        WantPayload::All => (Part::All, Vec::new()),
        WantPayload::Include(paths) => (Part::Some, texts(paths)),
        WantPayload::Exclude(paths) => (Part::AllBut, texts(paths)),
    };
    let (vectors, vector_names) = match want.vectors {
        WantVectors::Nothing => (Part::Nothing, Vec::new()),
        WantVectors::All => (Part::All, Vec::new()),
        WantVectors::Named(names) => (Part::Some, names),
    };
    WireWant { payload: payload.into(), payload_paths, vectors: vectors.into(), vector_names }
}

fn want_from_wire(want: Option<WireWant>) -> Result<Want, String> {
    let want = want.unwrap_or_default();
    let paths = |texts: &[String]| {
        texts
            .iter()
            .map(|it| it.parse::<JsonPath>().map_err(|e| e.to_string()))
            .collect::<Result<Vec<_>, _>>()
    };
    let payload = match want.payload() {
        Part::Nothing => WantPayload::Nothing,
        Part::All => WantPayload::All,
        Part::Some => WantPayload::Include(paths(&want.payload_paths)?),
        Part::AllBut => WantPayload::Exclude(paths(&want.payload_paths)?),
    };
    let vectors = match want.vectors() {
        Part::Nothing => WantVectors::Nothing,
        Part::Some => WantVectors::Named(want.vector_names),
        Part::All | Part::AllBut => WantVectors::All,
    };
    Ok(Want { payload, vectors })
}

fn size(number: u64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("{number} is more than this machine counts to"))
}
