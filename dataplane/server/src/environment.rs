//! What the system says of this process and of what it runs on. What it does not say is left out.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, getrlimit};
use vane_api::rest::telemetry::Environment;

use crate::engine::{NodeMemory, process_memory};

/// Set by Kubernetes in every container.
const OF_POD: &str = "KUBERNETES_SERVICE_HOST";
/// There in containers of Docker's.
const OF_DOCKER: &str = "/.dockerenv";
/// Of what a processor can, what searches and databases may use.
const CPU_FLAGS: [&str; 8] = ["sse", "sse2", "avx", "avx2", "fma", "f16c", "avx512f", "neon"];

/// What the process runs on, with the disk of a directory.
pub(crate) fn of_process(data_dir: &Path) -> Environment {
    let memory = fs::read_to_string("/proc/meminfo").ok();
    let disk = rustix::fs::statvfs(data_dir).ok();
    Environment {
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        memory_kib: memory.and_then(|text| number(&text, "MemTotal:")),
        disk_kib: disk.map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize) >> 10),
        is_docker: Path::new(OF_DOCKER).exists(),
        is_pod: std::env::var_os(OF_POD).is_some(),
        cpu_flags: cpu_flags(),
    }
}

/// What the process has in memory.
pub(crate) fn memory() -> NodeMemory {
    process_memory()
}

/// Bytes of its address space; 0 where the system does not say.
pub(crate) fn mapped_bytes() -> u64 {
    status("VmSize:").unwrap_or(0) << 10
}

/// Figures of the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(crate) threads: Option<u64>,
    pub(crate) mappings: Option<u64>,
    pub(crate) mappings_max: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) open_files_max: Option<u64>,
    pub(crate) faults: Option<Faults>,
}

/// Page faults since the start: those that a disk was not needed for, those that it was, and the
/// same of children that have ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) minor: u64,
    pub(crate) major: u64,
    pub(crate) minor_of_children: u64,
    pub(crate) major_of_children: u64,
}

impl Process {
    /// The figures of now.
    pub(crate) fn read() -> Self {
        let maps = fs::read("/proc/self/maps").ok();
        let files = fs::read_dir("/proc/self/fd").ok();
        let most = fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        let limit = getrlimit(Resource::Nofile);
        Self {
            threads: status("Threads:"),
            mappings: maps.map(|maps| maps.iter().filter(|byte| **byte == b'\n').count() as u64),
            mappings_max: most.and_then(|text| text.trim().parse().ok()),
            open_files: files.map(|files| files.count() as u64),
            open_files_max: limit.current.or(limit.maximum),
            faults: fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(faults),
        }
    }
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> Option<u64> {
    number(&fs::read_to_string("/proc/self/status").ok()?, name)
}

/// The number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn faults(stat: &str) -> Option<Faults> {
    // Behind the name of the program, which may hold anything.
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(7).map(str::parse);
    let mut next = || fields.next()?.ok();
    let [minor, minor_of_children, major, major_of_children] = [next()?, next()?, next()?, next()?];
    Some(Faults { minor, major, minor_of_children, major_of_children })
}

fn cpu_flags() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("flags") || line.starts_with("Features"));
    let known: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    let has = |flag: &&str| known.contains(flag);
    CPU_FLAGS.into_iter().filter(has).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_threads_files_and_faults() {
        let Process { threads, mappings, open_files, open_files_max, faults, .. } = Process::read();
        assert!(threads.unwrap() > 0 && mappings.unwrap() > 0);
        assert!(open_files.unwrap() > 0 && open_files_max.unwrap() >= open_files.unwrap());
        assert!(faults.unwrap().minor > 0);
        assert!(mapped_bytes() > memory().resident, "{}", mapped_bytes());
    }

    #[test]
    fn a_program_may_be_called_anything() {
        let stat = "7 (a b) 9) c) S 1 2 3 4 5 6 10 11 12 13 14";
        let faults = faults(stat).unwrap();
        assert_eq!((faults.minor, faults.minor_of_children), (10, 11));
        assert_eq!((faults.major, faults.major_of_children), (12, 13));
        assert!(super::faults("7 (a").is_none());
    }
}
