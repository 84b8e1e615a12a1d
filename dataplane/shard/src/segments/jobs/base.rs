//! Which graph of some segments that are merged the new one grows from.

use std::sync::Arc;

use vane_index::GraphParams;
use vane_storage::segment_file;

use super::Cancel;
use crate::segments::sealed::Sealed;

/// A segment whose graph is taken over.
pub(super) struct Grown {
    pub(super) segment: Arc<Sealed>,
    /// Of each row of the new segment its number in this one, or -1.
    pub(super) numbers: Vec<i32>,
}

/// The segment that gives most rows, of those whose graphs are as dense as is wanted; `origins` are
/// the segment and row that each new row comes from. `None` also where its graph is damaged: a copy
/// of its links would vouch for them.
pub(super) fn choose(
    inputs: &[Arc<Sealed>],
    origins: &[(u32, u32)],
    params: GraphParams,
    cancel: &Cancel<'_>,
) -> Option<Grown> {
    let mut given = vec![0_usize; inputs.len()];
    for (input, _) in origins {
        given[*input as usize] += 1;
    }
    let fits = |number: &usize| is_as_wanted(&inputs[*number], params);
    let number = (0..inputs.len()).filter(fits).max_by_key(|number| given[*number])?;
    let segment = Arc::clone(&inputs[number]);
    let record = segment.manifest.graph.as_ref()?;
    let mut pace = |_| !cancel.is_wanted();
    match segment_file::verify_graph_paced(&segment.dir, record, &mut pace) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => {
            tracing::warn!(%error, "the graph of a merged segment is built from nothing");
            return None;
        }
    }
    let of = |&(input, row): &(u32, u32)| if input as usize == number { row as i32 } else { -1 };
    Some(Grown { segment, numbers: origins.iter().map(of).collect() })
}

fn is_as_wanted(segment: &Sealed, params: GraphParams) -> bool {
    let is_current = segment.graph.as_ref().is_some_and(|graph| !graph.is_of_earlier_version());
    let dense = segment.manifest.graph.as_ref().is_some_and(|record| {
        record.m as usize == params.m && record.ef_construct as usize >= params.ef_construct
    });
    is_current && dense
}
