//! What a benchmark of searches prints: a table for people, JSON for scripts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::Run;

/// A run with what it found.
pub struct Side {
    /// Speed and latencies.
    pub run: Run,
    /// Share of the exact answers that were found.
    pub recall: f64,
}

/// One line of a comparison.
pub struct Line {
    /// What was measured, such as `ef 256`.
    pub what: String,
    /// Clients at once.
    pub clients: usize,
    /// Vane over REST.
    pub vane: Side,
    /// What it is held against, if that has an answer to this.
    pub peer: Option<Side>,
}

impl Line {
    /// Vane's speed as a share of the peer's.
    pub fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|it| self.vane.run.qps / it.run.qps)
    }

    /// For scripts.
    pub fn json(&self, peer: &str) -> Value {
        let us = |it: Duration| it.as_micros() as u64;
        let [p50, p95, p99] = self.vane.run.percentiles;
        json!({
            "what": self.what,
            "clients": self.clients,
            "vane": {
                "qps": self.vane.run.qps, "recall": self.vane.recall,
                "p50_us": us(p50), "p95_us": us(p95), "p99_us": us(p99),
            },
            peer: self.peer.as_ref().map(|it| json!({"qps": it.run.qps, "recall": it.recall})),
            "ratio": self.ratio(),
        })
    }
}

/// Prints a comparison with a peer of that name.
pub fn print(peer: &str, lines: &[Line]) {
    let (peer_recall, peer_qps) = (format!("{peer} recall"), format!("{peer} QPS"));
    let head = [
        "clients",
        "recall",
        "QPS",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        &peer_recall,
        &peer_qps,
        "ratio",
    ];
    row("", &head.map(str::to_owned));
    for line in lines {
        let [p50, p95, p99] = line.vane.run.percentiles;
        let dash = || "-".to_owned();
        row(
            &line.what,
            &[
                line.clients.to_string(),
                format!("{:.4}", line.vane.recall),
                format!("{:.0}", line.vane.run.qps),
                ms(p50),
                ms(p95),
                ms(p99),
                line.peer.as_ref().map_or_else(dash, |it| format!("{:.4}", it.recall)),
                line.peer.as_ref().map_or_else(dash, |it| format!("{:.0}", it.run.qps)),
                line.ratio().map_or_else(dash, |it| format!("{it:.2}")),
            ],
        );
    }
}

/// One row of a table: what it is about, then numbers.
pub fn row(what: &str, cells: &[String]) {
    println!("{what:<28}{}", cells.iter().map(|it| format!("{it:>14}")).collect::<String>());
}

/// Milliseconds, as a table has them.
pub fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
