//! A small client of the REST API.

use std::time::Duration;

use serde_json::Value;

use crate::error::Error;

/// Time that one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Time that a health check may take.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to one node, kept alive. Cheap to clone.
#[derive(Clone)]
pub struct Rest {
    agent: ureq::Agent,
    health: ureq::Agent,
    url: String,
}

/// What a node answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Value,
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
        let agent = |timeout| {
            let config = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(timeout));
            ureq::Agent::new_with_config(config.build())
        };
        Self { agent: agent(timeout), health: agent(HEALTH_TIMEOUT), url: url.to_owned() }
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One request. An error means that no answer came, so that its outcome is unknown.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Answer, Error> {
        let url = format!("{}{path}", self.url);
        let sent = match method {
            "PUT" => self.agent.put(url).send_json(body),
            "PATCH" => self.agent.patch(url).send_json(body),
            "POST" => self.agent.post(url).send_json(body),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.get(url).call(),
        };
        let what = || format!("{method} {path}");
        let mut answer = sent.map_err(|e| Error::request(what(), e))?;
        let status = answer.status().as_u16();
        let text = answer
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_vec()
            .map_err(|e| Error::request(what(), e))?;
        let body = serde_json::from_slice(&text)
            .unwrap_or_else(|_| String::from_utf8_lossy(&text).into_owned().into());
        Ok(Answer { status, body })
    }

    /// One request that must succeed; its `result`.
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
        self.healthy("/livez")
    }

    /// Whether requests should be sent to it.
    pub fn is_ready(&self) -> bool {
        self.healthy("/readyz")
    }

    fn healthy(&self, path: &str) -> bool {
        self.health.get(format!("{}{path}", self.url)).call().is_ok_and(|it| it.status() == 200)
    }

    /// Sum of a metric over its labels; 0 when there is none.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.health.get(format!("{}/metrics", self.url)).call();
        let text =
            text.ok().and_then(|mut it| it.body_mut().read_to_string().ok()).unwrap_or_default();
        let of_name = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let value = |line: &str| line.rsplit(' ').next().and_then(|it| it.parse::<f64>().ok());
        text.lines().filter(of_name).filter_map(value).sum()
    }
}
