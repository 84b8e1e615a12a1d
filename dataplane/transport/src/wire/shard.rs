//! What is asked of a shard and what it answers, but for the messages of each kind of read.

use vane_proto::peer;
use vane_shard::{PartExplained, Scored, Search, SearchParams, SearchWay};
use vane_types::{FieldType, FilterClass, JsonPath, PointId, Tally};

use super::{choices, message};

message!(
    Search as (Search {
        using,
        sought,
        filter,
        params: SearchParams { ef, exact, indexed_only },
        score_threshold,
        limit,
        exclude,
        want,
    }) => VectorSearch {
        using, sought = "what is searched for", filter, ef, exact, indexed_only, score_threshold,
        limit, exclude, want,
    }
);
message!(Scored => ScoredRecord { record = "the record of a point", score });
message!((PointId, f32) as ((id, score)) => ScoredId { id, score });
// A payload index: its type, and the points that have a value in it.
message!(
    (JsonPath, (FieldType, usize)) as ((path, (field_type, points))) =>
    PayloadIndexInfo { path, field_type, points }
);
message!(PartExplained {
    segment,
    rows,
    estimated,
    matching,
    way,
    walked,
    ef,
    compared,
    found,
    time_us,
});
choices!(SearchWay, "how a part was searched": Scan, Codes, Graph, Postings);
// What was measured of searches with a kind of filter.
message!(
    (FilterClass, Tally) as ((filter, Tally { searches, found_ppm, ef_percent })) =>
    RecallTally { filter, searches, found_ppm, ef_percent }
);
choices!(FilterClass, "how much a filter leaves": None, Wide, Narrow, Few);
choices!(
    FieldType, "the type of a payload index":
    Keyword, Integer, Float, Bool, Geo, Datetime, Uuid,
);
