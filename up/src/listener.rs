//! Who listens where a node should.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};

use procfs::net::TcpState;
use procfs::process::{self, FDTarget, Process};
use vane_operator::names::{GRPC_PORT, PEER_PORT, REST_PORT};

use crate::state::FILE;

/// Characters shown of a command line.
const COMMAND_CHARS: usize = 80;

/// Why a node cannot listen on an address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// The system refuses.
    #[error("{address} cannot be listened on: {source}")]
    Refused { address: SocketAddrV4, source: std::io::Error },
    /// Another user's process has it, or a container's.
    #[error(
        "{address} is taken by a process that the system does not name (another user's, or a \
         container's); `ss -ltn 'sport = :{}'` shows where it listens; end it", .address.port()
    )]
    TakenByUnknown { address: SocketAddrV4 },
    /// A node of another local cluster has it.
    #[error(
        "{address} is taken by another local cluster (process {id}); end that with `vane down \
         --dir {} --name {cluster}`", .base.display()
    )]
    TakenByCluster { address: SocketAddrV4, id: i32, base: PathBuf, cluster: String },
    /// Another process of this user has it.
    #[error("{address} is taken by process {id} ({command}); end that")]
    TakenByProcess { address: SocketAddrV4, id: i32, command: String },
}

/// Whether a node can listen on an address, on all of its ports.
///
/// # Errors
///
/// It cannot: the error says which port, who has it as far as the system tells, and what to do.
pub(crate) fn check(address: Ipv4Addr) -> Result<(), Unusable> {
    for port in [REST_PORT, GRPC_PORT, PEER_PORT] {
        let port = u16::try_from(port).expect("ports fit into 16 bits");
        let address = SocketAddrV4::new(address, port);
        // Bound and let go again: the node that is started next takes it.
        match TcpListener::bind(address) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::AddrInUse => return Err(taken(address)),
            Err(source) => return Err(Unusable::Refused { address, source }),
        }
    }
    Ok(())
}

fn taken(address: SocketAddrV4) -> Unusable {
    let Some(process) = process(address) else {
        return Unusable::TakenByUnknown { address };
    };
    let id = process.pid;
    match folder(&process) {
        Some((base, cluster)) => Unusable::TakenByCluster { address, id, base, cluster },
        None => Unusable::TakenByProcess { address, id, command: command(&process) },
    }
}

/// The process that listens there, on this address or on all.
fn process(address: SocketAddrV4) -> Option<Process> {
    let sockets = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
    let inodes: Vec<u64> = sockets
        .filter(|socket| socket.state == TcpState::Listen && covers(socket.local_address, address))
        .map(|socket| socket.inode)
        .collect();
    process::all_processes().ok()?.flatten().find(|process| {
        // Files of other users' processes cannot be listed; those processes are passed over.
        let mut open = process.fd().into_iter().flatten().flatten();
        open.any(|file| matches!(file.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
    })
}

/// Whether a socket that listens there takes connections to this address.
fn covers(listens: SocketAddr, address: SocketAddrV4) -> bool {
    let ip = listens.ip();
    listens.port() == address.port() && (ip.is_unspecified() || ip == *address.ip())
}

/// The folder of all clusters, and the cluster in it, that a process is a node of.
fn folder(process: &Process) -> Option<(PathBuf, String)> {
    let environment = process.environ().ok()?;
    let data = Path::new(environment.get(OsStr::new("VANE_DATA_DIR"))?);
    // A node is told where its data is, and that lies in the folder of its cluster.
    let cluster = data.parent().filter(|folder| folder.join(FILE).exists())?;
    Some((cluster.parent()?.to_owned(), cluster.file_name()?.to_str()?.to_owned()))
}

fn command(process: &Process) -> String {
    process.cmdline().unwrap_or_default().join(" ").chars().take(COMMAND_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_named_with_its_process() {
        let address = Ipv4Addr::new(127, 0, 0, 9);
        let held = TcpListener::bind((address, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let said = taken(SocketAddrV4::new(address, port)).to_string();
        assert!(
            said.starts_with(&format!(
                "{address}:{port} is taken by process {} (",
                std::process::id()
            )),
            "{said}"
        );
    }

    #[test]
    fn one_on_all_addresses_is_found_too() {
        let held = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let found = |port| {
            let found = process(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 9), port));
            found.and_then(|process| u32::try_from(process.pid).ok())
        };
        assert_eq!(found(port), Some(std::process::id()));
        assert_eq!(found(1), None);
    }
}
