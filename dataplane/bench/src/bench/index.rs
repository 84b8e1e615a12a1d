//! The index in this process, without a server: one thread, FAISS as it comes beside our graph.

use std::time::Instant;

use serde_json::{Value, json};
use vane_index::{Flat, Graph, Hit, Select, VectorIndex};

use super::{Args, K};
use crate::baseline;
use crate::contender::build_graph;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::figures::{QPS, RECALL};
use crate::output::Output;
use crate::recall::recall;

const SECTION: &str = "index";
/// Shares of rows that match, for searches under a filter.
const SHARES: [f64; 6] = [0.01, 0.05, 0.1, 0.2, 0.5, 0.9];
/// Candidates of walks under a filter.
const FILTERED_EFS: [usize; 3] = [100, 200, 400];

/// Queries of one contender before the next has its turn: few, so that all meet the same machine,
/// and enough that what the one before left in the caches counts for little. With 25 of them
/// FAISS's rows took half of the speed from codes that else lie in the caches.
const TURN: usize = 500;

/// Finds the rows nearest to a query.
type Search<'a> = dyn Fn(&[f32]) -> Result<Vec<u64>, Error> + 'a;

/// One way to search, with one effort.
struct Contender<'a> {
    what: String,
    search: &'a Search<'a>,
}

/// All of them on all queries, by turns; shows for each its recall and the median of its turns.
fn compare(
    rounds: usize,
    (data, output): (&Dataset, &mut Output),
    truth: &[Vec<u64>],
    contenders: &[Contender<'_>],
) -> Result<Vec<Value>, Error> {
    let mut turns: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    let mut found: Vec<Vec<Vec<u64>>> = vec![Vec::new(); contenders.len()];
    for round in 0..rounds.max(1) {
        for queries in data.queries.chunks(TURN) {
            for (at, contender) in contenders.iter().enumerate() {
                let start = Instant::now();
                let all = queries.iter().map(|query| (contender.search)(&query.vector));
                let all = all.collect::<Result<Vec<_>, _>>()?;
                turns[at].push(start.elapsed().as_secs_f64() / queries.len() as f64);
                if round == 0 {
                    found[at].extend(all);
                }
            }
        }
    }
    let figures = contenders.iter().zip(turns).zip(found);
    let shown = figures.map(|((contender, turns), found)| {
        let recall = recall(&found, truth, K);
        let rates = turns.iter().map(|seconds| 1.0 / seconds).collect();
        output.figures.add(SECTION, (&contender.what, ""), QPS, rates);
        output.figures.add(SECTION, (&contender.what, ""), RECALL, vec![recall]);
        contender.show(turns, recall)
    });
    Ok(shown.collect())
}

impl Contender<'_> {
    fn show(&self, turns: Vec<f64>, recall: f64) -> Value {
        let (what, per_second) = (&self.what, 1.0 / middle(turns));
        println!("{what:36} recall {recall:.4}  {per_second:8.0} queries/s");
        json!({ "what": what, "recall": recall, "per_second": per_second })
    }
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<Value, Error> {
    let (stock, stock_built) = baseline::build(data, baseline::PARAMS)?;
    let start = Instant::now();
    let graph = build_graph(data, baseline::PARAMS)?;
    let built = start.elapsed();
    println!(
        "\nThe index in this process, one thread: FAISS built in {stock_built:.1?}, our graph with \
         twice its effort in {built:.1?}, {} bytes a row, {} nodes that no walk comes to",
        graph.bytes() / data.len().max(1),
        graph.unreached()
    );
    let mut figures = Vec::new();
    for &ef in &args.ef {
        let by_faiss = |query: &[f32]| baseline::search(&stock, query, K, ef);
        let walk = |query: &[f32]| search(&graph, query, ef, &Select::default());
        let contenders = [
            Contender { what: format!("FAISS, ef {ef}"), search: &by_faiss },
            Contender { what: format!("our graph, ef {ef}"), search: &walk },
        ];
        figures.extend(compare(args.rounds, (data, output), &data.truth, &contenders)?);
    }
    for share in SHARES {
        figures.extend(filtered(args, (data, output), &graph, share)?);
    }
    Ok(Value::Array(figures))
}

/// A look at all rows, one at all codes, and walks, where a share of the rows matches, drawn
/// without regard to their values.
fn filtered(
    args: &Args,
    (data, output): (&Dataset, &mut Output),
    graph: &Graph,
    share: f64,
) -> Result<Vec<Value>, Error> {
    let slots: Vec<u32> = (0..data.len() as u32).collect();
    let mut words = vec![0_u64; data.len().div_ceil(64)];
    let mut among = Vec::new();
    for row in &slots {
        let drawn = u64::from(*row).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        if (drawn as f64) < share * (1 << 24) as f64 {
            words[*row as usize / 64] |= 1 << (row % 64);
            among.push(*row);
        }
    }
    let select = Select { allow: Some((&words, &slots)), died: None };
    let order = |a: u32, b: u32| a.cmp(&b);
    let (metric, dim, rows) = (data.distance.metric(), data.dim, data.rows.as_slice());
    let flat = Flat { metric, dim, rows, order: &order, stop: &|| false };
    let scan = |query: &[f32]| rows_of(flat.search(query, K, 0, &select));
    let all = data.queries.iter().map(|query| scan(&query.vector));
    let truth: Vec<_> = all.collect::<Result<_, _>>()?;
    let codes = |query: &[f32]| rows_of(graph.scan(query, K, &select, None));
    let listed = |query: &[f32]| rows_of(graph.scan(query, K, &select, Some(&among)));
    let walks = FILTERED_EFS.map(|ef| {
        let select = &select;
        move |query: &[f32]| search(graph, query, ef, select)
    });
    let name = format!("{:.0} % match", share * 100.0);
    let mut contenders = vec![
        Contender { what: format!("{name}, all rows"), search: &scan },
        Contender { what: format!("{name}, all codes"), search: &codes },
        Contender { what: format!("{name}, codes listed"), search: &listed },
    ];
    for (ef, walk) in FILTERED_EFS.iter().zip(&walks) {
        contenders.push(Contender { what: format!("{name}, our graph, ef {ef}"), search: walk });
    }
    compare(args.rounds, (data, output), &truth, &contenders)
}

fn search(graph: &Graph, query: &[f32], ef: usize, select: &Select<'_>) -> Result<Vec<u64>, Error> {
    rows_of(graph.search(query, K, ef, select))
}

fn rows_of(found: Result<Vec<Hit>, vane_index::Error>) -> Result<Vec<u64>, Error> {
    Ok(found?.into_iter().map(|hit| u64::from(hit.row)).collect())
}
