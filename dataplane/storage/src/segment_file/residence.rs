//! Whether the mapped files of this process can all stay in memory.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of all mapped files of the process: it has one page cache, whoever maps.
static MAPPED: AtomicU64 = AtomicU64::new(0);

/// Part of the memory that mapped files may be expected to have for themselves, as a divisor.
const SHARE: u64 = 2;

/// Where a control group says how much memory it has, in its two versions.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Where the rows of a segment are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residence {
    /// In memory, as far as all of them fit.
    Memory,
    /// On the disk: each is read when it is asked for, and memory is left to others.
    Disk,
}

/// Bytes that are mapped, and wanted in memory, for as long as this lives.
pub(super) struct Mapped(u64);

impl Mapped {
    pub(super) fn new(bytes: usize, residence: Residence) -> Self {
        let bytes = if residence == Residence::Memory { bytes as u64 } else { 0 };
        MAPPED.fetch_add(bytes, Ordering::Relaxed);
        Self(bytes)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        MAPPED.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Whether all that is mapped, and wanted in memory, fits into the memory that it may have. Where
/// it does not, a look at a row may be a wait for the disk at any time.
pub fn fit_into_memory() -> bool {
    MAPPED.load(Ordering::Relaxed) <= memory_bytes() / SHARE
}

/// Bytes of memory of the machine, or of the control group where that has less. More than any
/// machine has where the kernel does not say.
pub fn memory_bytes() -> u64 {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let limits = LIMITS.iter().filter_map(|path| fs::read_to_string(path).ok());
        let machine = fs::read_to_string("/proc/meminfo").ok();
        memory(machine.as_deref(), limits)
    })
}

/// Bytes of memory, by what the kernel says of the machine and of limits. Where it says nothing
/// there is no bound to go by.
fn memory(machine: Option<&str>, limits: impl Iterator<Item = String>) -> u64 {
    let total = machine.and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes << 10)
    });
    // `max` stands for none.
    let limits = limits.filter_map(|limit| limit.trim().parse().ok());
    limits.chain(total).min().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_is_the_memory() {
        let machine = Some("MemFree: 1 kB\nMemTotal:       2048 kB\n");
        let limits =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(memory(machine, limits(&[]).into_iter()), 2 << 20);
        assert_eq!(memory(machine, limits(&["max\n", "4096\n"]).into_iter()), 4096);
        assert_eq!(memory(machine, limits(&["9223372036854771712"]).into_iter()), 2 << 20);
        assert_eq!(memory(None, limits(&["max"]).into_iter()), u64::MAX);
    }
}
