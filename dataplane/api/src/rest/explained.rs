//! What is told of a query's searches.

use serde_json::{Value, json};

use crate::engine::{PartExplained, SearchExplained, SearchWay, ShardExplained};

/// How the searches of a query went, in the order in which they ended.
pub fn explained(searches: &[SearchExplained]) -> Value {
    searches.iter().map(search).collect()
}

fn search(search: &SearchExplained) -> Value {
    let SearchExplained { using, limit, filtered, shards } = search;
    let shards: Vec<Value> = shards.iter().map(shard).collect();
    json!({ "using": using, "limit": limit, "filtered": filtered, "shards": shards })
}

fn shard(shard: &ShardExplained) -> Value {
    let ShardExplained { ordinal, node, parts } = shard;
    let segments: Vec<Value> = parts.iter().map(part).collect();
    json!({ "shard_id": ordinal, "peer_id": node, "segments": segments })
}

fn part(part: &PartExplained) -> Value {
    let PartExplained {
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
    } = part;
    let way = match way {
        SearchWay::Scan => "scan",
        SearchWay::Codes => "codes",
        SearchWay::Graph => "graph",
        SearchWay::Postings => "postings",
    };
    json!({
        // Rows in memory are no segment yet.
        "segment": segment,
        "way": way,
        "walked_in_vain": *walked && way != "graph",
        "ef": ef,
        "rows": rows,
        "matches_estimated": estimated,
        "matches": matching,
        "compared": compared,
        "found": found,
        "time": *time_us as f64 / 1e6,
    })
}

#[cfg(test)]
mod tests {
    use vane_types::NodeId;

    use super::*;

    #[test]
    fn a_part_says_how_it_was_looked_through_and_what_that_cost() {
        let part = PartExplained {
            segment: Some(3),
            rows: 1000,
            estimated: 120,
            matching: 100,
            way: SearchWay::Codes,
            walked: true,
            ef: 64,
            compared: 164,
            found: 10,
            time_us: 250,
        };
        let shards = vec![ShardExplained { ordinal: 1, node: NodeId(2), parts: vec![part] }];
        let told = explained(&[SearchExplained {
            using: String::new(),
            limit: 10,
            filtered: true,
            shards,
        }]);
        let segment = json!({
            "segment": 3, "way": "codes", "walked_in_vain": true, "ef": 64, "rows": 1000,
            "matches_estimated": 120, "matches": 100, "compared": 164, "found": 10,
            "time": 0.00025,
        });
        let shard = json!({ "shard_id": 1, "peer_id": 2, "segments": [segment] });
        let search = json!({ "using": "", "limit": 10, "filtered": true, "shards": [shard] });
        assert_eq!(told, json!([search]));
    }
}
