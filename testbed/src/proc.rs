//! What the system says of a process, by its id: memory, time on processors, whether it stands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Ticks a second of the times in /proc, on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;

/// Bytes of memory that a process has; 0 for one that is gone.
pub fn resident_bytes(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Seconds that a process has used of processors; 0 for one that is gone.
pub fn cpu_seconds(id: u32) -> f64 {
    cpu_seconds_of(Path::new(&format!("/proc/{id}")))
}

/// The same of its threads, by name; threads of one name together.
pub fn cpu_seconds_by_thread(id: u32) -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for task in tasks(id) {
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        *seconds.entry(name.trim().to_owned()).or_default() += cpu_seconds_of(&task);
    }
    seconds
}

/// Whether every thread of a process is stopped or gone.
pub fn is_stopped(id: u32) -> bool {
    tasks(id).iter().all(|task| {
        let state = stat_fields(task).first().and_then(|state| state.chars().next());
        matches!(state, None | Some('T' | 'Z' | 'X'))
    })
}

/// Folders of a process's threads.
fn tasks(id: u32) -> Vec<PathBuf> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    tasks.map(|task| task.path()).collect()
}

fn cpu_seconds_of(folder: &Path) -> f64 {
    let fields = stat_fields(folder);
    let ticks = |field: usize| fields.get(field).and_then(|ticks| ticks.parse::<f64>().ok());
    // utime and stime.
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS_PER_SECOND
}

/// Fields of `stat` from the state on: what precedes it is a name, which may have spaces and
/// parentheses.
fn stat_fields(folder: &Path) -> Vec<String> {
    let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().map(str::to_owned).collect()
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
    }
}
