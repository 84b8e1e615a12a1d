//! What is remembered of collections that limit requests: what they hold, and what was spent of a
//! minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::lock::Mutex as AsyncMutex;
use parking_lot::Mutex;
use vane_shard::Info;
use vane_types::{FieldSchema, GroupId, JsonPath};

use crate::rates::Bucket;

/// Figures are not used for longer than this,
const AGE_MAX: Duration = Duration::from_secs(1);
/// nor by more requests: many writes come in a second.
const USES_MAX: u32 = 16;

/// Payload indexes by their fields.
pub(crate) type Schema = BTreeMap<JsonPath, FieldSchema>;

/// Figures of all shards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Payload indexes.
    pub(crate) schema: Schema,
    pub(crate) points: u64,
    pub(crate) vector_bytes: u64,
    pub(crate) payload_bytes: u64,
}

impl Figures {
    pub(crate) fn of(info: Info) -> Self {
        let Info { points, live_vector_bytes, payload_bytes, payload_index_points, .. } = info;
        let indexes = payload_index_points.into_iter();
        let schema = indexes.map(|(field, (schema, _))| (field, schema)).collect();
        let (points, vector_bytes) = (points as u64, live_vector_bytes);
        Self { schema, points, vector_bytes, payload_bytes }
    }
}

/// What is remembered of one collection that limits requests.
pub(crate) struct Watch {
    /// Tells the collection from another one that had its name.
    pub(crate) first: Option<GroupId>,
    pub(crate) reads: Mutex<Bucket>,
    pub(crate) writes: Mutex<Bucket>,
    kept: Mutex<Option<Kept>>,
    /// One asks for all that wait.
    pub(crate) asking: AsyncMutex<()>,
}

struct Kept {
    asked: Instant,
    uses: u32,
    figures: Arc<Figures>,
}

/// By the name of the collection.
#[derive(Default)]
pub(crate) struct Watches(pub(crate) Mutex<HashMap<String, Arc<Watch>>>);

impl Watch {
    /// Of a collection whose first shard has that group.
    pub(crate) fn new(first: Option<GroupId>) -> Arc<Self> {
        let (reads, writes) = (Mutex::default(), Mutex::default());
        let (kept, asking) = (Mutex::new(None), AsyncMutex::new(()));
        Arc::new(Self { first, reads, writes, kept, asking })
    }

    /// Keeps figures that were asked for at that time.
    pub(crate) fn keep(&self, figures: &Arc<Figures>, asked: Instant) {
        *self.kept.lock() = Some(Kept { asked, uses: 0, figures: Arc::clone(figures) });
    }

    /// The last figures, however old they are.
    pub(crate) fn last(&self) -> Option<Arc<Figures>> {
        self.kept.lock().as_ref().map(|kept| Arc::clone(&kept.figures))
    }

    /// Figures of after `since`, or else a moment old, if there are some.
    pub(crate) fn fresh(&self, since: Option<Instant>, now: Instant) -> Option<Arc<Figures>> {
        let mut kept = self.kept.lock();
        let kept = kept.as_mut()?;
        let is_fresh = match since {
            Some(since) => kept.asked >= since,
            None => now.saturating_duration_since(kept.asked) < AGE_MAX && kept.uses < USES_MAX,
        };
        kept.uses += u32::from(is_fresh);
        is_fresh.then(|| Arc::clone(&kept.figures))
    }
}
