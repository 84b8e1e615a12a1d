//! What is found where not all rows may be returned.

use super::*;

#[test]
fn a_walk_over_all_rows_finds_what_may_be_returned() {
    let everything = Select::default();
    // A slot for each row that is not its number.
    let slots: Vec<u32> = (0..ROWS as u32).rev().collect();
    for metric in METRICS {
        let graph = build(metric);
        let better = |a: f32, b: f32| if metric == Metric::L2 { a < b } else { a > b };
        // Rows drawn without regard to their clusters, and clusters as a whole.
        for by_cluster in [false, true] {
            let mut words = vec![0; ROWS.div_ceil(64)];
            let matches = |row: usize| {
                if by_cluster {
                    row % CLUSTERS < CLUSTERS / 2
                } else {
                    row.wrapping_mul(7) % 16 < 8
                }
            };
            for row in (0..ROWS).filter(|row| matches(*row)) {
                let slot = slots[row] as usize;
                words[slot / 64] |= 1 << (slot % 64);
            }
            let select = Select { allow: Some((&words, &slots)), died: None };
            let (mut found, mut wanted, mut given_up) = (0, 0, 0);
            for query in queries() {
                let mut truth: Vec<f32> = scores_of_all(metric, &query);
                truth = (0..ROWS).filter(|row| matches(*row)).map(|row| truth[row]).collect();
                truth.sort_by(|a, b| if better(*a, *b) { Less } else { Greater });
                for k in [K, 64] {
                    let walk =
                        Walk { ef: 64, over: 480, again: true, within: None, by_rows: false };
                    let hits = graph.walk(&query, k, walk, &select).expect("a fitting query");
                    assert_eq!(hits.len(), k);
                    assert!(hits.iter().all(|hit| select.admits(hit.row)));
                    assert_eq!(hits, graph.walk(&query, k, walk, &select).expect("the same"));
                    // The same, or nothing where it would have to be done again.
                    let once = Walk { again: false, ..walk };
                    let hits_at_once = graph.walk(&query, k, once, &select).expect("the same");
                    given_up += usize::from(hits_at_once.is_empty());
                    assert!(hits_at_once.is_empty() || hits_at_once == hits);
                    wanted += k;
                    found += hits.iter().filter(|hit| !better(truth[k - 1], hit.score)).count();
                }
            }
            assert!(found * 100 >= wanted * 95, "{metric:?} {by_cluster}: {found} of {wanted}");
            assert_eq!(given_up > 0, by_cluster, "{metric:?}: {given_up} of {wanted}");
        }
        // However many, over all rows there are no more.
        let walk =
            Walk { ef: 64, over: usize::MAX, again: true, within: Some(0.0), by_rows: false };
        let hits = graph.walk(&queries()[0], K, walk, &everything).expect("a fitting query");
        assert_eq!(hits.len(), K);
    }
}

#[test]
fn a_walk_over_all_rows_goes_as_far_as_what_matches_needs() {
    let slots: Vec<u32> = (0..ROWS as u32).collect();
    let walk = Walk { ef: 64, over: 1200, again: false, within: None, by_rows: false };
    for metric in METRICS {
        let graph = build(metric);
        let mut compared = Vec::new();
        for one_in in [1, 4, 16] {
            // Without regard to clusters.
            let matches =
                |row: usize| (row.wrapping_mul(2_654_435_761) >> 16).is_multiple_of(one_in);
            let mut words = vec![0; ROWS.div_ceil(64)];
            let matching = (0..ROWS).filter(|row| matches(*row));
            matching.for_each(|row| words[row / 64] |= 1 << (row % 64));
            let select = Select { allow: Some((&words, &slots)), died: None };
            let mut of_all = 0;
            for query in queries() {
                let before = compared_here();
                let hits = graph.walk(&query, K, walk, &select).expect("a fitting query");
                of_all += compared_here() - before;
                if one_in == 1 {
                    let everything = Select::default();
                    let all = graph.search(&query, K, walk.ef, &everything);
                    assert_eq!(hits, all.expect("a fitting query"), "{metric:?}");
                }
            }
            compared.push(of_all);
        }
        assert!(compared.is_sorted(), "{metric:?}: {compared:?}");
    }
}

#[test]
fn a_look_at_codes_finds_what_a_look_at_rows_finds() {
    let mut rows = clustered(3000, 21);
    let params = GraphParams { m: 4, ef_construct: 10 };
    let slots: Vec<u32> = (0..3000).map(|row| (row * 7) % 3000).collect();
    let died: Vec<_> = (0..3000).map(|row| AtomicU64::new(row % 13)).collect();
    for (metric, has_copies) in METRICS.into_iter().zip([false, true]) {
        if has_copies {
            rows.copy_within(0..DIM * 100, DIM * 200);
        }
        let rows = Arc::new(rows.clone());
        let graph = build_with(Arc::clone(&rows), metric, params);
        let order = |a: u32, b: u32| a.cmp(&b);
        let flat = crate::Flat { metric, dim: DIM, rows: &rows, order: &order, stop: &|| false };
        for step in [1, 3, 40] {
            let mut words = [0_u64; 47];
            (0..3000).step_by(step).for_each(|at| words[at / 64] |= 1 << (at % 64));
            let select = Select { allow: Some((&words, &slots)), died: Some((&died, 2)) };
            let among: Vec<u32> = (0..3000).filter(|row| select.admits(*row)).collect();
            for query in queries() {
                let truth = flat.search(&query, K, 0, &select).expect("a fitting query");
                for among in [None, Some(among.as_slice())] {
                    let hits = graph.scan(&query, K, &select, among);
                    assert_eq!(hits.expect("a fitting query"), truth);
                }
            }
        }
        let outside = graph.scan(&queries()[0], K, &Select::default(), Some(&[3000]));
        assert!(outside.is_err());
    }
}
