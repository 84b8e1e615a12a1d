use std::cmp::Ordering::{Greater, Less};
use std::fs;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::exact::scores;
use crate::params::{CodeBits, EF_CONSTRUCT_MAX, M_MAX};

const DIM: usize = 24;
const ROWS: usize = 5000;
const CLUSTERS: usize = 60;
const K: usize = 10;
const METRICS: [Metric; 2] = [Metric::InnerProduct, Metric::L2];

/// SplitMix64, mapped to (-1, 1).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIM).map(|_| self.next()).collect()
    }
}

/// Unit vectors around a few centres.
fn clustered(count: usize, seed: u64) -> Vec<f32> {
    let mut centres = Noise(1);
    let centres: Vec<_> = (0..CLUSTERS).map(|_| centres.vector()).collect();
    let mut noise = Noise(seed);
    (0..count)
        .flat_map(|i| {
            let mut v = centres[i % CLUSTERS].clone();
            v.iter_mut().for_each(|x| *x += 0.5 * noise.next());
            let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
            v.iter_mut().for_each(|x| *x /= length);
            v
        })
        .collect()
}

fn rows() -> Arc<Vec<f32>> {
    Arc::new(clustered(ROWS, 7))
}

fn queries() -> Vec<Vec<f32>> {
    let queries = clustered(100, 99);
    queries.chunks(DIM).map(<[f32]>::to_vec).collect()
}

/// The bytes of a graph's file.
fn file_with(rows: &Vec<f32>, metric: Metric, params: GraphParams) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    Graph::build(rows, (DIM, metric), params, &path, &mut alone).expect("rows of the right shape");
    fs::read(path).expect("the file just written")
}

/// Builds on one thread.
fn alone(_done: usize) -> Option<NonZeroUsize> {
    NonZeroUsize::new(1)
}

fn open(file: Vec<u8>, rows: &Arc<Vec<f32>>, metric: Metric) -> Result<Graph, Error> {
    Graph::open(Arc::new(file), Arc::clone(rows) as Arc<dyn Rows>, DIM, metric)
}

fn build_with(rows: Arc<Vec<f32>>, metric: Metric, params: GraphParams) -> Graph {
    open(file_with(&rows, metric, params), &rows, metric).expect("the file just written")
}

fn build(metric: Metric) -> Graph {
    let params = GraphParams { m: 16, ef_construct: 100 };
    build_with(rows(), metric, params)
}

fn scores_of_all(metric: Metric, query: &[f32]) -> Vec<f32> {
    let (which, mut found) = ((0..ROWS as u32).collect::<Vec<_>>(), vec![]);
    scores(metric, DIM, &rows(), &which, query, &mut found);
    found
}

/// Row numbers of the k best admitted rows, by looking at all of them.
fn exact(metric: Metric, query: &[f32], select: &Select<'_>) -> Vec<u32> {
    let scores = scores_of_all(metric, query);
    let mut best: Vec<u32> = (0..ROWS as u32).filter(|&row| select.admits(row)).collect();
    best.sort_by(|&a, &b| {
        let order = scores[a as usize].total_cmp(&scores[b as usize]);
        if metric == Metric::L2 { order } else { order.reverse() }
    });
    best.truncate(K);
    best
}

fn recall(graph: &Graph, metric: Metric, ef: usize, select: &Select<'_>) -> f64 {
    let queries = queries();
    let found: usize = queries
        .iter()
        .map(|query| {
            let hits = graph.search(query, K, ef, select).expect("a fitting query");
            let truth = exact(metric, query, select);
            hits.iter().filter(|hit| truth.contains(&hit.row)).count()
        })
        .sum();
    found as f64 / (queries.len() * K) as f64
}

#[test]
fn nearly_all_true_neighbours_are_found() {
    for metric in METRICS {
        let recall = recall(&build(metric), metric, 128, &Select::default());
        assert!(recall >= 0.95, "{metric:?}: {recall}");
    }
}

#[test]
fn wider_search_finds_more() {
    let thin = GraphParams { m: 4, ef_construct: 20 };
    let graph = build_with(rows(), Metric::L2, thin);
    let recalls = [10, 40, 200].map(|ef| recall(&graph, Metric::L2, ef, &Select::default()));
    assert!(recalls.is_sorted() && recalls[0] < recalls[2], "{recalls:?}");
}

#[test]
fn score_of_a_hit_is_the_exact_score() {
    for metric in METRICS {
        let graph = build(metric);
        for query in queries() {
            let hits = graph.search(&query, K, 64, &Select::default()).expect("a fitting query");
            assert_eq!(hits.len(), K);
            let scores = scores_of_all(metric, &query);
            for hit in &hits {
                assert_eq!(hit.score.to_bits(), scores[hit.row as usize].to_bits());
            }
            let sorted = |a: &Hit, b: &Hit| metric.best_first(a.score, b.score).is_le();
            assert!(hits.is_sorted_by(sorted));
        }
    }
}

#[test]
fn same_rows_give_the_same_file() {
    let params = GraphParams { m: 16, ef_construct: 100 };
    let files = [(); 2].map(|()| file_with(&rows(), Metric::InnerProduct, params));
    assert!(files[0] == files[1]);
}

#[test]
fn any_number_of_threads_builds_the_same_file() {
    let params = GraphParams { m: 16, ef_construct: 100 };
    let alone = file_with(&rows(), Metric::InnerProduct, params);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    // As a build whose share of the machine changes while it runs.
    let mut threads = |done: usize| NonZeroUsize::new(3 + done % 4);
    Graph::build(&*rows(), (DIM, Metric::InnerProduct), params, &path, &mut threads)
        .expect("rows of the right shape");
    assert!(alone == fs::read(path).expect("the file just written"));
}

#[test]
fn a_graph_that_grows_finds_as_much_as_one_built_at_once() {
    let all = clustered(4000, 7);
    let params = GraphParams { m: 16, ef_construct: 100 };
    for metric in METRICS {
        // A tenth of the first two thirds is gone, and the rest came since.
        let old = Arc::new(all[..2700 * DIM].to_vec());
        let base = build_with(Arc::clone(&old), metric, params);
        let kept: Vec<usize> = (0..4000).filter(|row| *row >= 2700 || row % 10 != 3).collect();
        let numbers: Vec<i32> =
            kept.iter().map(|row| if *row < 2700 { *row as i32 } else { -1 }).collect();
        let rows: Vec<f32> =
            kept.iter().flat_map(|row| all[row * DIM..(row + 1) * DIM].to_vec()).collect();
        let dir = tempfile::tempdir().expect("a temporary folder");
        let grown = |path: &str, threads: usize| {
            let path = dir.path().join(path);
            let mut inserted = Vec::new();
            let mut threads = |done| {
                inserted.push(done);
                NonZeroUsize::new(threads)
            };
            let base = Base { graph: &base, numbers: &numbers };
            Graph::build_on(
                Some(base),
                &rows,
                (DIM, metric),
                (params, CodeBits::Eight),
                &path,
                &mut threads,
            )
            .expect("a base of this shape");
            assert!(inserted[1] > 2300, "most are there at once: {inserted:?}");
            fs::read(path).expect("the file just written")
        };
        let file = grown("one", 1);
        assert!(file == grown("three", 3), "alike on any number of threads");
        let rows = Arc::new(rows);
        let graphs = [
            open(file, &rows, metric).expect("the file just written"),
            build_with(Arc::clone(&rows), metric, params),
        ];
        let order = |a: u32, b: u32| a.cmp(&b);
        let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
        let found = graphs.map(|graph| {
            assert_eq!(graph.unreached(), 0);
            let found = queries().into_iter().map(|query| {
                let truth = flat.search(&query, K, 0, &Select::default()).expect("a fitting query");
                let hits = graph.search(&query, K, 40, &Select::default());
                let hits = hits.expect("a fitting query");
                hits.iter().filter(|hit| truth.contains(hit)).count()
            });
            found.sum::<usize>()
        });
        assert!(found[0] * 100 >= found[1] * 99, "{metric:?}: {found:?}");
    }
}

#[test]
fn a_thin_graph_has_a_way_to_every_row() {
    let thin = GraphParams { m: 2, ef_construct: 8 };
    for metric in METRICS {
        assert_eq!(build_with(rows(), metric, thin).unreached(), 0, "{metric:?}");
    }
}

/// Of rows in two graphs, what the second adds to the first is found with fewer candidates.
#[test]
fn a_walk_within_a_score_finds_what_is_better() {
    let params = GraphParams { m: 16, ef_construct: 100 };
    let everything = Select::default();
    for metric in METRICS {
        let better = |a: f32, b: f32| if metric == Metric::L2 { a <= b } else { a >= b };
        // A fifth of all, and one of few clusters, to which all that is near to a query may belong.
        for is_apart in [false, true] {
            let is_second =
                |row: usize| if is_apart { row % CLUSTERS < 12 } else { row.is_multiple_of(5) };
            let all = rows();
            let second: Vec<usize> = (0..ROWS).filter(|row| is_second(*row)).collect();
            let values: Vec<f32> =
                second.iter().flat_map(|row| all[row * DIM..(row + 1) * DIM].to_vec()).collect();
            let graph = build_with(Arc::new(values), metric, params);
            let (mut wanted, mut found) = (0, 0);
            for query in queries() {
                let scores = scores_of_all(metric, &query);
                let mut first: Vec<f32> =
                    (0..ROWS).filter(|row| !is_second(*row)).map(|row| scores[row]).collect();
                first.sort_by(|a, b| if better(*a, *b) { Less } else { Greater });
                let within = first[K - 1];
                let mut truth: Vec<f32> = second.iter().map(|row| scores[*row]).collect();
                truth.sort_by(|a, b| if better(*a, *b) { Less } else { Greater });
                truth.truncate(K);
                truth.retain(|score| better(*score, within));
                let walk =
                    Walk { ef: 64, over: 0, again: true, within: Some(within), by_rows: false };
                let hits = graph.walk(&query, K, walk, &everything).expect("fits");
                assert_eq!(hits.len(), K, "worse ones too, where there are no better");
                wanted += truth.len();
                found += hits.iter().filter(|hit| truth.contains(&hit.score)).count();
            }
            assert!(wanted > 100 && found * 100 >= wanted * 97, "{metric:?}: {found} of {wanted}");
        }
    }
}

#[test]
fn excluded_rows_are_never_returned() {
    // Slots run against the rows, and the bitmap ends before the last of them.
    let slots: Vec<u32> = (0..ROWS as u32).rev().collect();
    let words = vec![0x5555_5555_5555_5555_u64; ROWS / 64];
    let died: Vec<AtomicU64> = (0..ROWS as u64).map(|row| AtomicU64::new(row % 10)).collect();
    let allow = Some((words.as_slice(), slots.as_slice()));
    let died = Some((died.as_slice(), 3));
    let graph = build(Metric::L2);
    for select in
        [Select { allow, died: None }, Select { allow: None, died }, Select { allow, died }]
    {
        for query in queries() {
            let hits = graph.search(&query, K, 200, &select).expect("a fitting query");
            assert_eq!(hits.len(), K);
            assert!(hits.iter().all(|hit| select.admits(hit.row)));
        }
        assert!(recall(&graph, Metric::L2, 200, &select) >= 0.95);
    }
}

#[test]
fn nothing_allowed_gives_nothing() {
    let slots: Vec<u32> = (0..ROWS as u32).collect();
    let select = Select { allow: Some((&[], &slots)), died: None };
    let hits = build(Metric::L2).search(&queries()[0], K, 100, &select);
    assert_eq!(hits.expect("a fitting query"), []);
}

#[test]
fn short_tables_are_refused() {
    let graph = build(Metric::L2);
    let slots = vec![0; ROWS - 1];
    let short = Select { allow: Some((&[1], &slots)), died: None };
    let answer = graph.search(&queries()[0], K, 10, &short);
    assert!(matches!(answer, Err(Error::Select { found, .. }) if found == ROWS - 1));
    let answer = graph.search(&[0.0; DIM - 1], K, 10, &Select::default());
    assert!(matches!(answer, Err(Error::Query { .. })));
}

#[test]
fn searches_at_once_answer_like_searches_in_turn() {
    let graph = build(Metric::InnerProduct);
    let answer = || -> Vec<Vec<Hit>> {
        crate::single_threaded_here();
        let search = |query: &Vec<f32>| graph.search(query, K, 100, &Select::default());
        queries().iter().map(|query| search(query).expect("a fitting query")).collect()
    };
    let in_turn = answer();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(answer)).collect();
        for thread in threads {
            assert_eq!(thread.join().expect("searches do not panic"), in_turn);
        }
    });
}

#[test]
fn one_thread_searches_graphs_of_different_sizes() {
    let small = Arc::new(clustered(50, 3));
    let params = GraphParams { m: 8, ef_construct: 50 };
    let small = build_with(small, Metric::L2, params);
    let large = build(Metric::L2);
    let query = &queries()[0];
    // As many turns as the visited table needs to wrap around.
    for graph in [&small, &large].repeat(300) {
        let k = graph.len().min(K);
        let hits = graph.search(query, k, 60, &Select::default()).expect("a fitting query");
        assert_eq!(hits.len(), k);
    }
    let all = small.search(query, 1000, 0, &Select::default()).expect("a fitting query");
    assert_eq!(all.len(), 50);
}

#[test]
fn cancelled_build_leaves_nothing() {
    let mut seen = vec![];
    let params = GraphParams { m: 8, ef_construct: 40 };
    let mut once = |done| {
        seen.push(done);
        NonZeroUsize::new(usize::from(done == 0))
    };
    let nowhere = Path::new("/nowhere/graph");
    let built = Graph::build(&*rows(), (DIM, Metric::L2), params, nowhere, &mut once);
    assert!(matches!(built, Err(Error::Cancelled)));
    assert_eq!(seen, [0, CHUNK_ROWS]);
}

#[test]
fn graph_without_rows_finds_nothing() {
    let params = GraphParams { m: 8, ef_construct: 40 };
    let graph = build_with(Arc::new(vec![]), Metric::L2, params);
    assert!(graph.is_empty());
    assert_eq!(
        graph.search(&queries()[0], K, 10, &Select::default()).expect("a fitting query"),
        []
    );
}

#[test]
fn bad_shapes_and_parameters_are_refused() {
    let good = GraphParams { m: 8, ef_construct: 40 };
    let build = |values, dim, params| {
        let (rows, nowhere) = (vec![0.0_f32; values], Path::new("/nowhere/graph"));
        Graph::build(&rows, (dim, Metric::L2), params, nowhere, &mut alone)
    };
    assert!(matches!(build(7, 2, good), Err(Error::Shape { .. })));
    assert!(matches!(build(7, 0, good), Err(Error::Shape { .. })));
    for (m, ef_construct) in [(1, 40), (M_MAX + 1, 40), (8, 0), (8, EF_CONSTRUCT_MAX + 1)] {
        let params = GraphParams { m, ef_construct };
        assert!(matches!(build(8, 2, params), Err(Error::Params { .. })));
    }
}

#[test]
fn all_kernels_sum_alike() {
    let mut noise = Noise(5);
    for (bits, lines) in [1, 2, 4].into_iter().flat_map(|bits| [1, 2, 3, 6, 12].map(|l| (bits, l)))
    {
        let code = lines * 64 * 8 / bits;
        let mut parts: Vec<u8> =
            (0..lines * 64 * 50).map(|_| noise.next().to_bits() as u8).collect();
        let mut weights: Vec<i8> = (0..code * 50).map(|_| (noise.next() * 127.0) as i8).collect();
        // The largest sums that there are.
        parts[..lines * 128].fill(255);
        weights[..code].fill(127);
        weights[code..2 * code].fill(-127);
        assert_eq!(ffi::kernels_agree(bits, &parts, &weights, lines), Ok(()), "{bits}, {lines}");
    }
}

/// With as many candidates as rows a walk meets every row that links lead to: what it returns is
/// then what a look at all rows finds, under every filter. Where only few are admitted the links
/// may lead to fewer, but never to wrong ones.
#[test]
fn a_walk_without_bounds_finds_what_plain_evaluation_finds() {
    let rows = Arc::new(clustered(600, 21));
    let params = GraphParams { m: 8, ef_construct: 60 };
    let slots: Vec<u32> = (0..600).map(|row| (row * 7) % 600).collect();
    for metric in METRICS {
        let graph = build_with(Arc::clone(&rows), metric, params);
        let mut noise = Noise(3);
        let (mut found, mut wanted) = (0, 0);
        for share in [1.0, 0.9, 0.5, 0.2, 0.05, 0.01] {
            let drawn: Vec<bool> = (0..600).map(|_| noise.next().abs() < share).collect();
            let mut words = [0_u64; 10];
            (0..600).filter(|at| drawn[*at]).for_each(|at| words[at / 64] |= 1 << (at % 64));
            let died: Vec<_> = (0..600).map(|row| AtomicU64::new(row % 13)).collect();
            let select = Select { allow: Some((&words, &slots)), died: Some((&died, 2)) };
            for query in clustered(20, 77).chunks(DIM) {
                let hits = graph.search(query, 600, 600, &select).expect("a fitting query");
                let order = |a: u32, b: u32| a.cmp(&b);
                let flat =
                    crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
                let all = flat.search(query, 600, 0, &select).expect("a fitting query");
                let expected: Vec<_> = all.iter().filter(|hit| hits.contains(hit)).collect();
                assert!(hits.iter().eq(expected), "only rows that may be, in their order");
                found += hits.len();
                wanted += all.len();
            }
        }
        assert!(found * 100 >= wanted * 98, "{metric:?}: {found} of {wanted}");
    }
}

mod few_bits;
mod files;
mod filters;
mod hard_rows;
