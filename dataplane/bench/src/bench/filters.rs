//! Filters that match a given share of the points: drawn at random, near the query, and far from
//! it.
//!
//! What lies near is a cell: some points are anchors, and each point belongs to the nearest of
//! them. A filter on the query's own cell matches what lies near it, one on the cell whose anchor
//! is farthest matches what lies far.

use serde_json::{Value, json};

use super::cases::{self, Case};
use super::place::Place;
use super::{Args, servers};
use crate::contender::Plan;
use crate::dataset::Dataset;
use crate::draw::Draw;
use crate::error::Error;
use crate::exact::{Rows, nearest};
use crate::output::Output;

const SECTION: &str = "filters";
const COLLECTION: &str = "bench-filters";
/// Numbers that points draw from: a thousandth of the points has each.
const DRAWS: usize = 1000;
/// How many of them match: a tenth of a percent to 90 percent.
const MATCHING: [usize; 5] = [1, 10, 100, 500, 900];
/// Numbers of cells: each has about a tenth and a hundredth of the points.
const CELLS: [usize; 2] = [10, 100];
const SEED_DRAW: u64 = 11;
const SEED_ANCHORS: u64 = 12;

/// A partition of the points by anchors.
struct Cells {
    field: String,
    /// The cell of each point.
    of_points: Vec<u32>,
    /// The nearest and the farthest cell of each query.
    of_queries: Vec<[u32; 2]>,
}

impl Cells {
    fn new(data: &Dataset, count: usize) -> Result<Self, Error> {
        let mut draw = Draw::of(SEED_ANCHORS, count as u64);
        let anchors = (0..count).flat_map(|_| data.vector(draw.below(data.len())).iter().copied());
        let anchors: Vec<f32> = anchors.collect();
        let anchors = (Rows { values: &anchors, dim: data.dim }, data.distance.metric());
        let points = Rows { values: &data.rows, dim: data.dim };
        let queries = data.query_values();
        let queries = Rows { values: &queries, dim: data.dim };
        let of_points = nearest(anchors, points, 1, &|_| None)?;
        let of_queries = nearest(anchors, queries, count, &|_| None)?;
        let ends = of_queries.iter().filter_map(|hits| Some([hits.first()?.row, hits.last()?.row]));
        Ok(Self {
            field: format!("cell_of_{count}"),
            of_points: of_points.iter().filter_map(|hits| Some(hits.first()?.row)).collect(),
            of_queries: ends.collect(),
        })
    }

    /// Each query among the points of its nearest cell, or of its farthest.
    fn case(&self, name: String, end: usize, count: usize) -> Case {
        let mut lists = vec![Vec::new(); count];
        for (point, cell) in (0..).zip(&self.of_points) {
            lists[*cell as usize].push(point);
        }
        let filter = |cell: usize| json!({"must": [{"key": self.field, "match": {"value": cell}}]});
        Case {
            name,
            lists,
            list_of: self.of_queries.iter().map(|ends| ends[end] as usize).collect(),
            filters: (0..count).map(filter).collect(),
        }
    }
}

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    let cells =
        CELLS.iter().map(|count| Cells::new(data, *count)).collect::<Result<Vec<_>, _>>()?;
    let drawn: Vec<usize> =
        (0..data.len()).map(|i| Draw::of(SEED_DRAW, i as u64).below(DRAWS)).collect();
    println!("\nSearches under filters, each with the ef that the server chooses");
    let payload = |point: usize| {
        let mut payload = json!({"draw": drawn[point]});
        for cells in &cells {
            payload[&cells.field] = json!(cells.of_points[point]);
        }
        payload.to_string()
    };
    let mut fields: Vec<(&str, Value)> = vec![("draw", json!("integer"))];
    fields.extend(cells.iter().map(|cells| (cells.field.as_str(), json!("integer"))));
    let plan =
        Plan { collection: COLLECTION, params: args.params(), fields: &fields, payload: &payload };
    let servers = servers::start(args, &place)?;
    servers.load(data, &plan)?;
    let queries = data.queries.len();
    let mut all = vec![Case::unfiltered(queries)];
    for matching in MATCHING {
        let list = (0..).zip(&drawn).filter(|(_, drawn)| **drawn < matching);
        let filter = json!({"must": [{"key": "draw", "range": {"lt": matching}}]});
        let name = format!("{} % at random", matching as f64 * 100.0 / DRAWS as f64);
        all.push(Case::of_all(name, queries, list.map(|(point, _)| point).collect(), filter));
    }
    for (cells, count) in cells.iter().zip(CELLS) {
        let share = 100 / count;
        for (end, name) in
            [format!("{share} % near"), format!("{share} % far")].into_iter().enumerate()
        {
            all.push(cells.case(name, end, count));
        }
    }
    cases::run(args, data, output, (SECTION, COLLECTION), (servers.all(), &all))?;
    servers.stop()
}
