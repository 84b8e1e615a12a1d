//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Layers, LoadError, Loaded, LogFormat, LogLevel};

/// A distributed vector database that speaks Qdrant's API.
#[derive(Debug, Parser)]
#[command(name = "vane", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What `vane` does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a node until SIGTERM or SIGINT.
    Serve(Serve),
    /// Give groups back a majority on this stopped node's disk, where the others are lost for good
    Recover(Recover),
    /// Bring up what a YAML file asks for (VectorCluster, Collections) on this machine
    #[command(disable_help_flag = true)]
    Up(Handed),
    /// End the nodes that `up` started; their data stays
    #[command(disable_help_flag = true)]
    Down(Handed),
    /// How the nodes are that `up` started
    #[command(disable_help_flag = true)]
    Status(Handed),
    /// What the nodes said that `up` started
    #[command(disable_help_flag = true)]
    Logs(Handed),
}

/// Arguments that another program understands, `--help` among them.
#[derive(Debug, Args)]
pub struct Handed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

/// Arguments of `vane recover`.
#[derive(Debug, Args)]
pub struct Recover {
    /// The stopped node's data directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Numbers of the nodes that are lost for good, such as 2,3
    #[arg(long, value_name = "NODE,...", value_delimiter = ',', required = true)]
    pub lost: Vec<u64>,
    /// Do it: the cluster's id, typed out. Without it only what would be done is said
    #[arg(long, value_name = "CLUSTER-ID")]
    pub confirm: Option<String>,
}

/// Who carries a command out.
#[derive(Debug)]
pub enum Action {
    /// A node.
    Serve(Serve),
    /// A recovery, on the disk of a node that is stopped.
    Recover(Recover),
    /// Another program ([`exec_up`](crate::exec_up::exec_up)): the verb and its arguments.
    Hand(&'static str, Vec<OsString>),
}

impl Command {
    /// Who carries it out.
    pub fn action(self) -> Action {
        match self {
            Self::Serve(serve) => Action::Serve(serve),
            Self::Recover(recover) => Action::Recover(recover),
            Self::Up(Handed { arguments }) => Action::Hand("up", arguments),
            Self::Down(Handed { arguments }) => Action::Hand("down", arguments),
            Self::Status(Handed { arguments }) => Action::Hand("status", arguments),
            Self::Logs(Handed { arguments }) => Action::Hand("logs", arguments),
        }
    }
}

/// Flags of `vane serve`. Each wins over the environment, which wins over the file.
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// YAML file with settings (see `--print-config` for all of them)
    #[arg(long, value_name = "FILE", env = "VANE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address or name to listen on
    #[arg(long)]
    pub host: Option<String>,
    /// Port of the REST API; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub http_port: Option<u16>,
    /// Port of Qdrant's gRPC; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub grpc_port: Option<u16>,
    /// Port of the other nodes' calls and of administration; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub peer_port: Option<u16>,
    /// Where members of the cluster may be found, separated by commas
    #[arg(long, value_name = "HOST:PORT,...")]
    pub seeds: Option<String>,
    /// Least severe level that is logged
    #[arg(long, value_enum)]
    pub log_level: Option<LogLevel>,
    /// Form of the log lines
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// Print the settings that would be used, as YAML, and stop
    #[arg(long)]
    pub print_config: bool,
}

impl Serve {
    /// The settings that these flags, the environment and the file come to.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] that names each setting that is wrong and where it is from.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let Self {
            // No `..`: a new flag must become a setting, or be passed over by name.
            config,
            data_dir,
            host,
            http_port,
            grpc_port,
            peer_port,
            seeds,
            log_level,
            log_format,
            print_config: _,
        } = self;
        // Later layers win over earlier ones.
        let mut layers = Layers::new(config.as_deref())?;
        layers.environment(std::env::vars_os());
        layers.set("data_dir", data_dir.as_ref(), "flag --data-dir".into());
        layers.set("host", host.as_ref(), "flag --host".into());
        layers.set("http_port", http_port.as_ref(), "flag --http-port".into());
        layers.set("grpc_port", grpc_port.as_ref(), "flag --grpc-port".into());
        layers.set("peer_port", peer_port.as_ref(), "flag --peer-port".into());
        layers.set("cluster.seeds", seeds.as_ref(), "flag --seeds".into());
        layers.set("log.level", log_level.as_ref(), "flag --log-level".into());
        layers.set("log.format", log_format.as_ref(), "flag --log-format".into());
        layers.load()
    }
}

/// Parses the command line of this process. On `--help`, `--version` and mistakes it
/// prints what there is to say and ends the process, with exit code 2 for a mistake.
pub fn parse() -> Command {
    Cli::parse().command
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
