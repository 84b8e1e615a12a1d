//! Searches under filters beside searches without: cases and servers by turns.

use serde_json::Value;

use super::Args;
use super::sweep::{add_turns, case as named};
use crate::contender::{K, Server, Turn};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::exact::{Rows, ids, nearest};
use crate::figures::{CPU, P50, P99, QPS, QPS_SHARE, RECALL};
use crate::output::Output;
use crate::table::{Table, header};

/// Points among which each query is answered.
pub(super) struct Case {
    /// What tables call it.
    pub(super) name: String,
    /// The points of each group of queries; empty for all points.
    pub(super) lists: Vec<Vec<u32>>,
    /// Which group each query belongs to.
    pub(super) list_of: Vec<usize>,
    /// The filter of each group, as the REST API takes it.
    pub(super) filters: Vec<Value>,
}

impl Case {
    /// All points, and no filter.
    pub(super) fn unfiltered(queries: usize) -> Self {
        let (lists, list_of, filters) = (Vec::new(), vec![0; queries], vec![Value::Null]);
        Self { name: "no filter".to_owned(), lists, list_of, filters }
    }

    /// The same points for all queries.
    pub(super) fn of_all(name: String, queries: usize, list: Vec<u32>, filter: Value) -> Self {
        Self { name, lists: vec![list], list_of: vec![0; queries], filters: vec![filter] }
    }

    /// Points that match, on average over the queries.
    fn matching(&self, points: usize) -> f64 {
        let sizes = self.list_of.iter().map(|list| self.lists.get(*list).map_or(points, Vec::len));
        sizes.sum::<usize>() as f64 / self.list_of.len().max(1) as f64
    }

    fn truth(&self, data: &Dataset) -> Result<Vec<Vec<u64>>, Error> {
        let among = |query: usize| self.lists.get(self.list_of[query]).map(Vec::as_slice);
        let rows = Rows { values: &data.rows, dim: data.dim };
        let queries = data.query_values();
        let queries = Rows { values: &queries, dim: data.dim };
        Ok(ids(&nearest((rows, data.distance.metric()), queries, K, &among)?))
    }
}

/// Runs all cases on all servers by turns, with the servers' own ef. The first case is the one
/// that the others are held against.
pub(super) fn run(
    args: &Args,
    data: &Dataset,
    output: &mut Output,
    (section, collection): (&str, &str),
    (servers, cases): (&[Server], &[Case]),
) -> Result<(), Error> {
    let truths = cases.iter().map(|case| case.truth(data)).collect::<Result<Vec<_>, _>>()?;
    let measures = [RECALL, QPS, QPS_SHARE, P50, P99, CPU];
    let head = ["matching".to_owned()].into_iter().chain(measures.map(header));
    let mut table = Table::new(section, head);
    for &clients in &args.clients {
        let turns = rounds(args, data, collection, (servers, cases), clients)?;
        for (server, turns) in servers.iter().zip(&turns) {
            for ((case, truth), these) in cases.iter().zip(&truths).zip(turns) {
                let name = named(clients, &case.name);
                let of = (server.name(), name.as_str());
                add_turns(output, section, of, these, truth);
                let shares = these.iter().zip(&turns[0]).map(|(one, none)| one.qps / none.qps);
                output.figures.add(section, of, QPS_SHARE, shares.collect());
                let matching = format!("{:.0}", case.matching(data.len()));
                let cells = measures.map(|measure| output.cell(section, of, measure));
                table.row(&format!("{}, {name}", of.0), [matching].into_iter().chain(cells));
            }
        }
    }
    output.show(table);
    Ok(())
}

/// The turns of each server in each case. The first round warms caches and is not counted.
fn rounds(
    args: &Args,
    data: &Dataset,
    collection: &str,
    (servers, cases): (&[Server], &[Case]),
    clients: usize,
) -> Result<Vec<Vec<Vec<Turn>>>, Error> {
    let mut turns = vec![vec![Vec::new(); cases.len()]; servers.len()];
    for round in 0..=args.rounds {
        for (at, case) in cases.iter().enumerate() {
            let filter = |query: usize| case.filters[case.list_of[query]].clone();
            for (server, turns) in servers.iter().zip(&mut turns) {
                let turn = server.search(data, collection, None, &filter, clients)?;
                if round > 0 {
                    turns[at].push(turn);
                }
            }
        }
    }
    Ok(turns)
}
