//! Which slots are of which tenant.

use roaring::RoaringBitmap;
use vane_types::{FieldSchema, Slot, TenantId};

use crate::payload_index::PayloadIndex;

/// Slots by tenant. As of a payload index, a copy is taken in constant time and stays as it is.
#[derive(Debug, Clone)]
pub struct TenantIndex(PayloadIndex);

impl Default for TenantIndex {
    fn default() -> Self {
        // A tenant is a value that each point has one of.
        Self(PayloadIndex::new(FieldSchema::Keyword))
    }
}

impl TenantIndex {
    /// Adds a slot to a tenant.
    pub fn insert(&mut self, tenant: TenantId, slot: Slot) {
        self.0.insert(&key(tenant), slot);
    }

    /// Removes a slot from a tenant.
    pub fn remove(&mut self, tenant: TenantId, slot: Slot) {
        self.0.remove(&key(tenant), slot);
    }

    /// Slots of any of the tenants.
    pub fn slots(&self, tenants: impl IntoIterator<Item = TenantId>) -> RoaringBitmap {
        self.0.any_of(tenants.into_iter().map(key))
    }

    /// How many tenants have slots.
    pub fn len(&self) -> usize {
        self.0.values()
    }

    /// Whether no tenant has any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that have slots, in order.
    pub fn tenants(&self) -> Vec<TenantId> {
        let mut tenants = Vec::with_capacity(self.len());
        self.0.each_key(&mut |key| {
            let number = key.try_into().ok().map(u32::from_be_bytes);
            tenants.extend(number.and_then(TenantId::from_number));
        });
        tenants
    }

    /// As those of a payload index ([`PayloadIndex::places`]).
    pub fn places(&self) -> Vec<u32> {
        self.0.places()
    }

    /// Memory taken, in bytes, as an estimate.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// Keys order as tenants do.
fn key(tenant: TenantId) -> [u8; 4] {
    tenant.number().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_lie_with_their_tenant_and_tenants_in_order() {
        let [one, two] = [1, 70_000].map(|number| TenantId::from_number(number).unwrap());
        let mut index = TenantIndex::default();
        for (tenant, slot) in [(two, 0), (one, 1), (two, 2)] {
            index.insert(tenant, slot);
        }
        assert_eq!((index.tenants(), index.places()), (vec![one, two], vec![1, 0, 1]));
        assert_eq!(index.slots([two]), RoaringBitmap::from_iter([0, 2]));
        let before = index.clone();
        index.remove(one, 1);
        assert_eq!((index.tenants(), index.len()), (vec![two], 1));
        assert_eq!(before.slots([one, two]), RoaringBitmap::from_iter([0, 1, 2]));
    }
}
