//! Administration: each call with fields that nobody would give.

use std::path::Path;

use vane_proto::admin as wire;
use vane_proto::admin::Group;

use super::calls::{Call, Called, one};
use super::rest_bodies::collection;
use crate::hostile::{json, number, protobuf, text};
use crate::{Budget, Failure, Random, Tally};

pub(super) fn attempt(program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
    Called::start(program)?.spend(program, budget, ("admin", seed), |groups, random| {
        let (path, messages) = call(groups, random);
        match random.one_in(3) {
            true => (path, messages.iter().map(|it| protobuf::hostile(it, random)).collect()),
            false => (path, messages),
        }
    })
}

fn call(groups: &[Group], random: &mut Random) -> Call {
    let group = match random.one_in(4) {
        true => number(random),
        false => random.pick(groups).id,
    };
    let name = match random.one_in(4) {
        true => text(random),
        false => (*random.pick(&["a", "b", "alias"])).to_owned(),
    };
    let idempotency_key = match random.one_in(2) {
        true => text(random),
        false => String::new(),
    };
    let method = |name: &str| format!("/vane.admin.v1.Admin/{name}");
    match random.below(18) {
        0 => one(method("Bootstrap"), &wire::BootstrapRequest { cluster_id: text(random) }),
        1 => one(method("GetCluster"), &wire::GetClusterRequest {}),
        2 => one(method("ListNodes"), &wire::ListNodesRequest {}),
        3 => {
            let (node_id, zone) = (number(random), text(random));
            one(method("SetNodeZone"), &wire::SetNodeZoneRequest { node_id, zone })
        }
        4 => one(method("GetCollection"), &wire::GetCollectionRequest { name }),
        5 => one(method("ListCollections"), &wire::ListCollectionsRequest {}),
        6 | 7 => {
            let body = body(random);
            one(
                method("CreateCollection"),
                &wire::CreateCollectionRequest { name, body, idempotency_key },
            )
        }
        8 => {
            let body = body(random);
            one(method("UpdateCollection"), &wire::UpdateCollectionRequest { name, body })
        }
        9 => one(
            method("DeleteCollection"),
            &wire::DeleteCollectionRequest { name, idempotency_key },
        ),
        10 => {
            let field = text(random);
            let r#type =
                (*random.pick(&["keyword", "integer", "geo", "text", "", "{}"])).to_owned();
            let collection = name;
            let is_tenant = *random.pick(&[None, Some(true), Some(false)]);
            let text = body(random);
            let request =
                wire::SetPayloadIndexRequest { collection, field, r#type, is_tenant, text };
            one(method("SetPayloadIndex"), &request)
        }
        11 => {
            let alias = text(random);
            one(method("AddAlias"), &wire::AddAliasRequest { collection: name, alias })
        }
        13 => one(method("CatchUp"), &wire::CatchUpRequest { min_index: number(random) }),
        14 => {
            let without = (0..random.below(4)).map(|_| number(random)).collect();
            one(method("GetSafety"), &wire::GetSafetyRequest { without })
        }
        12 => one(method("ListMemory"), &wire::ListMemoryRequest { collection: name }),
        15 | 16 => vectors(name, random),
        _ => replicas(group, random),
    }
}

fn vectors(collection: String, random: &mut Random) -> Call {
    let vector = match random.one_in(4) {
        true => text(random),
        false => (*random.pick(&["", "late", "words"])).to_owned(),
    };
    if random.one_in(2) {
        let if_revision = random.one_in(2).then(|| number(random));
        let request = wire::RemoveVectorRequest { collection, vector, if_revision };
        return one("/vane.admin.v1.Admin/RemoveVector".to_owned(), &request);
    }
    let kinds = [
        serde_json::json!({"dense": {"size": 4, "distance": "Dot", "datatype": "uint8"}}),
        serde_json::json!({"sparse": {"modifier": "idf"}}),
    ];
    let wanted = random.pick(&kinds);
    let body = String::from_utf8_lossy(&json::hostile(wanted, random)).into_owned();
    let request = wire::AddVectorRequest { collection, vector, body };
    one("/vane.admin.v1.Admin/AddVector".to_owned(), &request)
}

fn replicas(group: u64, random: &mut Random) -> Call {
    let node_id = number(random);
    if random.one_in(2) {
        let request = wire::TransferLeaderRequest { group, node_id };
        return one("/vane.admin.v1.Admin/TransferLeader".to_owned(), &request);
    }
    let replica = wire::ReplicaTarget { node_id, role: random.below(4) as i32 };
    let replicas = vec![replica; random.below(5)];
    let if_revision = random.one_in(2).then(|| number(random));
    let request = wire::ReconfigureShardRequest { group, replicas, if_revision };
    one("/vane.admin.v1.Admin/ReconfigureShard".to_owned(), &request)
}

/// A collection's body; a field of text has to be one.
fn body(random: &mut Random) -> String {
    String::from_utf8_lossy(&json::hostile(&collection(), random)).into_owned()
}
