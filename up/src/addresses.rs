//! Loopback addresses in place of those that pods get: each cluster has a block of its own.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Last number of the address of ordinal 0.
const FIRST: u8 = 11;
/// Pods that fit into a block.
pub const PODS_MAX: u8 = u8::MAX - FIRST;
/// Clusters that fit into 127.0.0.0/16.
pub const BLOCKS_MAX: usize = 255;

/// Address of a pod: 127.0.BLOCK.(11 + ordinal). `None` for an ordinal that does not fit.
pub fn address(block: u8, ordinal: i32) -> Option<Ipv4Addr> {
    let last =
        u8::try_from(ordinal).ok().filter(|ordinal| *ordinal < PODS_MAX)?.checked_add(FIRST)?;
    Some(Ipv4Addr::new(127, 0, block, last))
}

/// Which cluster has which block, in the order in which they come.
#[derive(Debug, Default)]
pub struct Blocks {
    first: u8,
    taken: BTreeMap<(String, String), u8>,
}

impl Blocks {
    /// Blocks from `first` on, which is 0 unless others on this machine have those before it.
    pub fn from(first: u8) -> Self {
        Self { first, taken: BTreeMap::new() }
    }

    /// The block of a cluster; the next free one for a new cluster, and `None` when there is
    /// none. It keeps it: its nodes know each other by these addresses.
    pub fn of(&mut self, namespace: &str, cluster: &str) -> Option<u8> {
        let key = (namespace.to_owned(), cluster.to_owned());
        if let Some(block) = self.taken.get(&key) {
            return Some(*block);
        }
        // The next after those of the clusters so far, because none is ever given back.
        let next = usize::from(self.first) + self.taken.len();
        let block = u8::try_from(next).ok().filter(|block| usize::from(*block) < BLOCKS_MAX)?;
        self.taken.insert(key, block);
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_share_no_address() {
        let mut blocks = Blocks::default();
        let first = blocks.of("one", "demo").unwrap();
        assert_eq!(address(first, 0), Some(Ipv4Addr::new(127, 0, 0, 11)));
        assert_eq!(
            address(blocks.of("two", "demo").unwrap(), 99),
            Some(Ipv4Addr::new(127, 0, 1, 110))
        );
        assert_eq!(blocks.of("one", "demo"), Some(first));
        assert_eq!(Blocks::from(16).of("one", "demo"), Some(16));
        assert_eq!(address(first, -1), None);
        assert_eq!(address(first, i32::from(PODS_MAX)), None);
    }
}
