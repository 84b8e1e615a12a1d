use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::*;
use crate::error::Error;
use crate::select::Select;
use crate::vector_index::Hit;

/// A row of sparse numbers.
type Row = (Vec<u32>, Vec<f32>);

/// Numbers that look drawn.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
        self.0 >> 33
    }

    fn row(&mut self, most: u64, indices: u64, lowest: f32) -> Row {
        let mut drawn: Vec<u32> = Vec::new();
        for _ in 0..self.next() % (most + 1) {
            // Low ones are the common ones.
            let below = self.next() % indices + 1;
            drawn.push((self.next() % below) as u32 * 0xd_0007);
        }
        drawn.sort_unstable();
        drawn.dedup();
        let mut value = || lowest + (self.next() % 64) as f32 / 16.0;
        let values = drawn.iter().map(|_| value()).collect();
        (drawn, values)
    }
}

fn view(row: &Row) -> SparseRow<'_> {
    SparseRow { indices: &row.0, values: &row.1 }
}

fn opened(rows: &[Row]) -> Postings {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    write_postings(&path, || rows.iter().map(view)).unwrap();
    Postings::open(Arc::new(std::fs::read(&path).unwrap()), rows.len()).unwrap()
}

/// By the definition alone.
fn expected(rows: &[Row], query: &Row, k: usize, admits: impl Fn(u32) -> bool) -> Vec<Hit> {
    let product = |row: &Row| {
        let pairs = row.0.iter().zip(&row.1);
        let common = pairs.filter_map(|(index, value)| {
            let at = query.0.iter().position(|known| known == index)?;
            Some(query.1[at] * value)
        });
        common.fold(0.0, |sum, part| sum + part)
    };
    let mut hits: Vec<Hit> = (0..)
        .zip(rows)
        .map(|(row, values)| Hit { row, score: product(values) })
        .filter(|hit| hit.score != 0.0 && admits(hit.row))
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    hits.truncate(k);
    hits
}

fn search(
    (postings, rows): (&Postings, &[Row]),
    query: &Row,
    (k, within): (usize, Option<f32>),
    select: &Select<'_>,
) -> Result<Vec<Hit>, Error> {
    let matcher = Matcher::new(view(query));
    postings.search(&SparseSearch {
        matcher: &matcher,
        k,
        within,
        select,
        row: &|row| view(&rows[row as usize]),
        order: &|a, b| a.cmp(&b),
        stop: &|| false,
    })
}

#[test]
fn the_best_by_postings_are_the_best() {
    let mut random = Random(7);
    for (count, lowest) in [(0, 0.0), (1, 0.0), (700, 0.0), (700, -2.0), (20_000, 0.0)] {
        let rows: Vec<Row> = (0..count).map(|_| random.row(12, 40, lowest)).collect();
        let postings = opened(&rows);
        for round in 0..40 {
            let query = random.row(9, 40, lowest);
            let dead = random.next() % 5 + 2;
            let died = (0..count).map(|row| AtomicU64::new(if row % dead == 0 { 3 } else { 9 }));
            let died: Vec<AtomicU64> = died.collect();
            let select = Select { allow: None, died: Some((&died, 5)) };
            for k in [1, 10, 100] {
                let hits = search((&postings, &rows), &query, (k, None), &select).unwrap();
                let lives = |row| u64::from(row) % dead != 0;
                assert_eq!(hits, expected(&rows, &query, k, lives), "{count} {round} {k}");
                let everything = Select::default();
                let all = expected(&rows, &query, k, |_| true);
                let within = all.get(k / 2).map(|hit| hit.score);
                let hits = search((&postings, &rows), &query, (k, within), &everything).unwrap();
                let of_use = all.iter().filter(|hit| within.is_none_or(|at| hit.score >= at));
                assert_eq!(hits, of_use.copied().collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn sums_that_round_change_no_answer() {
    let mut random = Random(5);
    let mut rounded = |row: Row| {
        let values = row.1.iter().map(|value| value / 3.0 + (random.next() % 97) as f32 / 970.0);
        (row.0, values.collect())
    };
    let mut random = Random(6);
    let rows: Vec<Row> = (0..20_000).map(|_| rounded(random.row(60, 300, 0.0))).collect();
    let postings = opened(&rows);
    // As many indices as make lists be read whole, and few enough for looks at single rows.
    for most in [2, 9, 120] {
        for round in 0..20 {
            let query = rounded(random.row(most, 300, 0.0));
            let hits = search((&postings, &rows), &query, (10, None), &Select::default()).unwrap();
            assert_eq!(hits, expected(&rows, &query, 10, |_| true), "{most} {round}");
        }
    }
}

#[test]
fn rows_of_equal_scores_are_told_apart_by_their_order() {
    let rows = vec![(vec![1, 4], vec![0.1, 0.7]); 30_000];
    let query: Row = (vec![1, 4, 9], vec![0.3, 0.3, 5.0]);
    let hits = search((&opened(&rows), &rows), &query, (25, None), &Select::default()).unwrap();
    assert_eq!(hits, expected(&rows, &query, 25, |_| true));
}

#[test]
fn a_long_query_scores_as_its_definition_says() {
    let mut random = Random(3);
    let long: Row = ((0..4000).map(|at| at * 0xd_0007).collect(), vec![0.5; 4000]);
    for _ in 0..50 {
        let row = random.row(30, 5000, 0.25);
        let score = Matcher::new(view(&long)).score(view(&row));
        let hits = expected(&[row], &long, 1, |_| true);
        assert_eq!(score, hits.first().map_or(0.0, |hit| hit.score));
    }
}

#[test]
fn lists_say_how_many_rows_have_an_index() {
    let rows = [(vec![1, 9], vec![1.0, 2.0]), (vec![], vec![]), (vec![9], vec![-1.0])];
    let postings = opened(&rows);
    assert_eq!([1, 9, 5].map(|index| postings.len_of(index)), [1, 2, 0]);
    assert_eq!((postings.rows_at(9), postings.rows_at(0)), ([0, 2].as_slice(), [].as_slice()));
    let matcher = Matcher::new(SparseRow { indices: &[5, 9], values: &[1.0, 1.0] });
    let mut counts = [0; 2];
    rows.iter().for_each(|row| matcher.count(view(row), &mut counts));
    assert_eq!(counts, [0, 2]);
}

#[test]
fn a_file_that_is_cut_or_changed_is_an_error_or_finds_less() {
    let mut random = Random(11);
    let rows: Vec<Row> = (0..60).map(|_| random.row(6, 9, 0.0)).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    write_postings(&path, || rows.iter().map(view)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let query: Row = (rows[1].0.clone(), vec![1.0; rows[1].0.len()]);
    for at in 0..whole.len() {
        let cut = Postings::open(Arc::new(whole[..at].to_vec()), rows.len());
        assert!(cut.is_err(), "cut at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 0x81;
        if let Ok(postings) = Postings::open(Arc::new(changed), rows.len()) {
            search((&postings, &rows), &query, (5, None), &Select::default()).unwrap();
        }
    }
    assert!(Postings::open(Arc::new(whole), rows.len() + 1).is_err());
}

#[test]
fn a_search_that_is_stopped_is_an_error() {
    let rows = [(vec![1], vec![1.0])];
    let (postings, matcher) = (opened(&rows), Matcher::new(view(&rows[0])));
    let stopped = postings.search(&SparseSearch {
        matcher: &matcher,
        k: 1,
        within: None,
        select: &Select::default(),
        row: &|row| view(&rows[row as usize]),
        order: &|a, b| a.cmp(&b),
        stop: &|| true,
    });
    assert!(matches!(stopped, Err(Error::Stopped)));
}
