//! What the system says of a process, by its id: memory, time on processors, whether it stands.

use std::collections::BTreeMap;

use procfs::process::{Process, Stat};

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
    fn this_process_has_memory_and_threads_that_run() {
        let id = std::process::id();
        assert!(resident_bytes(id) > 1 << 20);
        assert!(!is_stopped(id));
        assert!(!cpu_seconds_by_thread(id).is_empty());
        assert!(memory(id).anonymous > 1 << 16 && memory(id).mapped > 1 << 16);
        assert!(!thread_nanos(id).is_empty());
    }
}
