//! The shard itself: its store, its memory, and the locks between them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use vane_storage::ShardStore;
use vane_types::{CollectionConfig, LogIndex};

use crate::build_cores::BuildCores;
use crate::fills::{Fills, Whole};
use crate::job_log::JobLog;
use crate::pace::Pace;
use crate::quarantine::Mark;
use crate::recall::{RecallMeter, SpareTime};
use crate::segments::growing::Growing;
use crate::segments::optimize::Claimed;
use crate::state::State;
use crate::stirred::Stirred;
use crate::unindexed::Notes;

/// Full segments that may wait to be sealed before writers have to wait.
const FROZEN_MAX: usize = 4;

/// When growing segments end.
#[derive(Debug, Clone)]
pub struct ShardSettings {
    /// Rows after which a growing segment is sealed.
    pub growing_rows_max: usize,
    /// Bytes after which a growing segment is sealed.
    pub growing_bytes_max: usize,
    /// Pause of writes after which the tail is sealed and indexed.
    pub idle_after: Duration,
    /// Points that come into a payload index at a time, while writers wait.
    pub fill_points: usize,
    /// What graphs are built on, the same for all shards of a node.
    pub build_cores: Arc<BuildCores>,
    /// Bytes of memory that the build of one graph may take: no larger segments are made.
    pub build_bytes_max: usize,
    /// When searches may be answered exactly as well, the same for all shards of a node.
    pub spare_time: Arc<SpareTime>,
    /// Where shards say that there may be jobs for them, the same for all shards of a node.
    pub stirred: Arc<Stirred>,
    /// Whether graphs may get codes of few bits, which members below
    /// [`FeatureLevel::CHANGING`](vane_types::FeatureLevel::CHANGING) cannot read; the same for all
    /// shards of a node.
    pub may_have_few_bits: Arc<AtomicBool>,
}

/// One shard on this node.
///
/// Lock order: `jobs`, `writer`, `linking`, `state`. Whoever changes anything holds `writer`
/// throughout and `state` for the change itself; readers hold `state` just long enough for
/// a view.
pub struct Shard {
    pub(crate) store: ShardStore,
    pub(crate) state: Arc<RwLock<State>>,
    pub(crate) writer: Mutex<()>,
    /// Shared by background jobs, held alone while a snapshot takes the place of everything.
    pub(crate) jobs: RwLock<()>,
    /// Asks running jobs to end, for somebody who waits for `jobs`.
    pub(crate) stop_jobs: AtomicBool,
    /// Held while segments that a snapshot names are linked, and while files are removed that
    /// are not named any more.
    pub(crate) linking: Mutex<()>,
    /// Held for moments only, and never while another lock is waited for but `state`.
    pub(crate) claimed: Mutex<Claimed>,
    pub(crate) indexes_building: AtomicUsize,
    pub(crate) indexes_built: AtomicU64,
    /// By kind of background job, why the last one failed, if it did.
    pub(crate) job_failures: Mutex<[Option<String>; 4]>,
    pub(crate) job_log: JobLog,
    pub(crate) unindexed: Notes,
    pub(crate) settings: ShardSettings,
    pub(crate) pace: Mutex<Pace>,
    closed: AtomicBool,
    pub(crate) fills: Fills,
    pub(crate) recall: Arc<RecallMeter>,
    /// Set once an entry was met that cannot be applied.
    pub(crate) quarantined: OnceLock<Mark>,
    /// Set once its files are known not to be what was written, until a snapshot replaces them.
    pub(crate) damaged: RwLock<Option<String>>,
}

impl Shard {
    /// A shard whose memory was read from its store.
    pub(crate) fn new(store: ShardStore, state: State, settings: ShardSettings) -> Self {
        Self {
            store,
            state: Arc::new(RwLock::new(state)),
            writer: Mutex::new(()),
            jobs: RwLock::new(()),
            stop_jobs: AtomicBool::new(false),
            linking: Mutex::new(()),
            claimed: Mutex::default(),
            indexes_building: AtomicUsize::new(0),
            indexes_built: AtomicU64::new(0),
            job_failures: Mutex::default(),
            job_log: JobLog::default(),
            unindexed: Notes::default(),
            pace: Mutex::new(Pace::new(settings.idle_after, Instant::now())),
            settings,
            closed: AtomicBool::new(false),
            fills: Fills::default(),
            recall: Arc::default(),
            quarantined: OnceLock::new(),
            damaged: RwLock::new(None),
        }
    }

    /// The configuration, payload indexes included.
    pub fn config(&self) -> CollectionConfig {
        self.state.read().config.clone()
    }

    /// Index of the last applied entry. What lies below it when the store is synced is
    /// durable, and its log may go.
    pub fn applied(&self) -> LogIndex {
        self.state.read().applied
    }

    /// Whether writers should wait for segments to be sealed.
    pub fn is_backlogged(&self) -> bool {
        self.state.read().vectors.values().any(|vector| vector.frozen.len() > FROZEN_MAX)
    }

    /// Ends the shard: entries that still come are refused, jobs stop at their next step.
    /// Its keys and files are the caller's to remove.
    pub fn close(&self) {
        let _only_writer = self.writer.lock();
        let _no_mark = self.damaged.write();
        // Under the locks: no entry, publication or mark is half way, and none begins afterwards.
        self.closed.store(true, Ordering::Release);
    }

    /// The shard's keys and files.
    pub fn store(&self) -> &ShardStore {
        &self.store
    }

    /// A word that it is neither being filled by a snapshot nor on its way out: what was read
    /// between two equal ones is of one state. `None` where it is.
    pub fn whole(&self) -> Option<Whole> {
        self.fills.whole().filter(|_| !self.is_closed())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether nothing here may be changed any more.
    pub(crate) fn is_out_of_use(&self) -> bool {
        self.is_closed() || self.quarantined.get().is_some()
    }

    /// Notes that a write of so many bytes was applied.
    pub(crate) fn note_write(&self, bytes: usize) {
        self.settings.build_cores.note_request();
        self.pace.lock().note(bytes, Instant::now());
        self.stir();
    }

    /// Sets growing segments aside that are full. The caller holds `writer`.
    pub(crate) fn freeze_full(&self) {
        // Asked under the lock that readers share: mostly there is nothing to do.
        let is_any_full =
            self.state.read().vectors.values().any(|vector| self.is_full(&vector.growing));
        if !is_any_full {
            return;
        }
        let mut state = self.state.write();
        for vector in state.vectors.values_mut().filter(|vector| self.is_full(&vector.growing)) {
            vector.freeze();
        }
    }

    fn is_full(&self, growing: &Growing) -> bool {
        let ShardSettings { growing_rows_max, growing_bytes_max, .. } = self.settings;
        growing.rows() >= growing_rows_max || growing.bytes() >= growing_bytes_max
    }
}
