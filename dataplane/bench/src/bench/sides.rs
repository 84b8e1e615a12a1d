//! Sides that answer the same questions by turns, each held against the last of them.

use super::Args;
use super::sweep::{add_times, case as named};
use crate::contender::Turn;
use crate::error::Error;
use crate::figures::{CPU, LAST_CPU, LAST_QPS, P50, P99, QPS, RECALL};
use crate::output::Output;
use crate::table::{Table, header};

/// All questions of a case, by so many clients; `None` where a side knows one only, or no such
/// question.
type Ask<'a, C> = dyn FnMut(&C, usize) -> Result<Option<Turn>, Error> + 'a;

/// One that answers.
pub(super) struct Side<'a, C> {
    /// What tables call it.
    pub(super) name: String,
    pub(super) ask: Box<Ask<'a, C>>,
}

/// Turns by side, then case.
type Turns = Vec<Vec<Vec<Turn>>>;

/// Runs all cases on all sides by turns, and shows what each did, beside what the last side did.
/// `quality` says which share of the right answers a turn found.
pub(super) fn run<C>(
    args: &Args,
    output: &mut Output,
    section: &str,
    (sides, cases): (&mut [Side<'_, C>], &[(&str, C)]),
    quality: &dyn Fn(&C, &[Vec<u64>]) -> f64,
) -> Result<(), Error> {
    let measures = [RECALL, QPS, LAST_QPS, P50, P99, CPU, LAST_CPU];
    let mut table = Table::new(section, measures.map(header));
    for &clients in &args.clients {
        let turns = rounds(args, (&mut *sides, cases), clients)?;
        for (at, (what, case)) in cases.iter().enumerate() {
            let name = named(clients, what);
            let last = sides.last().map(|side| side.name.clone()).zip(turns.last());
            for (side, turns) in sides.iter().zip(&turns) {
                let of = (side.name.as_str(), name.as_str());
                let turns = &turns[at];
                if turns.is_empty() {
                    continue;
                }
                let recalls = turns.iter().map(|turn| quality(case, &turn.found)).collect();
                output.figures.add(section, of, RECALL, recalls);
                add_times(output, section, of, turns);
                if let Some((_, last)) = last.as_ref().filter(|(name, _)| *name != side.name) {
                    let pair = (turns.as_slice(), last[at].as_slice());
                    add_ratios(output, section, of, pair);
                }
                let cells = measures.map(|measure| output.cell(section, of, measure));
                table.row(&format!("{}, {name}", of.0), cells);
            }
        }
    }
    output.show(table);
    Ok(())
}

/// The turns of each side in each case. The first round warms caches and is not counted.
fn rounds<C>(
    args: &Args,
    (sides, cases): (&mut [Side<'_, C>], &[(&str, C)]),
    clients: usize,
) -> Result<Turns, Error> {
    let mut turns = vec![vec![Vec::new(); cases.len()]; sides.len()];
    for round in 0..=args.rounds {
        for (at, (_, case)) in cases.iter().enumerate() {
            for (side, turns) in sides.iter_mut().zip(&mut turns) {
                let turn = (side.ask)(case, clients)?;
                turns[at].extend(turn.filter(|_| round > 0));
            }
        }
    }
    Ok(turns)
}

/// How a side's turns compare with those of the last side in the same rounds.
fn add_ratios(
    output: &mut Output,
    section: &str,
    of: (&str, &str),
    (turns, last): (&[Turn], &[Turn]),
) {
    let pairs = || turns.iter().zip(last);
    let rates = pairs().map(|(turn, last)| turn.qps / last.qps).collect();
    output.figures.add(section, of, LAST_QPS, rates);
    let times = pairs().filter_map(|(turn, last)| Some(last.cpu? / turn.cpu?)).collect();
    output.figures.add(section, of, LAST_CPU, times);
}
