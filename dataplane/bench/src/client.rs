//! What the demo and the benchmark ask of the REST API, over the client of `vane-testbed`.
//!
//! Answers are read as types at once: a load generator measures the node and not itself.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use vane_testbed::Rest;

use crate::dataset::Distance;
use crate::error::Error;
use crate::interrupt;

/// Time that one request may take; creating indexes over a full set is the longest.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A connection to one node, kept alive. Each thread of a load has its own.
pub(crate) struct Client {
    rest: Rest,
}

/// A found point.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Found {
    /// The point's number in the data files.
    pub(crate) id: u64,
    /// Similarity to the query; the best comes first.
    pub(crate) score: f32,
    /// Those fields of the payload that were asked for.
    #[serde(default)]
    pub(crate) payload: Value,
}

/// How a collection is laid out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Number of shards.
    pub(crate) shards: usize,
    /// Replicas of each.
    pub(crate) replicas: usize,
    /// KB of vectors without a graph that make one; 0 for never.
    pub(crate) indexing_threshold: usize,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Points {
    points: Vec<Found>,
}

/// The state of a collection, as far as these programs read it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Info {
    /// `green` when no background job is due.
    pub(crate) status: String,
    /// Vectors in graphs.
    pub(crate) indexed_vectors_count: usize,
    /// Points in all shards.
    pub(crate) points_count: usize,
}

impl Client {
    /// A client of the node at `url`.
    pub(crate) fn new(url: &str) -> Self {
        Self::with_timeout(url, TIMEOUT)
    }

    /// A client whose requests fail after `timeout`.
    pub(crate) fn with_timeout(url: &str, timeout: Duration) -> Self {
        Self { rest: Rest::with_timeout(url, timeout) }
    }

    /// A request with a JSON body; the answer's `result`.
    pub(crate) fn send<T: for<'de> Deserialize<'de>>(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, Error> {
        self.send_raw(method, path, body.to_string().as_bytes())
    }

    /// Points nearest to a vector.
    pub(crate) fn query(&self, collection: &str, body: &Value) -> Result<Vec<Found>, Error> {
        self.query_raw(collection, body.to_string().as_bytes())
    }

    /// [`Client::query`] with a body that is JSON already: a load generator shares the machine
    /// with the nodes and should not spend their time on writing numbers.
    pub(crate) fn query_raw(&self, collection: &str, body: &[u8]) -> Result<Vec<Found>, Error> {
        let points: Points =
            self.send_raw("POST", &format!("/collections/{collection}/points/query"), body)?;
        Ok(points.points)
    }

    /// Writes points; acknowledged when it returns. `body` is JSON already.
    pub(crate) fn upsert_raw(&self, collection: &str, body: &[u8]) -> Result<(), Error> {
        let _written: Value =
            self.send_raw("PUT", &format!("/collections/{collection}/points?wait=true"), body)?;
        Ok(())
    }

    fn send_raw<T: for<'de> Deserialize<'de>>(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<T, Error> {
        // A load of many requests ends at the next of them.
        interrupt::check()?;
        let what = || format!("{method} {path}");
        let answer = self.rest.call_raw(method, path, body)?;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(Error::node(what(), format!("{} {text}", answer.status)));
        }
        let read: Result<Answer<T>, _> = serde_json::from_slice(&answer.body);
        Ok(read.map_err(|e| Error::node(what(), e))?.result)
    }

    /// The state of a collection.
    pub(crate) fn info(&self, collection: &str) -> Result<Info, Error> {
        self.send("GET", &format!("/collections/{collection}"), &Value::Null)
    }

    /// Makes a collection without points; one of that name is deleted first.
    ///
    /// # Errors
    /// As [`Client::send`]. The old collection may be gone and the new one not be there.
    pub(crate) fn recreate(
        &self,
        collection: &str,
        (dim, distance): (usize, Distance),
        shape: Shape,
    ) -> Result<(), Error> {
        let body = json!({
            "vectors": {"size": dim, "distance": distance.rest()},
            "shard_number": shape.shards,
            "replication_factor": shape.replicas,
            "optimizers_config": {"indexing_threshold": shape.indexing_threshold},
        });
        self.recreate_as(collection, &body)
    }

    /// The same with all that the API knows of a collection.
    ///
    /// # Errors
    /// As [`Client::send`]. The old collection may be gone and the new one not be there.
    pub(crate) fn recreate_as(&self, collection: &str, body: &Value) -> Result<(), Error> {
        let path = format!("/collections/{collection}");
        let _existed: bool = self.send("DELETE", &path, &Value::Null)?;
        let _made: bool = self.send("PUT", &path, body)?;
        Ok(())
    }

    /// Makes the payload indexes that the data files' filters ask for.
    pub(crate) fn index_fields(&self, collection: &str) -> Result<(), Error> {
        for (field, kind) in [
            ("section", "keyword"),
            ("tags", "keyword"),
            ("maintainer", "keyword"),
            ("installed_kib", "integer"),
        ] {
            self.index_field(collection, field, &json!(kind))?;
        }
        Ok(())
    }

    /// Makes a payload index.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub(crate) fn index_field(
        &self,
        collection: &str,
        field: &str,
        schema: &Value,
    ) -> Result<(), Error> {
        let body = json!({"field_name": field, "field_schema": schema});
        let _done: Value =
            self.send("PUT", &format!("/collections/{collection}/index?wait=true"), &body)?;
        Ok(())
    }
}
