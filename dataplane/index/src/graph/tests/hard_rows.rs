//! Rows that are hard to keep apart: copies, tight clusters, wild values and unlike dimensions.

use super::*;

#[test]
fn copies_of_a_row_hide_neither_each_other_nor_the_rest() {
    let mut rows = clustered(4000, 7);
    let copied = rows[..DIM].to_vec();
    for row in rows.chunks_mut(DIM).step_by(10) {
        row.copy_from_slice(&copied);
    }
    let rows = Arc::new(rows);
    let params = GraphParams { m: 16, ef_construct: 100 };
    for metric in METRICS {
        let graph = build_with(Arc::clone(&rows), metric, params);
        assert_eq!(graph.unreached(), 0);
        let order = |a: u32, b: u32| a.cmp(&b);
        let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
        let everything = Select::default();
        let copies = graph.search(&copied, 400, 400, &everything).expect("a fitting query");
        assert!(copies.iter().all(|hit| hit.row % 10 == 0) && copies.len() == 400);
        let mut found = 0;
        for query in queries() {
            let truth = flat.search(&query, K, 0, &everything).expect("a fitting query");
            let hits = graph.search(&query, K, 100, &everything).expect("a fitting query");
            found += hits.iter().filter(|hit| truth.contains(hit)).count();
        }
        assert!(found >= 97 * K, "{metric:?}: {found}");
    }
}

/// Rows of one cluster have the same codes, or nearly: those have the steps of all.
#[test]
fn rows_of_tight_clusters_are_told_apart_and_reached() {
    let (mut noise, clusters) = (Noise(31), 20);
    let centres: Vec<_> = (0..clusters).map(|_| noise.vector()).collect();
    let mut around = |at: usize, radius: f32| -> Vec<f32> {
        centres[at % clusters].iter().map(|x| x + radius * noise.next()).collect()
    };
    for radius in [0.1, 0.02, 1e-3] {
        let rows = Arc::new((0..6000).flat_map(|at| around(at, radius)).collect::<Vec<_>>());
        let queries: Vec<_> = (0..60).map(|at| around(at, radius)).collect();
        let params = GraphParams { m: 8, ef_construct: 100 };
        let graph = build_with(Arc::clone(&rows), Metric::L2, params);
        assert_eq!(graph.unreached(), 0);
        let order = |a: u32, b: u32| a.cmp(&b);
        let metric = Metric::L2;
        let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
        let (mut walked, everything) = (0, Select::default());
        for query in &queries {
            let truth = flat.search(query, K, 0, &everything).expect("a fitting query");
            let hits = graph.search(query, K, 100, &everything).expect("a fitting query");
            walked += hits.iter().filter(|hit| truth.contains(hit)).count();
            let codes = graph.scan(query, K, &everything, None);
            assert_eq!(codes.expect("a fitting query"), truth);
        }
        assert!(walked >= 60 * K * 95 / 100, "{radius}: {walked} of {}", 60 * K);
    }
}

#[test]
fn rows_beyond_f32_hide_no_others() {
    let mut values = clustered(3000, 5);
    for (at, row) in values.chunks_mut(DIM).enumerate() {
        match at % 10 {
            3 => row.fill(f32::NAN),
            6 => row.fill(3e38),
            _ => {}
        }
    }
    let rows = Arc::new(values);
    let params = GraphParams { m: 16, ef_construct: 100 };
    let graph = build_with(Arc::clone(&rows), Metric::L2, params);
    let order = |a: u32, b: u32| a.cmp(&b);
    let metric = Metric::L2;
    let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
    let (mut walked, mut scanned) = (0, 0);
    for query in queries() {
        let everything = Select::default();
        let truth = flat.search(&query, K, 0, &everything).expect("a fitting query");
        let found = |hits: Result<Vec<Hit>, Error>| {
            hits.expect("a fitting query").iter().filter(|hit| truth.contains(hit)).count()
        };
        walked += found(graph.search(&query, K, 100, &everything));
        scanned += found(graph.scan(&query, K, &everything, None));
    }
    assert!(walked >= 97 * K && scanned >= 97 * K, "{walked} and {scanned} of {}", 100 * K);
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
fn rows_far_apart_in_size_and_place_keep_their_order() {
    // Dimensions of unlike range, a centre far from zero, and single values that are far out: each
    // has spoilt a quantizer before.
    let mut values = clustered(2000, 9);
    for (at, value) in values.iter_mut().enumerate() {
        *value = *value * 10_f32.powi((at % DIM) as i32 % 5 - 2) + (at % DIM) as f32 * 3.0;
        if at % 997 == 0 {
            *value += 40.0;
        }
    }
    let rows = Arc::new(values);
    let params = GraphParams { m: 16, ef_construct: 100 };
    for metric in METRICS {
        let graph = build_with(Arc::clone(&rows), metric, params);
        let order = |a: u32, b: u32| a.cmp(&b);
        let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
        let mut found = 0;
        for query in rows.chunks(DIM).step_by(20) {
            let everything = Select::default();
            let truth = flat.search(query, K, 0, &everything).expect("a fitting query");
            let hits = graph.search(query, K, 128, &everything).expect("a fitting query");
            found += hits.iter().filter(|hit| truth.contains(hit)).count();
        }
        assert!(found >= 100 * K * 95 / 100, "{metric:?}: {found} of {}", 100 * K);
    }
}

/// What a code is off by counts for little between rows that are near to each other. The hardest
/// case: it is off by the same in every dimension, so that twenty rows have one code.
#[test]
fn rows_on_a_line_are_found() {
    let on_line = |at: f32| (0..DIM).map(move |d| if d % 2 == 0 { at } else { -at });
    let rows =
        Arc::new((0..5000).flat_map(|n| on_line(n as f32 / 2500.0 - 1.0)).collect::<Vec<_>>());
    let params = GraphParams { m: 16, ef_construct: 200 };
    let metric = Metric::L2;
    let graph = build_with(Arc::clone(&rows), metric, params);
    let order = |a: u32, b: u32| a.cmp(&b);
    let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
    let (mut found, everything) = (0, Select::default());
    for at in 0..100 {
        let query: Vec<f32> = on_line(at as f32 / 50.0 - 0.9997).collect();
        let truth = flat.search(&query, K, 0, &everything).expect("a fitting query");
        let hits = graph.search(&query, K, 64, &everything).expect("a fitting query");
        found += hits.iter().filter(|hit| truth.contains(hit)).count();
    }
    assert!(found >= 85 * K, "{found} of {}", 100 * K);
}

/// There the halves of codes that are looked at first are off by the same for a whole cluster.
#[test]
fn a_look_at_codes_finds_rows_of_tight_clusters_of_many_dimensions() {
    const WIDE: usize = 256;
    let (mut noise, clusters) = (Noise(31), 10);
    let centres: Vec<Vec<f32>> =
        (0..clusters).map(|_| (0..WIDE).map(|_| noise.next()).collect()).collect();
    let mut around = |at: usize, radius: f32| -> Vec<f32> {
        centres[at % clusters].iter().map(|x| x + radius * noise.next()).collect()
    };
    let params = GraphParams { m: 8, ef_construct: 50 };
    for radius in [0.1, 1e-3] {
        let rows = Arc::new((0..3000).flat_map(|at| around(at, radius)).collect::<Vec<_>>());
        let queries: Vec<_> = (0..40).map(|at| around(at, radius)).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("graph");
        for metric in METRICS {
            Graph::build(&*rows, (WIDE, metric), params, &path, &mut alone)
                .expect("rows of the right shape");
            let file = Arc::new(fs::read(&path).expect("the file just written"));
            let shared = Arc::clone(&rows) as Arc<dyn Rows>;
            let graph = Graph::open(file, shared, WIDE, metric).expect("the file just written");
            let order = |a: u32, b: u32| a.cmp(&b);
            let flat =
                crate::Flat { metric, dim: WIDE, rows: &rows, order: &order, stop: &|| false };
            let (mut found, everything) = (0, Select::default());
            for query in &queries {
                let truth = flat.search(query, K, 0, &everything).expect("a fitting query");
                let hits = graph.scan(query, K, &everything, None).expect("a fitting query");
                found += hits.iter().filter(|hit| truth.contains(hit)).count();
            }
            assert!(found >= 40 * K * 99 / 100, "{metric:?}, {radius}: {found} of {}", 40 * K);
            fs::remove_file(&path).expect("the file just written");
        }
    }
}
