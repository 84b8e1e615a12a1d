//! `vane-sim`: runs seeds of the simulated cluster.

#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::io::IsTerminal;
use std::ops::Range;
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use vane_sim::{Bug, Options, Report, run, sweep};

/// Runs a cluster of five nodes in simulated time and checks what it promises.
#[derive(Parser)]
#[command(name = "vane-sim", version)]
struct Args {
    /// One seed: prints the hash of everything that happened.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds from the first up to and without the last, as in 0..500.
    #[arg(long, value_parser = parse_range, default_value = "0..500")]
    seeds: Range<u64>,
    /// Seeds at a time; as many as the machine has cores when absent.
    #[arg(long)]
    jobs: Option<usize>,
    /// Plant a bug: the exit code then says whether it was found.
    #[arg(long, value_enum)]
    bug: Option<Bug>,
    /// With --seed: print the event log.
    #[arg(long)]
    trace: bool,
}

impl Args {
    /// The same options for another run.
    fn repeated(&self) -> String {
        self.bug.map(|bug| format!(" --bug {}", name(bug))).unwrap_or_default()
    }
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let (first, last) = text.split_once("..").ok_or("write it as 0..500")?;
    let number = |it: &str| it.parse::<u64>().map_err(|e| format!("{it:?}: {e}"));
    Ok(number(first)?..number(last)?)
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (seed, bug, trace) = (args.seed.unwrap_or(0), args.bug, args.trace);
    let options = Options { seed, bug, trace };
    let outcome = match args.seed {
        Some(_) => run(options).map(|report| one(&report)),
        None => many(&args, options),
    };
    match outcome {
        // With a planted bug an alarm is what is wanted.
        Ok(failed) if failed == args.bug.is_some() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            println!("the simulation cannot run: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether the seed failed.
fn one(report: &Report) -> bool {
    report.lines.iter().for_each(|line| println!("{line}"));
    println!(
        "seed {}: hash {:016x}, {} events, {} ticks, {} requests acknowledged, {} entries, \
         whole {} ticks after healing",
        report.seed,
        report.hash,
        report.events,
        report.ticks,
        report.acknowledged,
        report.entries,
        report.recovery_ticks
    );
    if let Some(failure) = &report.failure {
        println!("FAILED: {failure}");
    }
    report.failure.is_some()
}

/// Whether any seed failed.
fn many(args: &Args, options: Options) -> std::io::Result<bool> {
    let jobs =
        args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
    let bar = if std::io::stdout().is_terminal() {
        ProgressBar::new(args.seeds.end.saturating_sub(args.seeds.start))
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {msg}, {eta} left")
    {
        bar.set_style(style);
    }
    let (mut failed, mut total) = (Vec::new(), Report::default());
    let plant = args.repeated();
    sweep(args.seeds.clone(), jobs, options, |report| {
        total.events += report.events;
        total.ticks += report.ticks;
        total.acknowledged += report.acknowledged;
        total.entries += report.entries;
        total.undecided += report.undecided;
        report
            .counts
            .iter()
            .for_each(|(what, count)| *total.counts.entry(what).or_default() += count);
        total.recovery_ticks = total.recovery_ticks.max(report.recovery_ticks);
        if let Some(failure) = &report.failure {
            failed.push(report.seed);
            let seed = report.seed;
            bar.suspend(|| {
                println!(
                    "seed {seed}: {failure}\n    replay: vane-sim --seed {seed}{plant} --trace"
                )
            });
        }
        bar.set_message(format!("{} failed", failed.len()));
        bar.inc(1);
        // One seed that finds a planted bug is enough.
        args.bug.is_none() || failed.is_empty()
    })?;
    bar.finish_and_clear();
    println!(
        "{} events, {} simulated minutes, {} requests acknowledged, {} entries; \
         the slowest recovery took {} ticks; {} points had too many requests for the search",
        total.events,
        total.ticks / 600,
        total.acknowledged,
        total.entries,
        total.recovery_ticks,
        total.undecided
    );
    let counts: Vec<String> =
        total.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
    println!("{}", counts.join(", "));
    match failed.len() {
        0 => println!("no seed failed"),
        count => println!("{count} seeds FAILED: {failed:?}"),
    }
    Ok(!failed.is_empty())
}

fn name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
}
