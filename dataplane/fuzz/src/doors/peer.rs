//! Calls of other nodes: each method with messages that were broken field by field.

use std::path::Path;

use prost::Message;
use vane_commands::{
    Change, Command, CreateIndex, DeletePayload, DeleteVectors, DropIndex, LoggedVector, Point,
    SetPayload, Targets, Upsert,
};
use vane_proto::admin::Group;
use vane_proto::peer as wire;
use vane_types::{PointId, Vector};

use super::calls::{Call, Called, one, peer};
use super::rest_bodies;
use crate::hostile::protobuf::hostile;
use crate::{Budget, Failure, Random, Tally};

/// Milliseconds that calls wait for something that does not come.
const TIMEOUT_MS: u64 = 200;

pub(super) fn attempt(program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
    Called::start(program)?.spend(program, budget, ("peer", seed), |groups, random| {
        let (path, messages) = match random.below(3) {
            0 => write(groups, random),
            1 => read(groups, random),
            _ => other(groups, random),
        };
        (path, messages.iter().map(|message| hostile(message, random)).collect())
    })
}

fn write(groups: &[Group], random: &mut Random) -> Call {
    let change = random.pick(&changes()).clone();
    // Broken within, so that what is around it mostly arrives.
    let mut command = Command::new(change).encode_stored();
    let body = hostile(&command.split_off(1), random);
    command.extend(body);
    let group = random.pick(groups).id;
    one(
        peer("Propose"),
        &wire::ProposeRequest { group, command, timeout_ms: TIMEOUT_MS, ..Default::default() },
    )
}

fn changes() -> Vec<Change> {
    let ids = vec![PointId::num(3).to_key(), PointId::num(4).to_key()];
    let by_ids = Targets { ids, ..Default::default() };
    let filter = rest_bodies::filter().to_string();
    let by_filter = Targets { filter, semantics: 1, ..Default::default() };
    let vectors = vec![LoggedVector::new(String::new(), Vector::Dense(vec![0.5, 1.0]))];
    let payload = br#"{"n": 7, "a": [{"b": {"c": [1, "x"]}}]}"#.to_vec();
    let point = Point { id: PointId::num(7).to_key(), vectors, payload: payload.clone() };
    let upsert = Upsert::of(vec![point.clone(), point]);
    let targets = Some(by_ids.clone());
    let key = "a[0].b".into();
    let set = SetPayload { targets: targets.clone(), payload, key, makes_arrays: true };
    let keys = vec!["n".to_owned(), "a[].b".to_owned()];
    let field = "a[].b".to_owned();
    vec![
        Change::Upsert(upsert.clone()),
        Change::UpdateVectors(upsert),
        Change::Delete(by_ids.clone()),
        Change::Delete(by_filter.clone()),
        Change::ClearPayload(by_filter),
        Change::SetPayload(set.clone()),
        Change::OverwritePayload(set),
        Change::DeletePayload(DeletePayload { targets: targets.clone(), keys }),
        Change::DeleteVectors(DeleteVectors {
            targets,
            names: vec![String::new()],
            ids: Vec::new(),
        }),
        Change::CreateIndex(CreateIndex {
            field: field.clone(),
            field_type: "keyword".into(),
            online: true,
        }),
        Change::CreateIndex(CreateIndex {
            field: field.clone(),
            field_type: r#"{"text":{"tokenizer":"prefix","lowercase":true}}"#.into(),
            online: true,
        }),
        Change::DropIndex(DropIndex { field }),
    ]
}

fn read(groups: &[Group], random: &mut Random) -> Call {
    let header = Some(wire::ReadHeader {
        group: random.pick(groups).id,
        timeout_ms: TIMEOUT_MS,
        freshness: random.below(4) as i32,
        applied: 1,
        any_replica: random.below(2) == 1,
        staleness_ms: random.below(2) as u64,
    });
    let (filter, want) = (Some(filter()), Some(want()));
    let vector = wire::Vector {
        kind: Some(wire::vector::Kind::Dense(wire::DenseVector { values: vec![1.0, 0.5] })),
    };
    let sought = sought(vector, random);
    let search = Some(wire::VectorSearch {
        filter: filter.clone(),
        ef: Some(10),
        limit: 5,
        exclude: vec![PointId::num(3).to_key()],
        want: want.clone(),
        sought: Some(sought),
        ..Default::default()
    });
    let (id, using) = (PointId::num(3).to_key(), String::new());
    let places = vec![0, 1, 4];
    match random.below(15) {
        0 => one(peer("Search"), &wire::SearchRequest { header, search }),
        1 => one(peer("Hold"), &wire::HoldRequest { header, search }),
        2 => one(peer("Fetch"), &wire::FetchRequest { header, token: 1, places, want }),
        3 => one(peer("Retrieve"), &wire::RetrieveRequest { header, ids: vec![id], want }),
        4 => {
            let offset = Some(id);
            one(peer("Scroll"), &wire::ScrollRequest { header, filter, offset, limit: 5, want })
        }
        5 => one(peer("Count"), &wire::CountRequest { header, filter }),
        6 => one(peer("VectorOf"), &wire::VectorOfRequest { header, id, using }),
        8 => one(peer("Explain"), &wire::ExplainRequest { header, search }),
        7 => one(peer("Resolve"), &wire::ResolveRequest { header, filter }),
        9 => {
            let indices = vec![random.below(9) as u32, 7, 7];
            one(peer("Frequencies"), &wire::FrequenciesRequest { header, using, indices, filter })
        }
        12 => {
            let (by, from) = ("n".to_owned(), Some("1.5".to_owned()));
            let descending = random.below(2) == 1;
            let request =
                wire::OrderedRequest { header, by, descending, from, filter, limit: 5, want };
            one(peer("Ordered"), &request)
        }
        13 => one(peer("Jobs"), &wire::JobsRequest { header, most: 5 }),
        10 => one(peer("Sample"), &wire::SampleRequest { header, filter, limit: 5 }),
        11 => {
            let (field, limit) = ("n".to_owned(), Some(5));
            one(peer("Facet"), &wire::FacetRequest { header, field, filter, limit })
        }
        _ => one(peer("ShardInfo"), &wire::ShardInfoRequest { header }),
    }
}

fn sought(vector: wire::Vector, random: &mut Random) -> wire::vector_search::Sought {
    if random.below(2) == 0 {
        return wire::vector_search::Sought::Vector(vector);
    }
    let rule = match random.below(4) {
        0 => wire::examples::Rule::Positive(2),
        1 => wire::examples::Rule::Weights(wire::Weights { weights: vec![1.0, 0.5, -1.0] }),
        2 => wire::examples::Rule::Discover(wire::Unit {}),
        _ => wire::examples::Rule::Context(wire::Unit {}),
    };
    let examples = wire::Examples { vectors: vec![vector; 3], rule: Some(rule) };
    wire::vector_search::Sought::Examples(examples)
}

fn want() -> wire::Want {
    wire::Want {
        payload: Some(wire::WantPayload {
            part: Some(wire::want_payload::Part::Include(wire::Paths {
                paths: vec!["a[].b".to_owned(), "n".to_owned()],
            })),
        }),
        vectors: Some(wire::WantVectors {
            part: Some(wire::want_vectors::Part::All(wire::Unit {})),
        }),
    }
}

fn filter() -> wire::Filter {
    use wire::condition::What;
    let field = wire::FieldCondition {
        key: "n".to_owned(),
        range: Some(wire::field_condition::Range::NumberRange(wire::NumberBounds {
            gte: Some("1".to_owned()),
            lt: Some("150.5".to_owned()),
            ..Default::default()
        })),
        geo_radius: Some(wire::GeoRadius { lat: 1.0, lon: 2.0, radius: 1e6 }),
        values_count: Some(wire::CountBounds { gte: Some(1), ..Default::default() }),
        ..Default::default()
    };
    let corners = [0.0, 1.0, 1.0, 0.0].to_vec();
    let ring = wire::GeoRing { lats: corners.clone(), lons: corners };
    let of_kinds = wire::FieldCondition {
        key: "text".to_owned(),
        geo_polygon: Some(wire::GeoPolygon { exterior: Some(ring.clone()), interiors: vec![ring] }),
        matching: Some(wire::field_condition::Matching::Text("a word".to_owned())),
        ..Default::default()
    };
    let conditions = [
        What::Field(field),
        What::FieldOfKinds(of_kinds),
        What::Slice(wire::Slice { total: 3, index: 1 }),
        What::HasId(wire::PointIds { ids: vec![PointId::num(3).to_key()] }),
        What::IsEmpty("none".to_owned()),
        What::HasVector(String::new()),
        What::OfTenants(wire::Tenants { tenants: vec![0, 1, u32::MAX] }),
        What::Filter(wire::Filter::default()),
        What::Nested(wire::Filter::default()),
    ];
    let conditions = conditions.map(|what| {
        let nested_key = "a".to_owned();
        wire::Condition { what: Some(what), nested_key }
    });
    let clause = wire::Clause { conditions: conditions.to_vec(), alone: false };
    wire::Filter { should: Some(clause.clone()), must_not: Some(clause), ..Default::default() }
}

fn other(groups: &[Group], random: &mut Random) -> Call {
    let group = random.pick(groups);
    let (group, to_peer) = (group.id, group.replicas.first().map_or(0, |replica| replica.peer_id));
    let timeout_ms = TIMEOUT_MS;
    match random.below(7) {
        0 => one(
            peer("Basis"),
            &wire::BasisRequest {
                header: Some(wire::ReadHeader { group, timeout_ms, ..Default::default() }),
            },
        ),
        1 => one(
            peer("Report"),
            &wire::ReportRequest { groups: vec![group, 0], ..Default::default() },
        ),
        2 => {
            one(peer("TransferLeader"), &wire::TransferLeaderRequest { group, timeout_ms, to_peer })
        }
        3 => one(
            peer("Join"),
            &wire::JoinRequest {
                disk_id: "00000000-0000-0000-0000-00000000000a".to_owned(),
                name: "other".to_owned(),
                address: "127.0.0.1:1".to_owned(),
                rest_address: "127.0.0.1:2".to_owned(),
                version: "0.1.0".to_owned(),
                // Not this node's: a member that is never there would take the majority away.
                protocol: 1,
                ..Default::default()
            },
        ),
        4 => one(peer("OfferSnapshot"), &snapshot(group)),
        5 => one(peer("Introduce"), &introduction()),
        _ => {
            use wire::snapshot_part::Part;
            let chunk = wire::SnapshotChunk { data: vec![1, 2, 3], checksum: 7 };
            let parts = [Part::Header(snapshot(group)), Part::Chunk(chunk)];
            let messages = parts.map(|part| wire::SnapshotPart { part: Some(part) });
            (peer("Snapshot"), messages.iter().map(Message::encode_to_vec).collect())
        }
    }
}

/// Of another node than the one that calls, which must go on to be heard.
fn introduction() -> wire::Introduction {
    let start = |number| wire::Start { number, boot: number };
    wire::Introduction {
        node: 3,
        disk: "00000000-0000-0000-0000-0000000000ab".to_owned(),
        start: Some(start(3)),
        address: "127.0.0.1:1".to_owned(),
        before: vec![start(1), start(2)],
    }
}

fn snapshot(group: u64) -> wire::SnapshotHeader {
    let file =
        |name: &str| wire::SnapshotFile { name: name.to_owned(), bytes: 3, ..Default::default() };
    wire::SnapshotHeader {
        from_node: 2,
        to_node: 1,
        // An index far behind what the group has: nothing that Raft would install.
        envelope: Some(wire::Envelope { group, message: super::raft::snapshot_of(1, 1) }),
        files: vec![file("data"), file("v0-s1/vec.f32"), file("../../x")],
    }
}
