use std::fs;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::*;
use crate::exact::scores;
use crate::params::{EF_CONSTRUCT_MAX, M_MAX};

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

fn build_with(rows: Arc<Vec<f32>>, metric: Metric, params: GraphParams) -> Graph {
    let never = AtomicBool::new(false);
    Graph::build(rows, DIM, metric, params, &never, &|_| ()).expect("rows of the right shape")
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
            let sorted = |a: &Hit, b: &Hit| match metric {
                Metric::InnerProduct => a.score >= b.score,
                Metric::L2 => a.score <= b.score,
            };
            assert!(hits.is_sorted_by(sorted));
        }
    }
}

#[test]
fn same_rows_give_the_same_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let files = ["a", "b"].map(|name| {
        let path = dir.path().join(name);
        build(Metric::InnerProduct).save(&path).expect("room for a graph");
        fs::read(path).expect("the file just written")
    });
    assert!(files[0] == files[1]);
}

#[test]
fn opened_graph_answers_like_the_saved_one() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    for metric in METRICS {
        let built = build(metric);
        built.save(&path).expect("room for a graph");
        let opened = Graph::open(&path, rows(), DIM, metric).expect("the file just written");
        assert_eq!(opened.len(), ROWS);
        assert_eq!(opened.bytes(), built.bytes());
        for query in queries() {
            let answers = [&built, &opened].map(|graph| {
                graph.search(&query, K, 50, &Select::default()).expect("a fitting query")
            });
            assert_eq!(answers[0], answers[1]);
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
        single_threaded_here();
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
    let seen = AtomicUsize::new(0);
    let cancel = AtomicBool::new(false);
    let params = GraphParams { m: 8, ef_construct: 40 };
    let stop = |done| {
        seen.fetch_add(done, Ordering::Relaxed);
        cancel.store(true, Ordering::Relaxed);
    };
    let built = Graph::build(rows(), DIM, Metric::L2, params, &cancel, &stop);
    assert!(matches!(built, Err(Error::Cancelled)));
    assert_eq!(seen.into_inner(), CHUNK_ROWS);
}

#[test]
fn graph_without_rows_finds_nothing() {
    let params = GraphParams { m: 8, ef_construct: 40 };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    let graph = build_with(Arc::new(vec![]), Metric::L2, params);
    graph.save(&path).expect("room for a graph");
    let graph = Graph::open(&path, Arc::new(vec![]), DIM, Metric::L2).expect("the same rows");
    assert!(graph.is_empty());
    assert_eq!(
        graph.search(&queries()[0], K, 10, &Select::default()).expect("a fitting query"),
        []
    );
}

#[test]
fn rows_beyond_f32_are_survived_and_not_returned() {
    let mut rows = clustered(500, 5);
    for (at, wild) in [(0, f32::NAN), (60, f32::INFINITY), (120, 3e38)] {
        rows[at * DIM..(at + 1) * DIM].fill(wild);
    }
    let params = GraphParams { m: 8, ef_construct: 40 };
    for metric in METRICS {
        let graph = build_with(Arc::new(rows.clone()), metric, params);
        for query in queries().into_iter().chain([vec![f32::NAN; DIM], vec![3e38; DIM]]) {
            let hits = graph.search(&query, 500, 500, &Select::default()).expect("a fitting query");
            assert!(hits.iter().all(|hit| hit.score.is_finite()));
            assert!(hits.iter().all(|hit| ![0, 60].contains(&hit.row)));
        }
    }
}

#[test]
fn bad_shapes_and_parameters_are_refused() {
    let never = AtomicBool::new(false);
    let good = GraphParams { m: 8, ef_construct: 40 };
    let build = |values, dim, params| {
        Graph::build(Arc::new(vec![0.0; values]), dim, Metric::L2, params, &never, &|_| ())
    };
    assert!(matches!(build(7, 2, good), Err(Error::Shape { .. })));
    assert!(matches!(build(7, 0, good), Err(Error::Shape { .. })));
    for (m, ef_construct) in [(1, 40), (M_MAX + 1, 40), (8, 0), (8, EF_CONSTRUCT_MAX + 1)] {
        let params = GraphParams { m, ef_construct };
        assert!(matches!(build(8, 2, params), Err(Error::Params { .. })));
    }
}

/// A graph file small enough to damage in every place.
fn small_file() -> (tempfile::TempDir, std::path::PathBuf, Arc<Vec<f32>>) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    let rows = Arc::new(clustered(40, 3));
    let params = GraphParams { m: 4, ef_construct: 20 };
    let graph = build_with(rows.clone(), Metric::L2, params);
    graph.save(&path).expect("room for a graph");
    (dir, path, rows)
}

#[test]
fn cut_or_extended_file_is_refused() {
    let (_dir, path, rows) = small_file();
    let whole = fs::read(&path).expect("the file just written");
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("room for it");
        let opened = Graph::open(&path, rows.clone(), DIM, Metric::L2);
        assert!(matches!(opened, Err(Error::Open { .. })), "{length}");
    }
    fs::write(&path, [whole.as_slice(), b"x"].concat()).expect("room for it");
    assert!(Graph::open(&path, rows, DIM, Metric::L2).is_err());
}

#[test]
fn damaged_file_is_refused_or_still_safe_to_search() {
    let (_dir, path, rows) = small_file();
    let whole = fs::read(&path).expect("the file just written");
    let mut noise = Noise(11);
    for at in 0..whole.len() {
        for damage in [0x00, 0xFF, whole[at] ^ 0x01, whole[at] ^ 0x40] {
            let mut file = whole.clone();
            file[at] = damage;
            fs::write(&path, &file).expect("room for it");
            if let Ok(graph) = Graph::open(&path, rows.clone(), DIM, Metric::L2) {
                let hits = graph.search(&noise.vector(), K, 40, &Select::default());
                assert!(hits.expect("a fitting query").iter().all(|hit| hit.row < 40));
            }
        }
    }
}

#[test]
fn file_for_other_rows_is_refused() {
    let (_dir, path, rows) = small_file();
    let shorter = Arc::new(rows[DIM..].to_vec());
    for (rows, dim, metric) in [
        (shorter, DIM, Metric::L2),
        (rows.clone(), DIM / 2, Metric::L2),
        (rows.clone(), DIM, Metric::InnerProduct),
    ] {
        assert!(matches!(Graph::open(&path, rows, dim, metric), Err(Error::Open { .. })));
    }
    let nowhere = path.with_file_name("absent");
    assert!(matches!(Graph::open(&nowhere, rows, DIM, Metric::L2), Err(Error::Open { .. })));
}

#[test]
fn failed_write_is_reported() {
    let (_dir, path, rows) = small_file();
    let graph = Graph::open(&path, rows, DIM, Metric::L2).expect("the file just written");
    let saved = graph.save(&path.join("below-a-file"));
    assert!(matches!(saved, Err(Error::Save { .. })));
    // Accepts an open and fails when the bytes arrive.
    assert!(matches!(graph.save(Path::new("/dev/full")), Err(Error::Save { .. })));
}
