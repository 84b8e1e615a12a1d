//! The end of the demo: what to type next, and nodes that stay up for it.

use std::io::{IsTerminal, stdin, stdout};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::COLLECTION;
use super::vane::{Node, Vane};
use crate::client::Client;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::interrupt;

/// Time between looks for a signal.
const LOOK: Duration = Duration::from_millis(50);
/// What starts the nodes again.
const SERVE_AGAIN: &str = "make demo DEMO_ARGS=--serve";

/// Says what to type next; where somebody reads it, the nodes stay up for it.
pub(super) fn tell(vane: &Vane, data: &Dataset, node: &Node) -> Result<(), Error> {
    if stdin().is_terminal() && stdout().is_terminal() {
        stay(vane, data, node)
    } else {
        println!("\nThe nodes stop now. Bring them back with: {SERVE_AGAIN}");
        hints(data, node);
        Ok(())
    }
}

/// Lets the nodes run until Enter, where there is a keyboard, or a signal.
pub(super) fn stay(vane: &Vane, data: &Dataset, node: &Node) -> Result<(), Error> {
    if Client::new(&node.url).info(COLLECTION)?.points_count == 0 {
        println!("\nThere is no package yet: `make demo` loads them.");
    } else {
        hints(data, node);
    }
    println!("\nWhat runs: vane status --dir {}", vane.dir().display());
    if !stdin().is_terminal() {
        println!("The nodes go on until Ctrl-C or SIGTERM.");
        while !interrupt::requested() {
            vane_testbed::pause(LOOK);
        }
        return Ok(());
    }
    println!("The nodes go on until you press Enter; `{SERVE_AGAIN}` brings them back.");
    let (send, entered) = channel();
    // It ends with the process: a read of the keyboard cannot be called off.
    std::thread::spawn(move || {
        drop(stdin().read_line(&mut String::new()));
        let _nobody_waits = send.send(());
    });
    while !interrupt::requested() && entered.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {}
    Ok(())
}

/// What to type next.
fn hints(data: &Dataset, node: &Node) {
    let url = &node.url;
    let name = data.payloads[0]["name"].as_str().unwrap_or("0").to_owned();
    println!("\nGo on, with any of the nodes. Packages like {name}:");
    println!(
        "  curl -s {url}/collections/{COLLECTION}/points/query \
         -H 'content-type: application/json' \\\n    \
         -d '{{\"query\": 0, \"limit\": 3, \"with_payload\": [\"name\", \"summary\"]}}'"
    );
    println!(
        "  python3 -c \"from qdrant_client import QdrantClient as Q; \
         [print(p.payload['name']) for p in \
         Q(url='{url}').query_points('{COLLECTION}', query=0).points]\"  \
         # pip install qdrant-client"
    );
}
