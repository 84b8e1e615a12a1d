//! Asks a process whether it is ready.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::pod::Readiness;

/// Time for an answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether it says so: any 2xx or 3xx, as a kubelet takes it.
pub async fn is_ready(address: Ipv4Addr, readiness: &Readiness) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect((address, readiness.port)).await.ok()?;
        // HTTP/1.0 ends the connection after the answer, of which the first line is enough.
        let request = format!("GET {} HTTP/1.0\r\nHost: {address}\r\n\r\n", readiness.path);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.ok()?;
        // `HTTP/1.1 200`
        Some(matches!(line.get(9), Some(b'2' | b'3')))
    };
    timeout(PROBE_TIMEOUT, ask).await.ok().flatten().unwrap_or(false)
}
