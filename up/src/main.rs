//! `vane-up`: a VectorCluster and its Collections as processes of this machine.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use vane_up::{Error, Node};

/// Exit code of a command that a signal ended, that of an interrupt whichever it was.
const INTERRUPTED: u8 = 130;

/// Runs what you would `kubectl apply`, on this machine.
#[derive(Debug, Parser)]
#[command(name = "vane-up", bin_name = "vane", version, arg_required_else_help = true)]
struct Args {
    /// Folder of all local clusters, each in a folder of its name
    /// [default: $XDG_DATA_HOME/vane, or ~/.local/share/vane]
    #[arg(long, global = true, env = "VANE_UP_DIR")]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring up what a file asks for; again, it changes nothing
    Up {
        /// YAML with one VectorCluster and its Collections
        #[arg(short, long)]
        file: PathBuf,
        /// The node binary
        #[arg(long, default_value = "vane", env = "VANE_BIN")]
        vane: PathBuf,
    },
    /// End the nodes; their data stays
    Down {
        /// The cluster, where several run
        #[arg(long)]
        name: Option<String>,
    },
    /// How the nodes are: name, URL, whether they run and are ready
    Status {
        /// Only this cluster
        #[arg(long)]
        name: Option<String>,
        /// Form of the output
        #[arg(short, long, value_enum, default_value = "table")]
        output: Output,
    },
    /// What the nodes said
    Logs {
        /// Only this node, by its name in `status`
        #[arg(value_name = "NODE")]
        pod: Option<String>,
        /// The cluster, where several run
        #[arg(long)]
        name: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    /// A line for each node
    Table,
    /// A list with an object for each node: cluster, name, ordinal, url, admin (address of the
    /// admin interface), token_file (its secret), log, pid (null while it is down), ready
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let Some(base) = args.dir.or_else(data_dir) else {
        eprintln!("vane: HOME is not set; say where the clusters are with --dir");
        return ExitCode::from(2);
    };
    // Nodes get it, and other commands may run elsewhere.
    let base = std::path::absolute(&base).unwrap_or(base);
    let done: Result<(), Error> = match args.command {
        Command::Up { file, vane } => {
            tokio::select! {
                done = vane_up::up(&file, &base, &vane, |line| println!("{line}")) => done,
                () = told_to_end() => {
                    eprintln!(
                        "vane: stopped; nodes that were started go on: `vane status` shows them, \
                         `vane down` ends them"
                    );
                    return ExitCode::from(INTERRUPTED);
                }
            }
        }
        Command::Down { name } => {
            vane_up::down(&base, name.as_deref()).await.map(|line| println!("{line}"))
        }
        Command::Status { name, output } => {
            vane_up::status(&base, name.as_deref()).await.map(|nodes| show(&nodes, output, &base))
        }
        Command::Logs { pod, name } => {
            vane_up::logs(&base, name.as_deref(), pod.as_deref(), &mut std::io::stdout().lock())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vane: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}

fn show(nodes: &[Node], output: Output, base: &Path) {
    match output {
        Output::Table if nodes.is_empty() => {
            println!("there is no cluster in {}; start one with `vane up -f FILE`", base.display());
        }
        Output::Table => nodes.iter().for_each(|node| println!("{node}")),
        Output::Json => println!(
            "{}",
            serde_json::to_string_pretty(nodes).expect("strings and numbers are JSON")
        ),
    }
}

/// Waits for a signal. `up` then ends between two steps, never between the start of a process
/// and the note of it.
async fn told_to_end() {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

fn data_dir() -> Option<PathBuf> {
    let set =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME")
        .or_else(|| Some(set("HOME")?.join(".local/share")))
        .map(|dir| dir.join("vane"))
}
