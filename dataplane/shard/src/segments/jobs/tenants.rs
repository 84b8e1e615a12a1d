//! The order of a new segment's rows where points belong to tenants: those of one lie together, so
//! that a search among them reads one run of the file.

use std::sync::Arc;

use vane_filter::{PayloadIndex, TenantIndex};
use vane_types::Slot;

use crate::segments::sealed::Sealed;
use crate::shard::Shard;
use crate::state::State;

/// The place of each point's tenant among all, by slot.
pub(super) struct TenantOrder(Vec<u32>);

impl TenantOrder {
    /// Puts rows together by tenant; within one they stay as they are. Each is named by the input
    /// that it is in, and its number there.
    pub(super) fn sort(&self, rows: &mut [(u32, u32)], inputs: &[Arc<Sealed>]) {
        rows.sort_by_key(|(input, row)| {
            self.place(inputs[*input as usize].files.slots()[*row as usize])
        });
    }

    /// Whether the rows of these slots lie so.
    pub(super) fn is_kept(&self, slots: &[Slot]) -> bool {
        slots.is_sorted_by_key(|slot| self.place(*slot))
    }

    /// Points without a tenant, and such that came since, are the last.
    fn place(&self, slot: Slot) -> u32 {
        self.0.get(slot as usize).copied().unwrap_or(u32::MAX)
    }
}

impl Shard {
    /// The order of rows by tenant as of now; `None` where a collection has none, or the
    /// index of them is not filled yet.
    pub(super) fn tenant_order(&self) -> Option<TenantOrder> {
        let places = {
            let state = self.state.read();
            // Whose a point is, where ids say that, before what a field says.
            match state.config.by_tenant {
                true => Places::OfIds(state.tenants.clone()),
                false => Places::OfValues(tenant_index(&state)?),
            }
        };
        // Without the lock: every slot is looked at.
        Some(TenantOrder(match places {
            Places::OfIds(index) => index.places(),
            Places::OfValues(index) => index.places(),
        }))
    }
}

/// What says whose a point is.
enum Places {
    OfIds(TenantIndex),
    OfValues(PayloadIndex),
}

fn tenant_index(state: &State) -> Option<PayloadIndex> {
    let field = state.fields.get(state.config.tenant_field()?)?;
    field.is_whole().then(|| field.index.clone())
}
