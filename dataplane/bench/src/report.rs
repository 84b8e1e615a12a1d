//! What a benchmark prints: a table for people, JSON for scripts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::Run;

/// One line of the comparison.
pub struct Line {
    /// What was measured, such as `ef 256`.
    pub what: String,
    /// Clients at once.
    pub clients: usize,
    /// The node over REST.
    pub vane: Run,
    /// Its recall.
    pub vane_recall: f64,
    /// FAISS in process, and its recall; none for what FAISS alone has no answer to.
    pub faiss: Option<(Run, f64)>,
}

impl Line {
    /// The node's speed as a share of FAISS's.
    pub fn ratio(&self) -> Option<f64> {
        self.faiss.as_ref().map(|(faiss, _)| self.vane.qps / faiss.qps)
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        let us = |it: Duration| it.as_micros() as u64;
        let [p50, p95, p99] = self.vane.percentiles;
        json!({
            "what": self.what,
            "clients": self.clients,
            "vane": {
                "qps": self.vane.qps, "recall": self.vane_recall,
                "p50_us": us(p50), "p95_us": us(p95), "p99_us": us(p99),
            },
            "faiss": self.faiss.as_ref().map(|(run, recall)| json!({"qps": run.qps, "recall": recall})),
            "ratio": self.ratio(),
        })
    }
}

/// Prints the comparison.
pub fn print(lines: &[Line]) {
    let head = ["", "clients", "recall", "QPS", "p50 ms", "p95 ms", "p99 ms", "FAISS recall", "FAISS QPS", "ratio"];
    let [what, rest @ ..] = head;
    println!("{what:<28}{}", rest.map(|it| format!("{it:>13}")).concat());
    for line in lines {
        let ms = |it: Duration| format!("{:.2}", it.as_secs_f64() * 1e3);
        let [p50, p95, p99] = line.vane.percentiles;
        let dash = || "-".to_owned();
        let cells = [
            line.clients.to_string(),
            format!("{:.4}", line.vane_recall),
            format!("{:.0}", line.vane.qps),
            ms(p50),
            ms(p95),
            ms(p99),
            line.faiss.as_ref().map_or_else(dash, |(_, recall)| format!("{recall:.4}")),
            line.faiss.as_ref().map_or_else(dash, |(run, _)| format!("{:.0}", run.qps)),
            line.ratio().map_or_else(dash, |it| format!("{it:.2}")),
        ];
        println!("{:<28}{}", line.what, cells.map(|it| format!("{it:>13}")).concat());
    }
}
