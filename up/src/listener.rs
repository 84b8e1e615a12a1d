//! Who listens where a node should.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use vane_operator::names::{PEER_PORT, REST_PORT};

use crate::state::FILE;

/// What /proc/net/tcp calls a socket that listens.
const LISTENS: &str = "0A";
/// Characters shown of a command line.
const COMMAND_CHARS: usize = 80;

/// Whether a node can listen on an address.
///
/// # Errors
///
/// It cannot: which port, who has it as far as the system tells, and what to do.
pub(crate) fn check(address: Ipv4Addr) -> Result<(), String> {
    for port in [REST_PORT, PEER_PORT] {
        let port = u16::try_from(port).expect("it is a port");
        match TcpListener::bind((address, port)) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::AddrInUse => return Err(taken(address, port)),
            Err(e) => return Err(format!("{address}:{port} cannot be listened on: {e}")),
        }
    }
    Ok(())
}

fn taken(address: Ipv4Addr, port: u16) -> String {
    let Some(id) = process(address, port) else {
        return format!(
            "{address}:{port} is taken by a process that the system does not name (another user's, or a container's); \
             `ss -ltn 'sport = :{port}'` shows where it listens; end it"
        );
    };
    match folder(id) {
        Some((base, cluster)) => format!(
            "{address}:{port} is taken by another local cluster (process {id}); end that with \
             `vane down --dir {} --name {cluster}`",
            base.display()
        ),
        None => format!("{address}:{port} is taken by process {id} ({}); end that", command(id)),
    }
}

/// The process that listens there, on this address or on all.
fn process(address: Ipv4Addr, port: u16) -> Option<u32> {
    let sockets =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|it| fs::read_to_string(it).unwrap_or_default());
    let inodes: Vec<String> = sockets
        .iter()
        .flat_map(|it| it.lines())
        .filter_map(|it| inode(it, address, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    ids.into_iter().find(|id| {
        let open = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
        let links = open.filter_map(|it| fs::read_link(it.path()).ok());
        links.into_iter().any(|it| inodes.iter().any(|inode| it.as_os_str() == inode.as_str()))
    })
}

/// How /proc/ID/fd names the socket of a line of /proc/net/tcp that listens there.
fn inode(line: &str, address: Ipv4Addr, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, listens_on) = fields.get(1)?.split_once(':')?;
    // In the byte order of the machine; all zeros are all addresses, of either family.
    let own = format!("{:08X}", u32::from_ne_bytes(address.octets()));
    let here = ip == own || ip.bytes().all(|it| it == b'0');
    let listens =
        fields.get(3) == Some(&LISTENS) && u16::from_str_radix(listens_on, 16) == Ok(port);
    (here && listens).then(|| fields.get(9).map(|it| format!("socket:[{it}]")))?
}

/// The folder of all clusters, and the cluster in it, that a process is a node of.
fn folder(id: u32) -> Option<(PathBuf, String)> {
    let environment = fs::read(format!("/proc/{id}/environ")).ok()?;
    let mut set = environment.split(|it| *it == 0).filter_map(|it| std::str::from_utf8(it).ok());
    let data = set.find_map(|it| it.strip_prefix("VANE_DATA_DIR="))?;
    let cluster = Path::new(data).parent().filter(|it| it.join(FILE).exists())?;
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
        let said = taken(address, port);
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
