//! A small client of the REST API: what the demo and the benchmark need of it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;

/// Time that one request may take; creating indexes over a full set is the longest.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A connection to one node, kept alive. Each thread of a load has its own.
pub struct Client {
    agent: ureq::Agent,
    url: String,
}

/// A found point.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// Its id; the data files number points.
    pub id: u64,
    /// Its score.
    pub score: f32,
    /// What was asked for of its payload.
    #[serde(default)]
    pub payload: Value,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Points {
    points: Vec<Found>,
}

/// What a collection is up to.
#[derive(Debug, Clone, Deserialize)]
pub struct Info {
    /// `green` when no background job is due.
    pub status: String,
    /// Vectors in graphs.
    pub indexed_vectors_count: usize,
    /// Points.
    pub points_count: usize,
}

impl Client {
    /// A client of the node at `url`.
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        Self { agent: ureq::Agent::new_with_config(config), url: url.to_owned() }
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the node answers requests.
    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/readyz", self.url)).call().is_ok_and(|it| it.status() == 200)
    }

    /// A request with a JSON body; the answer's `result`.
    pub fn send<T: for<'de> Deserialize<'de>>(&self, method: &str, path: &str, body: &Value) -> Result<T, Error> {
        let url = format!("{}{path}", self.url);
        let sent = match method {
            "PUT" => self.agent.put(url).send_json(body),
            "PATCH" => self.agent.patch(url).send_json(body),
            "POST" => self.agent.post(url).send_json(body),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.get(url).call(),
        };
        read(&format!("{method} {path}"), sent)
    }

    /// Points nearest to a vector.
    pub fn query(&self, collection: &str, body: &Value) -> Result<Vec<Found>, Error> {
        let found: Points = self.send("POST", &format!("/collections/{collection}/points/query"), body)?;
        Ok(found.points)
    }

    /// The same with a body that is JSON already: a load generator should not spend the
    /// node's time on writing numbers.
    pub fn query_raw(&self, collection: &str, body: &[u8]) -> Result<Vec<Found>, Error> {
        let path = format!("/collections/{collection}/points/query");
        let sent = self.agent.post(format!("{}{path}", self.url)).content_type("application/json").send(body);
        let points: Points = read(&path, sent)?;
        Ok(points.points)
    }

    /// The state of a collection.
    pub fn info(&self, collection: &str) -> Result<Info, Error> {
        self.send("GET", &format!("/collections/{collection}"), &Value::Null)
    }

    /// Makes a collection anew, without points; `indexing_threshold` in KB.
    pub fn recreate(&self, collection: &str, dim: usize, indexing_threshold: usize) -> Result<(), Error> {
        self.recreate_spread(collection, dim, indexing_threshold, (1, 1))
    }

    /// The same with so many shards, and replicas of each.
    pub fn recreate_spread(
        &self,
        collection: &str,
        dim: usize,
        indexing_threshold: usize,
        (shards, replicas): (u32, u32),
    ) -> Result<(), Error> {
        let path = format!("/collections/{collection}");
        let _existed: bool = self.send("DELETE", &path, &Value::Null)?;
        let body = json!({
            "vectors": {"size": dim, "distance": "Cosine"},
            "optimizers_config": {"indexing_threshold": indexing_threshold},
            "shard_number": shards,
            "replication_factor": replicas,
        });
        let _made: bool = self.send("PUT", &path, &body)?;
        Ok(())
    }

    /// Makes the payload indexes that the data files' filters ask for.
    pub fn index_fields(&self, collection: &str) -> Result<(), Error> {
        for (field, kind) in
            [("section", "keyword"), ("tags", "keyword"), ("maintainer", "keyword"), ("installed_kib", "integer")]
        {
            let body = json!({"field_name": field, "field_schema": kind});
            let _done: Value = self.send("PUT", &format!("/collections/{collection}/index?wait=true"), &body)?;
        }
        Ok(())
    }
}

/// The `result` of an answer, or what went wrong.
fn read<T: for<'de> Deserialize<'de>>(
    what: &str,
    sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<T, Error> {
    let mut answer = sent.map_err(|e| Error::node(what, e))?;
    if answer.status() != 200 {
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        return Err(Error::node(what, format!("{} {text}", answer.status())));
    }
    let bytes = answer.body_mut().read_to_vec().map_err(|e| Error::node(what, e))?;
    let answer: Answer<T> = serde_json::from_slice(&bytes).map_err(|e| Error::node(what, e))?;
    Ok(answer.result)
}
