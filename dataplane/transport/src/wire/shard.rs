//! What is asked of a shard and what it answers, but for the messages of each kind of read.

use vane_proto::peer;
use vane_shard::{
    InfoOfVector, Job, Optimizer, PartExplained, Scored, Search, SearchParams, SearchWay, SegmentOf,
};
use vane_types::{FieldSchema, FilterClass, JsonPath, PointId, Tally};

use super::{Unreadable, Wire, choice, choices, message};

message!(
    Search as (Search {
        using,
        sought,
        filter,
        params: SearchParams { ef, exact, indexed_only, ignore_codes, oversampling },
        score_threshold,
        limit,
        exclude,
        want,
    }) => VectorSearch {
        using, sought = "what is searched for", filter, ef, exact, indexed_only, ignore_codes,
        oversampling, score_threshold, limit, exclude, want,
    }
);
message!(Scored => ScoredRecord { record = "the record of a point", score });
message!((PointId, f32) as ((id, score)) => ScoredId { id, score });
/// A payload index: its declaration, and the points that have a value in it.
impl Wire for (JsonPath, (FieldSchema, usize)) {
    type Message = peer::PayloadIndexInfo;

    fn into_message(self) -> peer::PayloadIndexInfo {
        let (path, (schema, points)) = self;
        let has_parameters = matches!(schema, FieldSchema::Text(_));
        peer::PayloadIndexInfo {
            path: path.into_message(),
            field_type: type_of(&schema).into(),
            points: points.into_message(),
            schema: if has_parameters { schema.to_logged() } else { String::new() },
        }
    }

    fn from_message(message: peer::PayloadIndexInfo) -> Result<Self, Unreadable> {
        let peer::PayloadIndexInfo { path, field_type, points, schema } = message;
        const TYPE: &str = "the type of a payload index";
        let schema = match choice(field_type, TYPE)? {
            peer::FieldType::Unspecified => return Err(Unreadable::Missing(TYPE)),
            peer::FieldType::Keyword => FieldSchema::Keyword,
            peer::FieldType::Integer => FieldSchema::Integer,
            peer::FieldType::Float => FieldSchema::Float,
            peer::FieldType::Bool => FieldSchema::Bool,
            peer::FieldType::Geo => FieldSchema::Geo,
            peer::FieldType::Datetime => FieldSchema::Datetime,
            peer::FieldType::Uuid => FieldSchema::Uuid,
            peer::FieldType::Text => {
                FieldSchema::from_logged(&schema).map_err(|_| Unreadable::Schema(schema))?
            }
        };
        Ok((Wire::from_message(path)?, (schema, Wire::from_message(points)?)))
    }
}

fn type_of(schema: &FieldSchema) -> peer::FieldType {
    match schema {
        FieldSchema::Keyword => peer::FieldType::Keyword,
        FieldSchema::Integer => peer::FieldType::Integer,
        FieldSchema::Float => peer::FieldType::Float,
        FieldSchema::Bool => peer::FieldType::Bool,
        FieldSchema::Geo => peer::FieldType::Geo,
        FieldSchema::Datetime => peer::FieldType::Datetime,
        FieldSchema::Uuid => peer::FieldType::Uuid,
        FieldSchema::Text(_) => peer::FieldType::Text,
    }
}
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
message!(
    (String, InfoOfVector) as ((name, InfoOfVector { vectors, left_out })) =>
    VectorInfo { name, vectors, left_out }
);
message!(Job {
    number,
    optimizer,
    segments,
    started_ms,
    took_us,
    ended,
    cancelled,
    failure,
    done,
    total,
});
message!(SegmentOf { vector, segment, points });
choices!(
    Optimizer, "what a background job is for": Sealing, Indexing, Merge, Vacuum, PayloadIndex
);
// What was measured of searches with a kind of filter.
message!(
    (FilterClass, Tally) as ((filter, Tally { searches, found_ppm, ef_percent })) =>
    RecallTally { filter, searches, found_ppm, ef_percent }
);
choices!(FilterClass, "how much a filter leaves": None, Wide, Narrow, Few);
