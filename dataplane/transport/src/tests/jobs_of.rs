//! Background jobs as the round trips draw them.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use vane_shard::{Job, Optimizer, Outlook, SegmentOf};

use super::value_of::{count, text};

pub(super) fn outlook() -> BoxedStrategy<Outlook> {
    let jobs = || vec(job(), 0..3);
    (jobs(), jobs(), jobs(), vec(segment_of(), 0..3))
        .prop_map(|(running, ended, queued, idle)| Outlook { running, ended, queued, idle })
        .boxed()
}

fn job() -> BoxedStrategy<Job> {
    let all = [
        Optimizer::Sealing,
        Optimizer::Indexing,
        Optimizer::Merge,
        Optimizer::Vacuum,
        Optimizer::PayloadIndex,
    ];
    let optimizer = proptest::sample::select(all.to_vec());
    (any::<[u64; 5]>(), optimizer, vec(segment_of(), 0..3), any::<[bool; 2]>(), of(text()))
        .prop_map(|(numbers, optimizer, segments, [ended, cancelled], failure)| {
            let [number, started_ms, took_us, done, total] = numbers;
            Job {
                number,
                optimizer,
                segments,
                started_ms,
                took_us,
                ended,
                cancelled,
                failure,
                done,
                total,
            }
        })
        .boxed()
}

fn segment_of() -> BoxedStrategy<SegmentOf> {
    (any::<u32>(), any::<u32>(), count())
        .prop_map(|(vector, segment, points)| SegmentOf { vector, segment, points })
        .boxed()
}
