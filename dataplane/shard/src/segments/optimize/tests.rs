use super::*;

const MB: usize = 1 << 20;
const TEMPOS: [Tempo; 3] = [Tempo::Idle, Tempo::Trickle, Tempo::Busy];

fn facts(segments: &[(u32, usize, bool)], tempo: Tempo) -> Facts {
    let segments = segments.iter().map(|&(id, bytes, has_graph)| SegmentFacts {
        id,
        rows: bytes / 1024,
        dead: 0,
        bytes,
        has_graph,
        is_outdated: false,
    });
    Facts {
        growing_rows: 0,
        growing_bytes: 0,
        frozen: None,
        segments: segments.collect(),
        tempo,
        hnsw: HnswConfig::default(),
        optimizer: OptimizerConfig::default(),
        buildable_bytes: 512 * MB,
    }
}

#[test]
fn a_graph_of_an_earlier_version_is_built_again_when_all_else_is_done() {
    let outdated = |tempo, others: &[(u32, usize, bool)]| {
        let mut facts = facts(&[&[(1, 20 * MB, true)], others].concat(), tempo);
        facts.segments[0].is_outdated = true;
        next_build(&facts)
    };
    assert_eq!(outdated(Tempo::Idle, &[]), Some(Job::Index(1)));
    assert_eq!(outdated(Tempo::Busy, &[]), None);
    let plain = outdated(Tempo::Idle, &[(2, 100 * MB, false)]);
    assert_eq!(plain, Some(Job::Index(2)), "rows without a graph come first");
}

#[test]
fn one_large_enough_segment_is_indexed_in_place() {
    assert_eq!(next_build(&facts(&[(1, 9 * MB, false)], Tempo::Busy)), None, "less than a batch");
    assert_eq!(next_build(&facts(&[(1, 20 * MB, false)], Tempo::Idle)), Some(Job::Index(1)));
    assert_eq!(next_build(&facts(&[(1, 5 * MB, false)], Tempo::Idle)), None, "below the threshold");
    assert_eq!(
        next_build(&facts(&[(1, 20 * MB, false)], Tempo::Busy)),
        Some(Job::Index(1)),
        "whether writes pause or not"
    );
}

#[test]
fn thresholds_that_no_disk_reaches_are_thresholds() {
    let optimizer = OptimizerConfig {
        indexing_threshold: usize::MAX,
        max_segment_size: Some(usize::MAX),
        ..OptimizerConfig::default()
    };
    for tempo in TEMPOS {
        let many: Vec<_> = (0..20).map(|id| (id, 50 * MB, id > 8)).collect();
        let facts = Facts { optimizer, growing_rows: 5000, ..facts(&many, tempo) };
        let merged = Job::Rewrite { inputs: (0..9).collect(), graph: false };
        assert_eq!(next_build(&facts), Some(merged), "none is indexed");
        assert_eq!(next_seal(&facts).is_some(), tempo != Tempo::Busy);
        assert_eq!(delay(20 * 50 * MB, facts.hnsw, optimizer), Duration::ZERO);
    }
}

#[test]
fn while_writes_go_on_a_batch_takes_along_what_is_no_larger() {
    let rewrite = |inputs| Some(Job::Rewrite { inputs, graph: true });
    let all = [(1, 12 * MB, false), (2, 11 * MB, true), (3, 22 * MB, true), (4, 90 * MB, true)];
    assert_eq!(next_build(&facts(&all, Tempo::Busy)), rewrite(vec![1, 2, 3]));
    let all = [(1, 12 * MB, false), (2, 13 * MB, true)];
    assert_eq!(next_build(&facts(&all, Tempo::Busy)), Some(Job::Index(1)));
    let all = [(1, 50 * MB, false), (2, 11 * MB, true)];
    assert_eq!(next_build(&facts(&all, Tempo::Busy)), Some(Job::Index(1)), "the tail comes first");
}

#[test]
fn a_long_tail_is_indexed_in_pieces_whether_writes_go_on_or_not() {
    for tempo in TEMPOS {
        let tail: Vec<_> = (0..13).map(|id| (id, 10 * MB, false)).collect();
        let mut facts = facts(&tail, tempo);
        let mut left = vec![plain_bytes(&facts) / MB];
        while let Some(job) = next_build(&facts) {
            let inputs = match job {
                Job::Index(id) => vec![id],
                Job::Rewrite { inputs, graph: true } => inputs,
                other => panic!("{other:?}"),
            };
            let is_in = |segment: &SegmentFacts| inputs.contains(&segment.id);
            let bytes = facts.segments.iter().filter(|it| is_in(it)).map(|it| it.bytes).sum();
            let id = 100 + left.len() as u32;
            facts.segments.retain(|segment| !is_in(segment));
            facts.segments.extend(self::facts(&[(id, bytes, true)], tempo).segments);
            left.push(plain_bytes(&facts) / MB);
        }
        // Four batches are a little less than 40 MB.
        assert_eq!(left[..6], [130, 100, 70, 40, 10, 0]);
        assert!(left.len() <= 7, "graphs are merged once at most: {left:?}");
    }
}

#[test]
fn small_graphs_are_merged_while_writes_go_on() {
    let tiers = |sizes: &[usize], tempo| {
        let segments: Vec<_> =
            (0_u32..).zip(sizes).map(|(id, size)| (id, size * MB, true)).collect();
        next_build(&facts(&segments, tempo))
    };
    let rewrite = |inputs| Some(Job::Rewrite { inputs, graph: true });
    assert_eq!(tiers(&[40; 6], Tempo::Busy), None);
    assert_eq!(tiers(&[40; 7], Tempo::Busy), rewrite((0..7).collect()));
    assert_eq!(tiers(&[40; 5], Tempo::Idle), rewrite((0..5).collect()));
    // Each more than twice those before it: the smallest two alone.
    assert_eq!(tiers(&[1, 3, 9, 28, 90, 200, 201], Tempo::Busy), rewrite(vec![0, 1]));
    assert_eq!(tiers(&[1, 3, 9, 28], Tempo::Trickle), None);
    assert_eq!(tiers(&[1, 3, 6, 28], Tempo::Trickle), rewrite(vec![1, 2]));
    assert_eq!(tiers(&[1, 5, 21, 85], Tempo::Idle), None);
    assert_eq!(tiers(&[1, 4, 21, 28], Tempo::Idle), rewrite(vec![0, 1]));
    for tempo in [Tempo::Idle, Tempo::Trickle] {
        assert_eq!(tiers(&[40; 2], tempo), rewrite(vec![0, 1]));
        assert_eq!(tiers(&[10, 500, 500, 500, 500, 500], tempo), None, "one is small");
    }
}

#[test]
fn segments_are_indexed_together_and_take_small_indexed_ones_along() {
    let all = [(1, 15 * MB, false), (2, 15 * MB, false), (3, 20 * MB, true), (4, 400 * MB, true)];
    assert_eq!(
        next_build(&facts(&all, Tempo::Idle)),
        Some(Job::Rewrite { inputs: vec![1, 2, 3], graph: true })
    );
}

#[test]
fn nothing_is_rewritten_for_ever() {
    assert_eq!(next_build(&facts(&[(1, 400 * MB, true), (2, 300 * MB, true)], Tempo::Idle)), None);
    let full: Vec<_> = (0..9).map(|id| (id, 400 * MB, true)).collect();
    assert_eq!(next_build(&facts(&full, Tempo::Idle)), None, "no two fit one segment");
}

#[test]
fn dead_rows_beyond_the_threshold_are_left_behind() {
    let mut facts = facts(&[(1, 20 * MB, true)], Tempo::Busy);
    facts.segments[0].dead = facts.segments[0].rows / 4;
    assert_eq!(next_build(&facts), Some(Job::Rewrite { inputs: vec![1], graph: true }));
    facts.segments[0].dead = facts.segments[0].rows / 10;
    assert_eq!(next_build(&facts), None);
}

#[test]
fn a_tail_is_sealed_when_writes_pause() {
    let mut facts = facts(&[], Tempo::Idle);
    facts.growing_rows = 2000;
    assert_eq!(next_seal(&facts), Some(Job::Freeze));
    facts.tempo = Tempo::Trickle;
    assert_eq!(next_seal(&facts), Some(Job::Freeze), "few come, but many are there");
    facts.growing_rows = 10;
    facts.optimizer.indexing_threshold = 1;
    assert_eq!(next_seal(&facts), None, "not each row is sealed that comes");
    facts.optimizer = OptimizerConfig::default();
    facts.tempo = Tempo::Idle;
    assert_eq!(next_seal(&facts), None, "a few rows cost nothing to scan");
    facts.growing_bytes = 11 * MB;
    assert_eq!(next_seal(&facts), Some(Job::Freeze), "enough to index");
    facts.tempo = Tempo::Busy;
    assert_eq!(next_seal(&facts), Some(Job::Freeze), "whether writes pause or not");
    facts.growing_bytes = 4 * MB;
    facts.segments = self::facts(&[(1, 30 * MB, false)], Tempo::Busy).segments;
    assert_eq!(next_seal(&facts), None, "no file is made for a small part of a batch");
    facts.frozen = Some(7);
    assert_eq!(next_seal(&facts), Some(Job::Seal(7)));
}

#[test]
fn writes_are_held_up_by_what_waits_for_a_graph() {
    let delay = |mb| delay(mb * MB, HnswConfig::default(), OptimizerConfig::default());
    assert_eq!(delay(110), Duration::ZERO);
    assert!(delay(120) > Duration::ZERO && delay(120) < delay(200));
    assert_eq!(delay(5000), DELAY_MAX);
    let off = HnswConfig { m: 0, ..HnswConfig::default() };
    assert_eq!(super::delay(5000 * MB, off, OptimizerConfig::default()), Duration::ZERO);
}

#[test]
fn no_graph_is_built_where_it_is_turned_off() {
    let mut facts = facts(&[(1, 200 * MB, false)], Tempo::Idle);
    facts.hnsw.m = 0;
    assert_eq!(next_build(&facts), None);
    facts.hnsw.m = 16;
    facts.optimizer.indexing_threshold = 0;
    assert_eq!(next_build(&facts), None);
}

#[test]
fn segments_grow_as_far_as_memory_and_the_collection_allow() {
    let sizes = [(1, 400 * MB, true), (2, 300 * MB, true)];
    let job = |asked: Option<usize>, buildable_bytes| {
        let mut facts = Facts { buildable_bytes, ..facts(&sizes, Tempo::Idle) };
        facts.optimizer.max_segment_size = asked;
        next_build(&facts)
    };
    let merged = Some(Job::Rewrite { inputs: vec![2, 1], graph: true });
    assert_eq!(job(None, usize::MAX), merged);
    assert_eq!(job(None, 800 * MB), merged);
    assert_eq!(job(None, 799 * MB), None);
    assert_eq!(job(Some(800 << 10), usize::MAX), merged);
    assert_eq!(job(Some(799 << 10), usize::MAX), None);
    assert_eq!(job(Some(usize::MAX), 799 * MB), None, "memory is the machine's");
    let huge = [(1, 11 << 30, true), (2, 10 << 30, true)];
    let huge = Facts { buildable_bytes: usize::MAX, ..facts(&huge, Tempo::Idle) };
    assert_eq!(next_build(&huge), None, "one file has an end");
}

#[test]
fn what_piles_up_is_indexed_and_merged_beside_a_long_build() {
    let beside = |graphs: u32, tail: u32, tempo| {
        let graphs = (0..graphs).map(|id| (id, 37 * MB, true));
        let tail = (100..100 + tail).map(|id| (id, 10 * MB, false));
        let all: Vec<_> = graphs.chain(tail).chain([(200, 2 << 30, true)]).collect();
        next_in_haste(Facts { buildable_bytes: usize::MAX, ..facts(&all, tempo) })
    };
    let rewrite = |inputs| Some(Job::Rewrite { inputs, graph: true });
    for tempo in TEMPOS {
        assert_eq!(beside(6, 3, tempo), None, "the others have time for it");
        assert_eq!(beside(6, 4, tempo), rewrite(vec![100, 101, 102]));
        assert_eq!(beside(7, 3, tempo), rewrite((0..7).collect()));
        assert_eq!(beside(12, 4, tempo), rewrite(vec![100, 101, 102]));
        // Half a GB of them: no more is merged beside.
        assert_eq!(beside(20, 4, tempo), rewrite((0..13).collect()));
    }
}

/// Rows come as fast as one thread indexes them while another is at a graph of an hour.
#[test]
fn segments_stay_few_however_long_rows_come_too_fast() {
    let mut facts = Facts { buildable_bytes: usize::MAX, ..facts(&[], Tempo::Busy) };
    let (mut most, mut written) = (0, 0);
    for id in 0..600 {
        facts.segments.extend(self::facts(&[(id, 37 * MB, true)], Tempo::Busy).segments);
        let tail = self::facts(&[(10_000, 50 * MB, false)], Tempo::Busy).segments;
        let hasty = Facts { segments: [&*facts.segments, &tail].concat(), ..facts.clone() };
        if let Some(Job::Rewrite { inputs, .. }) = next_in_haste(hasty) {
            let is_in = |segment: &SegmentFacts| inputs.contains(&segment.id);
            let bytes = facts.segments.iter().filter(|it| is_in(it)).map(|it| it.bytes).sum();
            written += bytes;
            facts.segments.retain(|segment| !is_in(segment));
            if bytes > 0 {
                facts
                    .segments
                    .extend(self::facts(&[(id + 1000, bytes, true)], Tempo::Busy).segments);
            }
        }
        most = most.max(facts.segments.iter().filter(|it| it.bytes < 256 * MB).count());
    }
    assert!(most <= HASTE_INDEXED_SEGMENTS_MAX + 1, "{most} small ones");
    let times = written / (600 * 37 * MB);
    assert!(times <= 3, "a row is merged a few times only, not {times}");
}

#[test]
fn segments_that_stay_without_a_graph_are_merged_in_tiers() {
    let mut facts = Facts { buildable_bytes: usize::MAX, ..facts(&[], Tempo::Busy) };
    facts.hnsw.m = 0;
    let (mut written, seals) = (0, 400);
    for id in 0..seals {
        facts.segments.extend(self::facts(&[(id, 64 * MB, false)], Tempo::Busy).segments);
        while let Some(Job::Rewrite { inputs, graph: false }) = next_build(&facts) {
            let is_in = |segment: &SegmentFacts| inputs.contains(&segment.id);
            let bytes = facts.segments.iter().filter(|it| is_in(it)).map(|it| it.bytes).sum();
            written += bytes;
            facts.segments.retain(|segment| !is_in(segment));
            let merged = 1000 + id * 10 + inputs.len() as u32;
            facts.segments.extend(self::facts(&[(merged, bytes, false)], Tempo::Busy).segments);
        }
    }
    assert!(facts.segments.len() <= PLAIN_SEGMENTS_MAX);
    let times = written / (seals as usize * 64 * MB);
    assert!(times <= 6, "a row is rewritten a few times only, not {times}");
}

#[test]
fn a_job_is_called_by_what_it_is_for() {
    let mut facts = facts(&[(1, 20 * MB, false), (2, 20 * MB, true), (3, MB, true)], Tempo::Idle);
    facts.segments[1].dead = facts.segments[1].rows / 2;
    let rewrite = |inputs: &[u32], graph| Job::Rewrite { inputs: inputs.to_vec(), graph };
    for (job, expected) in [
        (Job::Seal(1), Optimizer::Sealing),
        (Job::Index(1), Optimizer::Indexing),
        (rewrite(&[1, 3], true), Optimizer::Indexing),
        (rewrite(&[2], true), Optimizer::Vacuum),
        (rewrite(&[2, 3], true), Optimizer::Merge),
        (rewrite(&[1], false), Optimizer::Merge),
    ] {
        assert_eq!(optimizer_of(&job, &facts), expected, "{job:?}");
    }
}
