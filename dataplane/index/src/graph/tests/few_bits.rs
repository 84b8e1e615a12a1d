//! Codes of less than a byte per dimension.

use super::*;

const WIDE: usize = 256;
const FEW: [CodeBits; 3] = [CodeBits::One, CodeBits::Two, CodeBits::Four];
const PARAMS: GraphParams = GraphParams { m: 16, ef_construct: 100 };

/// Rows around a few centres, as far from these as is said.
fn around(clusters: usize, radius: f32, count: usize, seed: u64) -> Vec<f32> {
    let mut centres = Noise(1);
    let centres: Vec<f32> = (0..clusters * WIDE).map(|_| centres.next()).collect();
    let mut noise = Noise(seed);
    let row = |at: usize| centres[at % clusters * WIDE..][..WIDE].to_vec();
    let moved = |x: f32| x + radius * noise.next();
    (0..count).flat_map(row).map(moved).collect()
}

fn file_of(
    rows: &Vec<f32>,
    metric: Metric,
    bits: CodeBits,
    base: Option<Base<'_>>,
    threads: usize,
) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("graph");
    let mut threads = |_| NonZeroUsize::new(threads);
    let shape = (WIDE, metric);
    Graph::build_on(base, rows, shape, (PARAMS, bits), &path, &mut threads)
        .expect("rows of the right shape");
    fs::read(path).expect("the file just written")
}

fn opened(file: Vec<u8>, rows: &Arc<Vec<f32>>, metric: Metric) -> Graph {
    let rows = Arc::clone(rows) as Arc<dyn Rows>;
    Graph::open(Arc::new(file), rows, WIDE, metric).expect("the file just written")
}

fn graph(rows: &Arc<Vec<f32>>, metric: Metric, bits: CodeBits) -> Graph {
    opened(file_of(rows, metric, bits, None, 1), rows, metric)
}

fn best(rows: &Arc<Vec<f32>>, metric: Metric, query: &[f32]) -> Vec<Hit> {
    let order = |a: u32, b: u32| a.cmp(&b);
    let flat = crate::Flat { metric, dim: WIDE, rows, order: &order, stop: &|| false };
    flat.search(query, K, 0, &Select::default()).expect("a fitting query")
}

/// Of 1,000 of the best rows, how many are found, each with its score.
fn found(
    rows: &Arc<Vec<f32>>,
    metric: Metric,
    queries: &[f32],
    search: impl Fn(&[f32]) -> Result<Vec<Hit>, Error>,
) -> usize {
    let queries: Vec<&[f32]> = queries.chunks(WIDE).collect();
    let found = queries.iter().map(|query| {
        let (truth, hits) = (best(rows, metric, query), search(query).expect("a fitting query"));
        assert_eq!(hits.len(), K);
        hits.iter().filter(|hit| truth.contains(hit)).count()
    });
    found.sum::<usize>() * 1000 / (queries.len() * K)
}

#[test]
fn graphs_with_few_bits_find_what_those_with_whole_codes_find() {
    let rows = Arc::new(around(60, 0.6, 3000, 7));
    let queries = around(60, 0.6, 60, 99);
    for metric in METRICS {
        let everything = Select::default();
        let whole = graph(&rows, metric, CodeBits::Eight);
        let of_whole =
            found(&rows, metric, &queries, |query| whole.search(query, K, 128, &everything));
        for bits in FEW {
            let graph = graph(&rows, metric, bits);
            assert_eq!((graph.code_bits(), graph.unreached()), (bits, 0));
            assert!(graph.bytes() < whole.bytes());
            let walked = |ef| {
                found(&rows, metric, &queries, |query| graph.search(query, K, ef, &everything))
            };
            let of_few = walked(128);
            assert!(of_few + 30 >= of_whole, "{metric:?}, {bits:?}: {of_few} of {of_whole}");
            let scanned =
                found(&rows, metric, &queries, |query| graph.scan(query, K, &everything, None));
            assert!(scanned >= 990, "{metric:?}, {bits:?}: {scanned}");
            let walk = Walk { ef: 128, over: 0, again: true, within: None, by_rows: true };
            let by_rows =
                found(&rows, metric, &queries, |query| graph.walk(query, K, walk, &everything));
            assert!(by_rows + 5 >= of_whole, "{metric:?}, {bits:?}: {by_rows} of {of_whole}");
        }
    }
}

/// A bit says which side of the middle a number is on. Where few dimensions hold most of a row, as
/// many rows are alike by the signs of all as there are noughts and ones in those few.
#[test]
fn one_bit_tells_rows_apart_that_differ_in_few_dimensions() {
    let mut values = around(40, 0.8, 3000, 5);
    values.extend(around(40, 0.8, 60, 55));
    for (at, value) in values.iter_mut().enumerate() {
        // Of 256 dimensions 8 are large, and all lie on one side of zero.
        *value = (*value + 3.0) * if at % WIDE % 32 == 3 { 5.0 } else { 0.2 };
    }
    let queries = values.split_off(3000 * WIDE);
    let rows = Arc::new(values);
    let metric = Metric::L2;
    let graph = graph(&rows, metric, CodeBits::One);
    let everything = Select::default();
    let walked = found(&rows, metric, &queries, |query| graph.search(query, K, 100, &everything));
    assert!(walked >= 950, "{walked}");
    let by_signs = found(&rows, metric, &queries, |query| Ok(nearest_by_signs(&rows, query)));
    assert!(by_signs < 800, "{by_signs}");
}

/// The best of the hundred that agree with a query in most signs, from the middle on.
fn nearest_by_signs(rows: &Arc<Vec<f32>>, query: &[f32]) -> Vec<Hit> {
    let count = rows.len() / WIDE;
    let middle: Vec<f32> = (0..WIDE)
        .map(|d| rows.chunks(WIDE).map(|row| row[d]).sum::<f32>() / count as f32)
        .collect();
    let agree = |row: &&[f32]| {
        let side = |d: usize, x: f32| x > middle[d];
        (0..WIDE).filter(|d| side(*d, row[*d]) == side(*d, query[*d])).count()
    };
    let mut order: Vec<u32> = (0..count as u32).collect();
    let row_of = |row: u32| &rows[row as usize * WIDE..][..WIDE];
    order.sort_by_cached_key(|row| std::cmp::Reverse(agree(&row_of(*row))));
    order.truncate(100);
    let mut scored = vec![];
    scores(Metric::L2, WIDE, rows, &order, query, &mut scored);
    let mut hits: Vec<Hit> =
        order.iter().zip(&scored).map(|(row, score)| Hit { row: *row, score: *score }).collect();
    hits.sort_by(|a, b| a.score.total_cmp(&b.score));
    hits.truncate(K);
    hits
}

/// There codes say the same of all that are near.
#[test]
fn rows_of_tight_clusters_are_found_by_themselves() {
    for radius in [0.1, 1e-3] {
        let rows = Arc::new(around(10, radius, 3000, 31));
        let queries = around(10, radius, 40, 32);
        for bits in [CodeBits::One, CodeBits::Eight] {
            let graph = graph(&rows, Metric::L2, bits);
            let everything = Select::default();
            let walked = found(&rows, Metric::L2, &queries, |query| {
                graph.search(query, K, 100, &everything)
            });
            assert!(walked >= 850, "{bits:?}, {radius}: {walked}");
            let scanned =
                found(&rows, Metric::L2, &queries, |query| graph.scan(query, K, &everything, None));
            assert!(scanned >= 990, "{bits:?}, {radius}: {scanned}");
        }
    }
}

#[test]
fn other_codes_leave_the_links_as_they_are() {
    let rows = Arc::new(around(60, 0.6, 2000, 7));
    let numbers: Vec<i32> = (0..2000).collect();
    for metric in METRICS {
        let whole = file_of(&rows, metric, CodeBits::Eight, None, 2);
        let recoded = |file: &Vec<u8>, bits, threads| {
            let graph = opened(file.clone(), &rows, metric);
            let base = Base { graph: &graph, numbers: &numbers };
            file_of(&rows, metric, bits, Some(base), threads)
        };
        for bits in FEW {
            let few = recoded(&whole, bits, 1);
            assert!(few == recoded(&whole, bits, 3), "alike on any number of threads");
            assert!(few == file_of(&rows, metric, bits, None, 1), "as if built so");
            assert!(recoded(&few, CodeBits::Eight, 1) == whole, "and back");
        }
    }
}

#[test]
fn filters_hold_for_few_bits() {
    let rows = Arc::new(around(60, 0.6, 3000, 7));
    let queries = around(60, 0.6, 40, 99);
    let slots: Vec<u32> = (0..3000).collect();
    for bits in FEW {
        let graph = graph(&rows, Metric::L2, bits);
        for every in [2_usize, 10] {
            let mut words = [0_u64; 47];
            (0..3000).step_by(every).for_each(|at| words[at / 64] |= 1 << (at % 64));
            let select = Select { allow: Some((&words, &slots)), died: None };
            for (over, again) in [(0, true), (200 * every, true), (200 * every, false)] {
                let mut found = 0;
                for query in queries.chunks(WIDE) {
                    let order = |a: u32, b: u32| a.cmp(&b);
                    let (metric, stop) = (Metric::L2, || false);
                    let flat =
                        crate::Flat { metric, dim: WIDE, rows: &rows, order: &order, stop: &stop };
                    let truth = flat.search(query, K, 0, &select).expect("a fitting query");
                    let walk = Walk { ef: 100, over, again, within: None, by_rows: false };
                    let hits = graph.walk(query, K, walk, &select).expect("a fitting query");
                    assert!(hits.iter().all(|hit| (hit.row as usize).is_multiple_of(every)));
                    // Where nothing came of it, codes are looked at next.
                    let hits = match hits.is_empty() {
                        true => graph.scan(query, K, &select, None).expect("a fitting query"),
                        false => hits,
                    };
                    found += hits.iter().filter(|hit| truth.contains(hit)).count();
                }
                assert!(found >= 380, "{bits:?}, one in {every}, {over}: {found} of 400");
            }
        }
    }
}

#[test]
fn damaged_codes_are_refused_or_still_safe_to_search() {
    let rows = Arc::new(around(5, 0.6, 30, 3));
    let mut noise = Noise(11);
    let query: Vec<f32> = (0..WIDE).map(|_| noise.next()).collect();
    for bits in FEW {
        let whole = file_of(&rows, Metric::L2, bits, None, 1);
        let open = |file: &[u8]| {
            let rows = Arc::clone(&rows) as Arc<dyn Rows>;
            Graph::open(Arc::new(file.to_vec()), rows, WIDE, Metric::L2)
        };
        for length in (0..whole.len()).step_by(61) {
            assert!(matches!(open(&whole[..length]), Err(Error::Open { .. })), "{length}");
        }
        for at in (0..whole.len()).step_by(3).chain(0..64) {
            for damage in [0x00, 0xFF, whole[at] ^ 0x01, whole[at] ^ 0x40] {
                let mut file = whole.clone();
                file[at] = damage;
                let Ok(graph) = open(&file) else { continue };
                match graph.search(&query, K, 30, &Select::default()) {
                    Ok(hits) => assert!(hits.iter().all(|hit| hit.row < 30)),
                    Err(error) => assert!(matches!(error, Error::Engine { .. }), "{error}"),
                }
            }
        }
        // A number of bits that there is not, and none.
        for other in [0, 3, 8, 16] {
            let mut file = whole.clone();
            file[48] = other;
            assert!(matches!(open(&file), Err(Error::Open { .. })), "{other}");
        }
    }
}

#[test]
fn rows_beyond_f32_hide_no_others_from_few_bits() {
    let mut values = around(60, 0.6, 2000, 5);
    for (at, row) in values.chunks_mut(WIDE).enumerate() {
        match at % 10 {
            3 => row.fill(f32::NAN),
            6 => row.fill(3e38),
            _ => {}
        }
    }
    let (rows, queries) = (Arc::new(values), around(60, 0.6, 30, 99));
    let everything = Select::default();
    for bits in FEW {
        let graph = graph(&rows, Metric::L2, bits);
        let walked =
            found(&rows, Metric::L2, &queries, |query| graph.search(query, K, 100, &everything));
        assert!(walked >= 950, "{bits:?}: {walked}");
        for wild in [vec![f32::NAN; WIDE], vec![3e38; WIDE], vec![0.0; WIDE]] {
            let hits = graph.search(&wild, 50, 50, &everything).expect("a fitting query");
            assert!(hits.iter().all(|hit| hit.score.is_finite()));
        }
    }
}
