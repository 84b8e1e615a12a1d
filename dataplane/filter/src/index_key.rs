//! A value's key in memory. Most are short: those of numbers, times, places and UUIDs.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// Bytes that a key takes no memory of its own for.
const SHORT: usize = 22;

/// Orders as its bytes do; a copy allocates nothing.
#[derive(Debug, Clone)]
pub(crate) enum IndexKey {
    Short(u8, [u8; SHORT]),
    Long(Arc<[u8]>),
}

impl IndexKey {
    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Short(..) => 0,
            // With its two counters.
            Self::Long(key) => key.len() + 2 * size_of::<usize>(),
        }
    }
}

impl From<&[u8]> for IndexKey {
    fn from(key: &[u8]) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..key.len()) {
            Some(place) => {
                place.copy_from_slice(key);
                Self::Short(key.len() as u8, short)
            }
            None => Self::Long(key.into()),
        }
    }
}

impl Borrow<[u8]> for IndexKey {
    fn borrow(&self) -> &[u8] {
        match self {
            Self::Short(len, key) => &key[..usize::from(*len)],
            Self::Long(key) => key,
        }
    }
}

impl Ord for IndexKey {
    fn cmp(&self, other: &Self) -> Ordering {
        Borrow::<[u8]>::borrow(self).cmp(other.borrow())
    }
}

impl PartialOrd for IndexKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for IndexKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for IndexKey {}
