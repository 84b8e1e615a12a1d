//! `vane-up`: a VectorCluster and its Collections as processes of this machine.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vane_runner::{Error, up};

/// Runs what you would `kubectl apply`, on this machine.
#[derive(Debug, Parser)]
#[command(name = "vane-up", version, arg_required_else_help = true)]
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
        /// The cluster, where there are several
        #[arg(long)]
        name: Option<String>,
    },
    /// How the nodes are
    Status {
        /// The cluster, where there are several
        #[arg(long)]
        name: Option<String>,
    },
    /// What the nodes said
    Logs {
        /// Only this node
        pod: Option<String>,
        /// The cluster, where there are several
        #[arg(long)]
        name: Option<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let Some(base) = args.dir.or_else(data_dir) else {
        eprintln!("vane-up: HOME is not set; say where the clusters are with --dir");
        return ExitCode::from(2);
    };
    let done: Result<(), Error> = match args.command {
        Command::Up { file, vane } => up::up(&file, &base, &vane, |line| println!("{line}")).await,
        Command::Down { name } => up::down(&base, name.as_deref()).await.map(|line| println!("{line}")),
        Command::Status { name } => {
            up::status(&base, name.as_deref()).await.map(|lines| lines.iter().for_each(|it| println!("{it}")))
        }
        Command::Logs { pod, name } => up::logs(&base, name.as_deref(), pod.as_deref(), &mut std::io::stdout().lock()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vane-up: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}

fn data_dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share"))).map(|it| it.join("vane"))
}
