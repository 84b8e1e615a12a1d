//! Clients' requests: whatever comes, the node answers without failing, and what it stored can
//! be read, also by the next process.

use std::path::Path;

use serde_json::{Value, json};
use ureq::Agent;

use super::rest_bodies::{collection, requests};
use crate::corpus;
use crate::hostile;
use crate::node::{Answer, Node};
use crate::{Budget, Failure, Random, Tally};

/// Requests between two looks at the process.
const LOOK_EVERY: u64 = 64;
/// A collection that no hostile request names.
const KEPT: &str = "kept";
/// Names of the others: few, so that requests meet what earlier ones left.
const NAMES: [&str; 4] = ["a", "b", "c", "alias"];
/// Names that are none, as a path has them.
const HOSTILE_NAMES: [&str; 7] = ["%00", "%ff", "..", "a%2Fb", "%F0%9F%92%A5", "a%20b", "%2e%2e"];
const QUERIES: [&str; 10] = [
    "?wait=true",
    "?wait=true",
    "?wait=true&ordering=strong",
    "?wait=false",
    "?consistency=all",
    "?consistency=0",
    "?timeout=0",
    "?timeout=18446744073709551616",
    "?wait=%00&wait=true",
    "?ordering=%ff",
];

pub(super) fn attempt(program: &Path, budget: Budget, seed: u64) -> Result<Tally, Failure> {
    let dir = tempfile::tempdir().map_err(|error| Failure::of("a directory", error))?;
    let mut node = Node::start(program, dir.path())?;
    let agent = Node::agent();
    prepare(&node)?;
    for case in corpus::cases("rest")? {
        let (method, path) = case.place.split_once(' ').unwrap_or(("POST", &case.place));
        let sent = send(&node, &agent, method, path, &case.content).and_then(|()| node.check());
        sent.map_err(|Failure(what)| Failure(format!("{}: {what}", case.path.display())))?;
    }
    let requests = requests();
    let mut sent: u64 = 0;
    let tally = budget.spend(seed, |random| {
        let (method, path, body) = random.pick(&requests);
        let path = fill(path, random);
        let body = match body {
            Value::Null => Vec::new(),
            body => hostile::json::hostile(body, random),
        };
        sent += 1;
        send(&node, &agent, method, &path, &body)?;
        match sent.is_multiple_of(LOOK_EVERY) {
            true => node.check(),
            false => Ok(()),
        }
    })?;
    let before = read_all(&node)?;
    node.stop()?;
    let mut node = Node::start(program, dir.path())?;
    let after = read_all(&node)?;
    node.check()?;
    if before != after {
        return Err(Failure(format!("`{KEPT}` is another one after a restart")));
    }
    node.stop()?;
    Ok(tally)
}

/// Makes the collections, one of them with points that nobody touches.
fn prepare(node: &Node) -> Result<(), Failure> {
    for name in ["a", "b", KEPT] {
        let body = collection().to_string();
        wanted(node.send("PUT", &format!("/collections/{name}"), body.as_bytes())?)?;
    }
    let points: Vec<Value> =
        (0..100).map(|id| json!({ "id": id, "vector": [id, 1], "payload": { "n": id } })).collect();
    let body = json!({ "points": points }).to_string();
    let path = format!("/collections/{KEPT}/points?wait=true");
    wanted(node.send("PUT", &path, body.as_bytes())?)?;
    Ok(())
}

fn fill(path: &str, random: &mut Random) -> String {
    let name = match random.one_in(20) {
        true => *random.pick(&HOSTILE_NAMES),
        false => *random.pick(&NAMES),
    };
    let mut path = path.replace("{c}", name);
    if random.one_in(2) {
        let query = *random.pick(&QUERIES);
        path += query;
    }
    path
}

fn send(node: &Node, agent: &Agent, method: &str, path: &str, body: &[u8]) -> Result<(), Failure> {
    let shown = || String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
    let failed = |what: &dyn std::fmt::Display| {
        Failure(format!("{method} {path}: {what}; {} bytes: {}", body.len(), shown()))
    };
    let Ok(answer) = node.send_by(agent, method, path, body) else {
        // It may answer and hang up before it has read a large body: then it is still there.
        return node.get("/livez").map(drop).map_err(|Failure(what)| failed(&what));
    };
    match answer.status {
        // Not now, or no room: the node says so itself.
        503 | 507 => Ok(()),
        status if status >= 500 => {
            Err(failed(&format!("{status} {}", String::from_utf8_lossy(&answer.body))))
        }
        _ => Ok(()),
    }
}

fn wanted(answer: Answer) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(&answer.body);
    match answer.status {
        200 => serde_json::from_str(&text).map_err(|error| Failure::of(&text, error)),
        status => Err(Failure(format!("{status}: {text}"))),
    }
}

/// Reads every point of every collection; those of the one that nobody touched.
fn read_all(node: &Node) -> Result<Vec<Value>, Failure> {
    let list = wanted(node.get("/collections")?)?;
    let names = list["result"]["collections"].as_array().cloned().unwrap_or_default();
    let mut kept = Vec::new();
    for name in names.iter().filter_map(|found| found["name"].as_str()) {
        let points = read_collection(node, name)
            .map_err(|Failure(what)| Failure(format!("collection {name:?}: {what}")))?;
        if name == KEPT {
            kept = points;
        }
    }
    match kept.len() {
        100 => Ok(kept),
        count => Err(Failure(format!("{count} points are left of 100"))),
    }
}

fn read_collection(node: &Node, name: &str) -> Result<Vec<Value>, Failure> {
    let path = format!("/collections/{}/points/scroll", in_path(name));
    let mut offset = Value::Null;
    let mut points = Vec::new();
    loop {
        let body = json!({
            "limit": 500, "offset": offset, "with_vector": true, "with_payload": true,
        });
        let page = wanted(node.send("POST", &path, body.to_string().as_bytes())?)?;
        points.extend(page["result"]["points"].as_array().cloned().unwrap_or_default());
        offset = page["result"]["next_page_offset"].clone();
        if offset.is_null() {
            return Ok(points);
        }
    }
}

/// A name as a path has it.
fn in_path(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
