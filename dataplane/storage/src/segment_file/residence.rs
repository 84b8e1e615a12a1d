//! Whether the mapped files of this process can all stay in memory.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of mapped files that are wanted in memory: the process has one page cache, whoever maps.
pub(super) static WANTED: AtomicU64 = AtomicU64::new(0);
/// Bytes of those that may not be taken away.
static PINNED: AtomicU64 = AtomicU64::new(0);

/// Part of the memory that mapped files may be expected to have for themselves, as a divisor.
const SHARE: u64 = 2;

/// Where a control group says how much memory it has, in its two versions.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// Bytes that are counted for as long as this lives.
pub(super) struct Counted(&'static AtomicU64, u64);

impl Counted {
    pub(super) fn of(among: &'static AtomicU64, bytes: usize) -> Self {
        among.fetch_add(bytes as u64, Ordering::Relaxed);
        Self(among, bytes as u64)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// Counts a file among those that are pinned; `None` where too little would be left for all else.
pub(super) fn pin(bytes: usize) -> Option<Counted> {
    let counted = Counted::of(&PINNED, bytes);
    (pinned_bytes() <= memory_bytes() / SHARE).then_some(counted)
}

/// Bytes of mapped files that the system may not take away.
pub fn pinned_bytes() -> u64 {
    PINNED.load(Ordering::Relaxed)
}

/// Whether all that is mapped, and wanted in memory, fits into the memory that it may have. Where
/// it does not, a look at a row may be a wait for the disk at any time.
pub fn fit_into_memory() -> bool {
    WANTED.load(Ordering::Relaxed) <= memory_bytes() / SHARE
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
