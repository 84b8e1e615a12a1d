//! A mapped file, and how much of it is kept in memory.

use std::ops::Deref;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Once, OnceLock, Weak};
use std::thread;

use memmap2::{Advice, Mmap};
use parking_lot::Mutex;
use vane_types::Residence;

use super::residence::{Counted, WANTED, fit_into_memory, pin};

/// A mapped file. Advice only: nothing of what is read depends on it.
pub(super) struct Kept(Arc<Inner>);

struct Inner {
    map: Mmap,
    state: Mutex<State>,
}

struct State {
    residence: Residence,
    /// Readers come in no order.
    single_reads: bool,
    /// Counted among what is wanted in memory.
    wanted: Option<Counted>,
    /// Counted among what may not be taken away, and it is.
    pinned: Option<Counted>,
}

impl Kept {
    pub(super) fn new(map: Mmap, residence: Residence) -> Self {
        let (wanted, pinned) = (None, None);
        let state = State { residence, single_reads: false, wanted, pinned };
        let kept = Self(Arc::new(Inner { map, state: Mutex::new(state) }));
        kept.advise(residence);
        match residence {
            Residence::Pinned => settle_later(Arc::downgrade(&kept.0)),
            Residence::Cold | Residence::Cached => kept.0.settle(),
        }
        kept
    }

    /// Keeps it so from now on. What takes as long as the disk does comes later, by another thread:
    /// whoever changes it may hold a lock.
    pub(super) fn keep(&self, residence: Residence) {
        let changes = self.0.state.lock().residence != residence;
        if changes {
            self.advise(residence);
            settle_later(Arc::downgrade(&self.0));
        }
    }

    fn advise(&self, residence: Residence) {
        let Inner { map, state } = &*self.0;
        let mut state = state.lock();
        state.residence = residence;
        state.wanted = match residence {
            Residence::Cold => None,
            // The old count goes only once the new one is there, so that none is seen as too few.
            Residence::Cached | Residence::Pinned => Some(Counted::of(&WANTED, map.len())),
        };
        if residence != Residence::Pinned && state.pinned.take().is_some() {
            drop(map.unlock());
        }
        match residence {
            Residence::Cold => state.advise_reads(map),
            Residence::Cached | Residence::Pinned => drop(map.advise(Advice::Normal)),
        }
    }

    /// From now on readers come in no order: where it is wanted on the disk, no more is read with
    /// each.
    pub(super) fn expect_single_reads(&self) {
        let mut state = self.0.state.lock();
        state.single_reads = true;
        if state.residence == Residence::Cold {
            state.advise_reads(&self.0.map);
        }
    }
}

impl State {
    fn advise_reads(&self, map: &Mmap) {
        let advice = if self.single_reads { Advice::Random } else { Advice::Normal };
        drop(map.advise(advice));
    }
}

impl Deref for Kept {
    type Target = Mmap;

    fn deref(&self) -> &Mmap {
        &self.0.map
    }
}

impl Inner {
    /// Reads what is to be in memory.
    fn settle(&self) {
        let residence = self.state.lock().residence;
        match residence {
            Residence::Cold => {}
            // The first searches after a start would otherwise wait for the disk page by page. Of
            // more than fits each would push out another.
            Residence::Cached if !fit_into_memory() => {}
            Residence::Cached => drop(self.map.advise(Advice::WillNeed)),
            Residence::Pinned => self.pin(),
        }
    }

    /// Reads all of it and keeps it. Without the lock, as that takes as long as the disk does.
    fn pin(&self) {
        let is_due = |state: &State| state.residence == Residence::Pinned && state.pinned.is_none();
        if !is_due(&self.state.lock()) {
            return;
        }
        let (pinned, why) = match pin(self.map.len()) {
            None => (None, "half of the memory is pinned, or would be".to_owned()),
            Some(counted) => match self.map.lock() {
                Ok(()) => (Some(counted), String::new()),
                Err(error) => (None, error.to_string()),
            },
        };
        let Some(pinned) = pinned else {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                tracing::warn!(
                    %why,
                    "failed to pin a file in memory, it is cached; raise the limit of locked \
                     memory (ulimit -l) and the memory, or ask for less"
                );
            });
            return drop(self.map.advise(Advice::WillNeed));
        };
        let mut state = self.state.lock();
        match is_due(&state) {
            true => state.pinned = Some(pinned),
            // Somebody changed their mind.
            false => drop(self.map.unlock()),
        }
    }
}

/// Has one thread of the process read files: that takes as long as the disk does.
fn settle_later(file: Weak<Inner>) {
    static FILES: OnceLock<Option<Sender<Weak<Inner>>>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let (files, to_read) = channel();
        let reader = thread::Builder::new().name("vane-residence".into());
        reader.spawn(move || settle_all(&to_read)).ok().map(|_| files)
    });
    // Where there is no thread, pages come as they are asked for.
    if let Some(files) = files {
        drop(files.send(file));
    }
}

fn settle_all(files: &Receiver<Weak<Inner>>) {
    for file in files {
        // One that nobody reads any more is let go.
        if let Some(file) = file.upgrade() {
            file.settle();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::residence::pinned_bytes;
    use super::super::{Residence, map_file};
    use super::*;

    /// Waits for the thread that pins.
    fn wait(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < end, "waited in vain: {what}");
            thread::yield_now();
        }
    }

    #[test]
    fn a_file_is_kept_as_was_said_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, [7; 8192]).unwrap();
        let open = |residence| Kept::new(map_file(&path, 8192).unwrap(), residence);
        // No other test pins anything, and so few bytes any process may.
        let kept = open(Residence::Pinned);
        let is_pinned = |kept: &Kept| kept.0.state.lock().pinned.is_some();
        // It is counted a moment before.
        wait("pinned", || is_pinned(&kept));
        assert_eq!(pinned_bytes(), 8192);
        kept.keep(Residence::Cold);
        kept.expect_single_reads();
        assert!(!is_pinned(&kept) && pinned_bytes() == 0);
        assert!(kept.0.state.lock().wanted.is_none());
        kept.keep(Residence::Cached);
        assert!(kept.0.state.lock().wanted.is_some());
        kept.keep(Residence::Pinned);
        wait("pinned again", || is_pinned(&kept));
        assert_eq!(kept[..], [7; 8192]);
        drop(kept);
        wait("let go", || pinned_bytes() == 0);
        drop(open(Residence::Pinned));
        open(Residence::Pinned).keep(Residence::Cached);
        wait("let go before it was pinned", || pinned_bytes() == 0);
    }
}
