//! What a benchmark of searches prints: a table for people, JSON for scripts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::contender::Turn;

/// The turn of median speed, with what it found.
pub(crate) struct Side {
    /// Speed and latencies.
    pub(crate) turn: Turn,
    /// Share of the exact answers that were found.
    pub(crate) recall: f64,
}

impl Side {
    /// Milliseconds of processors that a query cost whoever answered.
    fn cpu_ms(&self) -> Option<f64> {
        self.turn.cpu.map(|seconds| seconds * 1e3)
    }
}

/// One line of a comparison.
pub(crate) struct Line {
    /// What was measured, such as `ef 256`.
    pub(crate) what: String,
    /// Clients at once.
    pub(crate) clients: usize,
    /// Vane over REST.
    pub(crate) vane: Side,
    /// What it is held against, if that has an answer to this.
    pub(crate) peer: Option<Side>,
}

impl Line {
    /// Vane's speed as a share of the peer's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.vane.turn.qps / peer.turn.qps)
    }

    /// The line for scripts; what it is held against is called `peer`.
    pub(crate) fn json(&self, peer: &str) -> Value {
        let [p50, p95, p99] = self.vane.turn.percentiles().map(|time| time.as_micros() as u64);
        json!({
            "what": self.what,
            "clients": self.clients,
            "vane": {
                "qps": self.vane.turn.qps, "recall": self.vane.recall,
                "p50_us": p50, "p95_us": p95, "p99_us": p99, "cpu_ms": self.vane.cpu_ms(),
            },
            peer: self.peer.as_ref().map(side_json),
            "ratio": self.ratio(),
        })
    }
}

fn side_json(side: &Side) -> Value {
    json!({"qps": side.turn.qps, "recall": side.recall, "cpu_ms": side.cpu_ms()})
}

/// Prints a comparison with a peer of that name.
pub(crate) fn print(peer: &str, lines: &[Line]) {
    let [peer_recall, peer_qps, peer_cpu] =
        ["recall", "QPS", "cpu ms"].map(|of| format!("{peer} {of}"));
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
        "cpu ms",
        &peer_cpu,
    ];
    row("", &head.map(str::to_owned));
    for line in lines {
        let [p50, p95, p99] = line.vane.turn.percentiles();
        let peer = line.peer.as_ref();
        row(
            &line.what,
            &[
                line.clients.to_string(),
                format!("{:.4}", line.vane.recall),
                format!("{:.0}", line.vane.turn.qps),
                ms(p50),
                ms(p95),
                ms(p99),
                peer.map_or_else(dash, |side| format!("{:.4}", side.recall)),
                peer.map_or_else(dash, |side| format!("{:.0}", side.turn.qps)),
                line.ratio().map_or_else(dash, |ratio| format!("{ratio:.2}")),
                line.vane.cpu_ms().map_or_else(dash, |cpu| format!("{cpu:.3}")),
                peer.and_then(Side::cpu_ms).map_or_else(dash, |cpu| format!("{cpu:.3}")),
            ],
        );
    }
}

/// The cell of a figure that was not measured.
fn dash() -> String {
    "-".to_owned()
}

/// Prints one row of a table: what was measured, then its figures.
pub(crate) fn row(what: &str, cells: &[String]) {
    println!("{what:<28}{}", cells.iter().map(|cell| format!("{cell:>14}")).collect::<String>());
}

/// Milliseconds, as a table has them.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
