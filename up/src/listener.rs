//! Who listens where a node should.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};

use vane_operator::names::{PEER_PORT, REST_PORT};

use crate::state::FILE;

/// What /proc/net/tcp calls a socket that listens.
const LISTENS: &str = "0A";
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
    TakenByCluster { address: SocketAddrV4, id: u32, base: PathBuf, cluster: String },
    /// Another process of this user has it.
    #[error("{address} is taken by process {id} ({command}); end that")]
    TakenByProcess { address: SocketAddrV4, id: u32, command: String },
}

/// Whether a node can listen on an address, on both of its ports.
///
/// # Errors
///
/// It cannot: the error says which port, who has it as far as the system tells, and what to do.
pub(crate) fn check(address: Ipv4Addr) -> Result<(), Unusable> {
    for port in [REST_PORT, PEER_PORT] {
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
    let Some(id) = process(*address.ip(), address.port()) else {
        return Unusable::TakenByUnknown { address };
    };
    match folder(id) {
        Some((base, cluster)) => Unusable::TakenByCluster { address, id, base, cluster },
        None => Unusable::TakenByProcess { address, id, command: command(id) },
    }
}

/// The process that listens there, on this address or on all.
fn process(address: Ipv4Addr, port: u16) -> Option<u32> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let inodes: Vec<String> = sockets
        .iter()
        .flat_map(|table| table.lines())
        .filter_map(|line| inode(line, address, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
    ids.into_iter().find(|id| {
        // Files of other users' processes cannot be listed; those processes are passed over.
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        let links = open.filter_map(|file| fs::read_link(file.path()).ok());
        links.into_iter().any(|link| inodes.iter().any(|inode| link.as_os_str() == inode.as_str()))
    })
}

/// How /proc/ID/fd names the socket of a line of /proc/net/tcp that listens there.
fn inode(line: &str, address: Ipv4Addr, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, listens_on) = fields.get(1)?.split_once(':')?;
    // In the byte order of the machine; all zeros are all addresses, of either family.
    let own = format!("{:08X}", u32::from_ne_bytes(address.octets()));
    let here = ip == own || ip.bytes().all(|digit| digit == b'0');
    let listens =
        fields.get(3) == Some(&LISTENS) && u16::from_str_radix(listens_on, 16) == Ok(port);
    (here && listens).then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
}

/// The folder of all clusters, and the cluster in it, that a process is a node of.
fn folder(id: u32) -> Option<(PathBuf, String)> {
    let environment = fs::read(format!("/proc/{id}/environ")).ok()?;
    let mut set =
        environment.split(|byte| *byte == 0).filter_map(|pair| std::str::from_utf8(pair).ok());
    let data = set.find_map(|pair| pair.strip_prefix("VANE_DATA_DIR="))?;
    // A node is told where its data is, and that lies in the folder of its cluster.
    let cluster = Path::new(data).parent().filter(|folder| folder.join(FILE).exists())?;
    Some((cluster.parent()?.to_owned(), cluster.file_name()?.to_str()?.to_owned()))
}

fn command(id: u32) -> String {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&line).replace('\0', " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(COMMAND_CHARS).collect()
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
        assert_eq!(process(Ipv4Addr::new(127, 0, 0, 9), port), Some(std::process::id()));
        assert_eq!(process(Ipv4Addr::new(127, 0, 0, 9), 1), None);
    }
}
