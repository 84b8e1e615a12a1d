//! Contenders by turns over a list of efforts: a curve of each, and what each does at one recall.
//!
//! In each round every effort is run by every contender before the next effort, so that what
//! disturbs the machine meets all. Each round makes a curve of its own; figures are medians of
//! rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use super::place::Place;
use super::{Args, COLLECTION, Who, servers};
use crate::contender::{Contender, Faiss, K, Loaded, LoadedLibrary, Ours, Plan, Turn};
use crate::curve::{Point, rate_at};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::figures::{
    ANONYMOUS, CPU, DISK, GREEN, LOAD, LOAD_CPU, MAPPED, P50, P95, P99, P999, QPS, RECALL,
};
use crate::measure::{percentiles, quantiles};
use crate::output::Output;
use crate::recall::recall;
use crate::table::{Table, header};

const SECTION: &str = "curve";
/// Recalls at which contenders are compared.
const RECALLS: [f64; 3] = [0.95, 0.98, 0.99];

/// A contender's turns at each number of clients and each effort.
type Turns = BTreeMap<(usize, usize), Vec<Turn>>;

pub(super) fn run(args: &Args, data: &Dataset, output: &mut Output) -> Result<(), Error> {
    let place = Place::new(&args.vane)?;
    println!(
        "\nContenders by turns: M {}, efConstruction {}, {} queries a turn, medians of {} rounds",
        args.m,
        args.ef_construct,
        data.queries.len() * crate::contender::repeats(data.queries.len()),
        args.rounds
    );
    // In this order: what is built in this process must not share the cores with a node.
    let mut contenders: Vec<Box<dyn Contender + '_>> = Vec::new();
    if args.contenders.contains(&Who::Graph) {
        contenders.push(Box::new(Ours::build(data, args.params())?));
    }
    if args.contenders.contains(&Who::Faiss) {
        contenders.push(Box::new(Faiss::build(data, args.params())?));
    }
    for &library in &args.peers {
        let built = LoadedLibrary::build(library, &args.peers_python, data, args.params())?;
        contenders.push(Box::new(built));
    }
    // Dropped with this function, and ended by that.
    let mut node = None;
    if args.contenders.contains(&Who::Vane) {
        let node = node.insert(place.alone()?);
        contenders.push(Box::new(Loaded::new(servers::ours(node), data, &plan(args))?));
    }
    if let Some(peer) = servers::peer(args)? {
        contenders.push(Box::new(Loaded::new(peer, data, &plan(args))?));
    }
    let turns = rounds(args, &mut contenders)?;
    for (contender, turns) in contenders.iter().zip(&turns) {
        add_cost(output, &**contender, data.len());
        add_points(output, contender.name(), turns, data);
        add_at_recalls(output, contender.name(), turns, data);
    }
    let names: Vec<&str> = contenders.iter().map(|contender| contender.name()).collect();
    show(args, output, &names);
    drop(contenders);
    node.map_or(Ok(()), |mut node| Ok(node.stop()?))
}

fn plan(args: &Args) -> Plan<'static> {
    let (collection, params) = (COLLECTION, args.params());
    Plan { collection, params, fields: &[], payload: &|_| "{}".to_owned() }
}

/// The turns of each contender. The first round warms caches and is not counted.
fn rounds(args: &Args, contenders: &mut [Box<dyn Contender + '_>]) -> Result<Vec<Turns>, Error> {
    let mut turns = vec![Turns::new(); contenders.len()];
    for round in 0..=args.rounds {
        for &clients in &args.clients {
            for &ef in &args.curve_ef {
                for (contender, turns) in contenders.iter_mut().zip(&mut turns) {
                    let turn = contender.turn(ef.max(K), clients)?;
                    if let Some(turn) = turn.filter(|_| round > 0) {
                        turns.entry((clients, ef)).or_default().push(turn);
                    }
                }
            }
        }
    }
    Ok(turns)
}

fn add_cost(output: &mut Output, contender: &dyn Contender, points: usize) {
    let cost = contender.cost();
    let per_point = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / points as f64);
    let measured = [
        (LOAD, cost.load.map(|time| time.as_secs_f64())),
        (GREEN, cost.green.map(|time| time.as_secs_f64())),
        (LOAD_CPU, cost.cpu),
        (ANONYMOUS, per_point(cost.anonymous)),
        (MAPPED, per_point(cost.mapped)),
        (DISK, per_point(cost.disk)),
    ];
    for (measure, value) in measured {
        output.figures.add(SECTION, (contender.name(), ""), measure, value.into_iter().collect());
    }
}

fn add_points(output: &mut Output, name: &str, turns: &Turns, data: &Dataset) {
    for (&(clients, ef), turns) in turns {
        let case = case(clients, &format!("ef {ef}"));
        add_turns(output, SECTION, (name, &case), turns, &data.truth);
    }
}

/// Rates at a recall, from the curve of each round. A round whose curve does not enclose the
/// recall has none.
fn add_at_recalls(output: &mut Output, name: &str, turns: &Turns, data: &Dataset) {
    let mut clients: Vec<usize> = turns.keys().map(|(clients, _)| *clients).collect();
    clients.dedup();
    for clients in clients {
        let efs = turns.iter().filter(|((of, _), _)| *of == clients).map(|(_, turns)| turns);
        let rounds = efs.clone().map(Vec::len).max().unwrap_or(0);
        let mut curves = Vec::new();
        for round in 0..rounds {
            let turns: Vec<&Turn> = efs.clone().filter_map(|turns| turns.get(round)).collect();
            let recalls = turns.iter().map(|turn| recall(&turn.found, &data.truth, K));
            curves.push(recalls.zip(turns.iter().copied()).collect::<Vec<_>>());
        }
        for at in RECALLS {
            let case = case(clients, &format!("recall {at}"));
            let mut add =
                |measure, rate: &dyn Fn(&Turn) -> Option<f64>, of: &dyn Fn(f64) -> f64| {
                    let rates = curves.iter().filter_map(|curve| {
                        let points = curve.iter().filter_map(|(recall, turn)| {
                            Some(Point { recall: *recall, rate: rate(turn)? })
                        });
                        rate_at(&points.collect::<Vec<_>>(), at).map(of)
                    });
                    output.figures.add(SECTION, (name, &case), measure, rates.collect());
                };
            add(QPS, &|turn| Some(turn.qps), &|rate| rate);
            // As queries a second of processors, of which more is better as well.
            add(CPU, &|turn| turn.cpu.map(|seconds| 1.0 / seconds), &|rate| 1e3 / rate);
        }
    }
}

/// The figures of turns under the same conditions, of the queries that `truth` answers.
pub(super) fn add_turns(
    output: &mut Output,
    section: &str,
    of: (&str, &str),
    turns: &[Turn],
    truth: &[Vec<u64>],
) {
    let recalls = turns.iter().map(|turn| recall(&turn.found, truth, K)).collect();
    output.figures.add(section, of, RECALL, recalls);
    add_times(output, section, of, turns);
}

/// The same but for what was found.
pub(super) fn add_times(output: &mut Output, section: &str, of: (&str, &str), turns: &[Turn]) {
    let mut add = |measure, samples| output.figures.add(section, of, measure, samples);
    add(QPS, turns.iter().map(|turn| turn.qps).collect());
    let timed = || turns.iter().filter(|turn| !turn.latencies.is_empty());
    for (at, measure) in [P50, P95, P99].into_iter().enumerate() {
        add(measure, timed().map(|turn| ms(percentiles(turn.latencies.iter())[at])).collect());
    }
    // Of all turns together: one alone has too few searches for so rare a latency.
    if timed().next().is_some() {
        let all = timed().flat_map(|turn| &turn.latencies);
        add(P999, vec![ms(quantiles(all, [0.999])[0])]);
    }
    add(CPU, turns.iter().filter_map(|turn| Some(turn.cpu? * 1e3)).collect());
}

/// What figures of so many clients are called.
pub(super) fn case(clients: usize, what: &str) -> String {
    let comma = if what.is_empty() { "" } else { ", " };
    format!("{clients} client{}{comma}{what}", if clients == 1 { "" } else { "s" })
}

/// Milliseconds.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn show(args: &Args, output: &mut Output, names: &[&str]) {
    let measures = [RECALL, QPS, P50, P95, P99, P999, CPU];
    let mut points = Table::new("", measures.map(header));
    let at_recalls = || [QPS, CPU].into_iter().flat_map(|of| RECALLS.map(|at| (of, at)));
    let mut recalls =
        Table::new("at a recall", at_recalls().map(|(of, at)| format!("{}, {at}", header(of))));
    let costs = [LOAD, GREEN, LOAD_CPU, ANONYMOUS, MAPPED, DISK];
    let mut cost = Table::new("cost of the points", costs.map(header));
    for name in names {
        for &clients in &args.clients {
            let has = |ef: &usize| {
                let case = case(clients, &format!("ef {ef}"));
                output.figures.median(SECTION, (name, &case), QPS).is_some()
            };
            // A library knows one client only.
            if !args.curve_ef.iter().any(has) {
                continue;
            }
            for ef in &args.curve_ef {
                let case = case(clients, &format!("ef {ef}"));
                let cells = measures.map(|of| output.cell(SECTION, (name, &case), of));
                points.row(&format!("{name}, {case}"), cells);
            }
            let cells = at_recalls().map(|(of, at)| {
                output.cell(SECTION, (name, &case(clients, &format!("recall {at}"))), of)
            });
            recalls.row(&format!("{name}, {}", case(clients, "")), cells);
        }
        cost.row(name, costs.map(|of| output.cell(SECTION, (name, ""), of)));
    }
    for table in [points, recalls, cost] {
        output.show(table);
    }
}
