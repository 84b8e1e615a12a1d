//! How much of its memory and of its disk this node uses, and whether that is more than the
//! cluster's quotas allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vane_catalog::Catalog;
use vane_storage::{Space, memory_bytes};
use vane_types::Quotas;

use crate::memory;

/// A reading of memory is used for so long, as long as it is below its limit.
const READING_AGE_MAX: Duration = Duration::from_secs(1);

/// What this node uses, in per cent; `None` where that cannot be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory of the process, of what it may have.
    pub memory: Option<u8>,
    /// The file system of the data directory.
    pub disk: Option<u8>,
}

/// Which quotas a node is over; `None` where it has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exceeded {
    /// That of memory.
    pub memory: Option<bool>,
    /// That of the disk.
    pub disk: Option<bool>,
}

impl Exceeded {
    /// How many it is over.
    pub fn count(&self) -> usize {
        [self.memory, self.disk].into_iter().filter(|exceeded| *exceeded == Some(true)).count()
    }

    /// Whether it is over one.
    pub fn is_any(&self) -> bool {
        self.count() > 0
    }
}

/// What a quota is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    Memory,
    Disk,
}

/// Reads what this node uses, and remembers which quotas it reached.
pub(crate) struct QuotaWatch {
    catalog: Arc<Catalog>,
    space: Arc<Space>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    memory: Option<(Instant, Option<u8>)>,
    /// By these quotas: others begin anew.
    quotas: Quotas,
    memory_reached: bool,
    disk_reached: bool,
}

impl QuotaWatch {
    pub(crate) fn new(catalog: Arc<Catalog>, space: Arc<Space>) -> Self {
        Self { catalog, space, seen: Mutex::default() }
    }

    /// What this node uses now.
    pub(crate) fn usage(&self) -> Usage {
        Usage { memory: self.memory(None), disk: self.disk() }
    }

    /// Memory in use, in per cent: a moment old where that is below `limit`.
    pub(crate) fn memory(&self, limit: Option<u64>) -> Option<u8> {
        let mut seen = self.seen.lock();
        let is_below = |used: Option<u8>| {
            limit.is_none_or(|limit| used.is_none_or(|used| u64::from(used) < limit))
        };
        if let Some((at, used)) = seen.memory
            && at.elapsed() < READING_AGE_MAX
            && is_below(used)
        {
            return used;
        }
        let resident = memory::of_process().resident;
        // The system says nothing of it.
        let used = (resident > 0).then(|| percent(resident, memory_bytes())).flatten();
        seen.memory = Some((Instant::now(), used));
        used
    }

    fn disk(&self) -> Option<u8> {
        let total = self.space.total();
        percent(total.saturating_sub(self.space.free()), total)
    }

    /// Refuses a write that grows while this node is over a quota. Where there is none nothing is
    /// read.
    ///
    /// # Errors
    /// The quota, for people.
    pub(crate) fn check(&self) -> Result<(), String> {
        let quotas = self.catalog.read(|state| state.quotas);
        for (resource, limit) in
            [(Resource::Memory, quotas.memory()), (Resource::Disk, quotas.disk())]
        {
            let Some(limit) = limit else { continue };
            let Some(used) = self.used(resource, limit) else { continue };
            let mut seen = self.seen.lock();
            let reached = seen.reached(quotas, resource);
            *reached = is_reached(quotas, *reached, used, limit);
            if *reached {
                return Err(refusal(resource, used, limit, quotas.release_below(limit)));
            }
        }
        Ok(())
    }

    /// Which quotas this node is over.
    pub(crate) fn exceeded(&self) -> Exceeded {
        let quotas = self.catalog.read(|state| state.quotas);
        let is_over = |resource, limit: Option<u8>| {
            let used = self.used(resource, limit?)?;
            let mut seen = self.seen.lock();
            let reached = seen.reached(quotas, resource);
            *reached = is_reached(quotas, *reached, used, limit?);
            Some(*reached)
        };
        Exceeded {
            memory: is_over(Resource::Memory, quotas.memory()),
            disk: is_over(Resource::Disk, quotas.disk()),
        }
    }

    fn used(&self, resource: Resource, limit: u8) -> Option<u8> {
        match resource {
            Resource::Memory => self.memory(Some(limit.into())),
            Resource::Disk => self.disk(),
        }
    }
}

impl Seen {
    fn reached(&mut self, quotas: Quotas, resource: Resource) -> &mut bool {
        if self.quotas != quotas {
            (self.quotas, self.memory_reached, self.disk_reached) = (quotas, false, false);
        }
        match resource {
            Resource::Memory => &mut self.memory_reached,
            Resource::Disk => &mut self.disk_reached,
        }
    }
}

/// Whether a quota holds writes up: from its limit on, until there is a margin below it.
fn is_reached(quotas: Quotas, was_reached: bool, used: u8, limit: u8) -> bool {
    used >= limit || (was_reached && used >= quotas.release_below(limit))
}

fn percent(used: u64, of: u64) -> Option<u8> {
    let percent = (u128::from(used) * 100).checked_div(u128::from(of))?;
    u8::try_from(percent.min(100)).ok()
}

/// What is wrong, as Qdrant words it.
fn refusal(resource: Resource, used: u8, limit: u8, release_below: u8) -> String {
    let (what, of, less, parameter) = match resource {
        Resource::Memory => (
            "Resident memory usage",
            "total memory",
            "Reduce memory usage",
            "max_resident_memory_percent",
        ),
        Resource::Disk => {
            ("Disk usage", "total capacity", "Reduce disk usage", "max_disk_usage_percent")
        }
    };
    let why = match used >= limit {
        true => format!(", exceeding the configured limit of {limit}%"),
        false => format!(
            ". It reached the configured limit of {limit}% and has to fall below \
             {release_below}% before this node takes writes again"
        ),
    };
    format!(
        "{what} is at {used}% of {of}{why}. Help: {less} (e.g. delete points or drop \
         collections), or raise `{parameter}` in the global quota config"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_that_was_reached_holds_until_there_is_a_margin() {
        let quotas = Quotas { release_margin_percent: Some(10), ..Quotas::default() };
        for (was_reached, used, reached) in [
            (false, 79, false),
            (false, 80, true),
            (true, 70, true),
            (true, 69, false),
            (false, 75, false),
        ] {
            assert_eq!(is_reached(quotas, was_reached, used, 80), reached, "{used}");
        }
    }

    #[test]
    fn per_cents_are_rounded_down_and_of_something() {
        assert_eq!(percent(999, 1000), Some(99));
        assert_eq!(percent(2000, 1000), Some(100));
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
        assert_eq!(percent(0, 0), None);
    }

    #[test]
    fn texts_say_what_is_full_and_what_helps() {
        assert_eq!(
            refusal(Resource::Disk, 95, 90, 85),
            "Disk usage is at 95% of total capacity, exceeding the configured limit of 90%. Help: \
             Reduce disk usage (e.g. delete points or drop collections), or raise \
             `max_disk_usage_percent` in the global quota config"
        );
        let text = refusal(Resource::Memory, 87, 90, 85);
        assert!(text.contains("has to fall below 85% before this node takes writes"), "{text}");
    }
}
