//! What the system says of a process, by its id: memory, time on processors, whether it stands.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

use procfs::net::{TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process, Stat, all_processes};

/// Bytes of memory that a process has; 0 for one that is gone.
pub fn resident_bytes(id: u32) -> u64 {
    let status = process(id).and_then(|process| process.status().ok());
    status.and_then(|status| status.vmrss).unwrap_or(0) * 1024
}

/// Memory that a process has, by where it comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that are no page of a file.
    pub anonymous: u64,
    /// Bytes that are pages of mapped files, or shared.
    pub mapped: u64,
}

/// What memory a process has; nothing of one that is gone.
pub fn memory(id: u32) -> Memory {
    let Some(status) = process(id).and_then(|process| process.status().ok()) else {
        return Memory::default();
    };
    let bytes = |kilobytes: Option<u64>| kilobytes.unwrap_or(0) * 1024;
    let mapped = bytes(status.rssfile) + bytes(status.rssshmem);
    Memory { anonymous: bytes(status.rssanon), mapped }
}

/// Nanoseconds that each thread of a process has used of processors, by the thread's id: finer
/// than [`cpu_seconds`], which counts in hundredths, and without threads that have ended. Of a
/// thread that runs just now the last milliseconds are missing.
pub fn thread_nanos(id: u32) -> BTreeMap<i32, u64> {
    let tasks = process(id).and_then(|process| process.tasks().ok());
    let tasks = tasks.into_iter().flatten().flatten();
    tasks.filter_map(|task| Some((task.tid, task.schedstat().ok()?.sum_exec_runtime))).collect()
}

/// Seconds that a process has used of processors; 0 for one that is gone.
pub fn cpu_seconds(id: u32) -> f64 {
    let stat = process(id).and_then(|process| process.stat().ok());
    stat.as_ref().map_or(0.0, seconds)
}

/// The same of its threads, by name; threads of one name together.
pub fn cpu_seconds_by_thread(id: u32) -> BTreeMap<String, f64> {
    let mut by_name = BTreeMap::new();
    for thread in threads(id) {
        *by_name.entry(thread.comm.clone()).or_default() += seconds(&thread);
    }
    by_name
}

/// The process that listens at an address, if that is one of this machine and the process may be
/// looked at.
pub fn listener(address: SocketAddr) -> Option<u32> {
    // Only an address of this machine can be listened at. The same port elsewhere is another's.
    drop(TcpListener::bind((address.ip(), 0)).ok()?);
    let sockets = [tcp(), tcp6()].into_iter().flatten().flatten();
    let mut sockets: Vec<_> = sockets
        .filter(|socket| socket.state == TcpState::Listen)
        .filter(|socket| socket.local_address.port() == address.port())
        .filter(|socket| {
            let ip = socket.local_address.ip();
            ip == address.ip() || ip.is_unspecified()
        })
        .collect();
    // One at just this address gets what others at all addresses would.
    sockets.sort_by_key(|socket| socket.local_address.ip().is_unspecified());
    let wanted = FDTarget::Socket(sockets.first()?.inode);
    let holds = |process: &Process| {
        let files = process.fd().into_iter().flatten().flatten();
        files.into_iter().any(|file| file.target == wanted)
    };
    let found = all_processes().ok()?.flatten().find(holds)?;
    u32::try_from(found.pid).ok()
}

/// Whether every thread of a process is stopped or gone.
pub fn is_stopped(id: u32) -> bool {
    threads(id).iter().all(|thread| matches!(thread.state, 'T' | 'Z' | 'X'))
}

fn process(id: u32) -> Option<Process> {
    Process::new(id.try_into().ok()?).ok()
}

fn threads(id: u32) -> Vec<Stat> {
    let tasks = process(id).and_then(|process| process.tasks().ok());
    // One that ended meanwhile has used nothing and does not run.
    tasks.into_iter().flatten().flatten().filter_map(|task| task.stat().ok()).collect()
}

fn seconds(stat: &Stat) -> f64 {
    (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_by_its_address_and_no_other() {
        let here = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = here.local_addr().unwrap();
        assert_eq!(listener(address), Some(std::process::id()));
        assert_eq!(listener(SocketAddr::new("127.0.0.2".parse().unwrap(), address.port())), None);
        // An address of the documentation: no machine has it.
        assert_eq!(listener(SocketAddr::new("192.0.2.1".parse().unwrap(), address.port())), None);
        let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = everywhere.local_addr().unwrap().port();
        let address = SocketAddr::new("127.0.0.1".parse().unwrap(), port);
        assert_eq!(listener(address), Some(std::process::id()));
    }

    #[test]
    fn this_process_has_memory_and_threads_that_run() {
        let id = std::process::id();
        assert!(resident_bytes(id) > 1 << 20);
        assert!(!is_stopped(id));
        assert!(!cpu_seconds_by_thread(id).is_empty());
        assert!(memory(id).anonymous > 1 << 16 && memory(id).mapped > 1 << 16);
        assert!(!thread_nanos(id).is_empty());
    }
}
