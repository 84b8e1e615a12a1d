//! The one client of the REST API for tests, demo and benchmark.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request};

use crate::error::Error;

/// Time that one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Time that a health check may take.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of an answer that are read; a page of a scroll with vectors is a tenth of it.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A connection to one node, kept alive. Cheap to clone.
#[derive(Clone)]
pub struct Rest {
    agent: ureq::Agent,
    health: ureq::Agent,
    url: String,
    /// Name and value of a header of every request.
    header: Option<(&'static str, String)>,
}

/// What a node answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Value,
}

/// What a node answered, byte for byte.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it succeeded.
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// `result` of the body.
    pub fn result(&self) -> &Value {
        &self.body["result"]
    }
}

impl Rest {
    /// A client of the node at `url`.
    pub fn new(url: &str) -> Self {
        Self::with_timeout(url, TIMEOUT)
    }

    /// A client whose requests fail after `timeout`.
    pub fn with_timeout(url: &str, timeout: Duration) -> Self {
        let url = url.to_owned();
        // Apart: a health check must not wait as long as a request may.
        Self { agent: agent(timeout), health: agent(HEALTH_TIMEOUT), url, header: None }
    }

    /// The same client with a header on every request.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.header = Some((name, value.to_owned()));
        self
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One request with a body of JSON that is written already, or none.
    ///
    /// # Errors
    ///
    /// No answer came, so that the outcome is unknown.
    pub fn call_raw(&self, method: &str, path: &str, body: &[u8]) -> Result<RawAnswer, Error> {
        let failed = |e: ureq::Error| Error::request(format!("{method} {path}"), e);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        let sent = if matches!(method, "GET" | "DELETE") {
            request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
        } else {
            let request = request.header("content-type", "application/json").body(body);
            request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
        };
        let (head, mut body) = sent.map_err(failed)?.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(failed)?;
        Ok(RawAnswer { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// One request. GET and DELETE send no body.
    ///
    /// # Errors
    ///
    /// No answer came, so that the outcome is unknown.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Answer, Error> {
        let RawAnswer { status, body, .. } =
            self.call_raw(method, path, body.to_string().as_bytes())?;
        let text = || String::from_utf8_lossy(&body).into_owned().into();
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_else(|_| text()) })
    }

    /// One request that must succeed; its `result`.
    ///
    /// # Errors
    ///
    /// The node refused it, or no answer came, so that the outcome is unknown.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let answer = self.call(method, path, body)?;
        match answer.is_ok() {
            true => Ok(answer.result().clone()),
            false => Err(Error::request(
                format!("{method} {path}"),
                format!("{} {}", answer.status, answer.body),
            )),
        }
    }

    /// Whether the node listens.
    pub fn is_live(&self) -> bool {
        self.is_healthy("/livez")
    }

    /// Whether the node takes requests.
    pub fn is_ready(&self) -> bool {
        self.is_healthy("/readyz")
    }

    fn is_healthy(&self, path: &str) -> bool {
        let answer = self.health.get(format!("{}{path}", self.url)).call();
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Sum of a metric over its labels; 0 when there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let answer = self.health.get(format!("{}/metrics", self.url)).call();
        let text = answer.ok().and_then(|mut answer| answer.body_mut().read_to_string().ok());
        let text = text.unwrap_or_default();
        let samples = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

fn agent(timeout: Duration) -> ureq::Agent {
    // A refusal is an answer too, and its body says why.
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
    ureq::Agent::new_with_config(config.build())
}
