//! The command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub(crate) mod values;

use values::{Condition, Endpoint, NodeRef, ReplicaSpec};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; the cluster is healthy
  1  the cluster is not healthy, or not what was waited for
  2  the command line, or a file it names, is wrong
  3  no node answered, or the cluster refused the call";

/// Shows and changes a Vane cluster.
#[derive(Debug, Parser)]
#[command(
    name = "vanectl",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Admin address of a node; with several, the first that answers is used
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        env = "VANECTL_ENDPOINT",
        value_delimiter = ',',
        default_value = "127.0.0.1:6335",
        value_parser = values::endpoint
    )]
    pub(crate) endpoint: Vec<Endpoint>,
    // The environment is read in `client::token`: a flag must win over both variables.
    /// Token of the admin interface [env: VANECTL_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "token_file")]
    pub(crate) token: Option<String>,
    /// File with the token, which a node writes to DATA-DIR/admin-token [env: VANECTL_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long a call may take [default: 10s]; of `wait`: how long to wait [default: 5m]
    #[arg(long, global = true, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Form of the output
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    pub(crate) output: Format,
    /// Print tables without their first line
    #[arg(long, global = true)]
    pub(crate) no_headers: bool,
    /// Print neither confirmations nor progress; of `status`: only set the exit code
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    Table,
    /// More columns
    Wide,
    /// One object or list; with --watch, one a line
    Json,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The cluster on one screen; exit code 1 unless it is healthy
    Status(Watch),
    /// What a node's disk belongs to
    Disk,
    /// Found a cluster on a node whose disk is empty
    Bootstrap {
        /// UUID of the cluster; a new one when left out
        #[arg(long, value_name = "UUID")]
        cluster_id: Option<uuid::Uuid>,
    },
    /// List the nodes, or change one
    #[command(visible_alias = "node")]
    Nodes {
        #[command(flatten)]
        watch: Watch,
        #[command(subcommand)]
        action: Option<NodeAction>,
    },
    /// Whether nodes may go without harm: these together, or each alone; exit code 1 where not
    Safe {
        /// Numbers or names of the nodes; each node of the cluster alone where none is named
        #[arg(value_parser = values::node)]
        nodes: Vec<NodeRef>,
        #[command(flatten)]
        watch: Watch,
    },
    /// The feature level: what all nodes have agreed to write
    Level {
        #[command(subcommand)]
        action: Option<LevelAction>,
    },
    /// Settings that all nodes have while they run, in place of those that each was started with
    Settings {
        #[command(subcommand)]
        action: Option<SettingsAction>,
    },
    /// List the collections, or change one
    #[command(visible_alias = "collection")]
    Collections {
        #[command(flatten)]
        watch: Watch,
        #[command(subcommand)]
        action: Option<CollectionAction>,
    },
    /// What a collection's searches find of what they should, as measured beside them
    Recall {
        /// Name of the collection, or an alias
        collection: String,
        #[command(flatten)]
        watch: Watch,
    },
    /// What the nodes have memory for
    Memory {
        /// Only this collection, on each node
        collection: Option<String>,
        /// What each collection has, on each node
        #[arg(long)]
        collections: bool,
        #[command(flatten)]
        watch: Watch,
    },
    /// List the shards, or change where one is
    #[command(visible_alias = "shard")]
    Shards {
        /// Only those of this collection
        collection: Option<String>,
        #[command(flatten)]
        watch: Watch,
        #[command(subcommand)]
        action: Option<ShardAction>,
    },
    /// List the replicas that are on their way, with how far they are
    #[command(visible_alias = "move")]
    Moves {
        /// Only those of this collection
        collection: Option<String>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Show how replicas and leaders are moved by the cluster itself and how even nodes are, or
    /// change it
    Policy {
        #[command(flatten)]
        watch: Watch,
        #[command(subcommand)]
        action: Option<PolicyAction>,
    },
    /// Hand over the leadership of a group
    Leader {
        #[command(subcommand)]
        action: LeaderAction,
    },
    /// The members of the meta group and how far each is behind
    Meta(Watch),
    /// Wait until the cluster is as it should be; progress goes to stderr
    Wait {
        /// `healthy`, or `nodes=N`: at least N nodes are alive
        #[arg(long = "for", value_name = "CONDITION", value_parser = values::condition)]
        condition: Condition,
    },
    /// Versions of this program and of the cluster
    Version {
        /// Only of this program; no node is asked
        #[arg(long)]
        client: bool,
    },
}

/// The flag of all commands that list something.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Watch {
    /// List again and again; `--watch=5s` says how often
    #[arg(
        short,
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = values::duration
    )]
    pub(crate) watch: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LevelAction {
    /// Raise it as far as all nodes speak; versions that speak less cannot be started any more
    Raise,
    /// Have it wait for `raise`, when all nodes speak more
    Hold,
    /// Have it raised by itself again, when all nodes speak more
    Release,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsAction {
    /// Give some of them values; the others stay
    Set {
        /// As in the environment, but for VANE_: LOG__LEVEL=debug
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = values::assignment)]
        settings: Vec<(String, String)>,
    },
    /// Have the nodes go by what each was started with
    Unset {
        /// As in the environment, but for VANE_: LOG__LEVEL
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeAction {
    /// Say where a node stands; replicas and meta votes are spread over zones
    Zone {
        /// Number or name of the node
        #[arg(value_parser = values::node)]
        node: NodeRef,
        /// Its zone; '' takes the zone away
        zone: String,
    },
    /// Say that a node is to go: it gets no new replicas and gives its meta vote up
    Leave {
        /// Number or name of the node
        #[arg(value_parser = values::node)]
        node: NodeRef,
        /// Take it back: the node stays
        #[arg(long)]
        undo: bool,
    },
    /// Say that a node is to lead nothing until it is started again: before it is stopped
    Follow {
        /// Number or name of the node
        #[arg(value_parser = values::node)]
        node: NodeRef,
        /// Seconds after which it may lead again all the same
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        seconds: u32,
        /// Take it back: it may lead
        #[arg(long)]
        undo: bool,
    },
    /// Move everything that a node has to another, and remove it; may be repeated until done
    Replace {
        /// Number or name of the node to go, which may be lost
        #[arg(value_parser = values::node)]
        node: NodeRef,
        /// Number or name of the node that takes its replicas
        #[arg(long, value_name = "NODE", value_parser = values::node)]
        with: NodeRef,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Remove a node that has no replicas left; its disk never comes back
    Remove {
        /// Number or name of the node
        #[arg(value_parser = values::node)]
        node: NodeRef,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CollectionAction {
    /// Show all that is known of a collection
    Show {
        /// Name of the collection, or an alias
        name: String,
    },
    /// Make a collection
    Create {
        /// Name of the collection
        name: String,
        /// Body of `PUT /collections/NAME`; @FILE reads it from a file, @- from stdin
        #[arg(long, value_name = "JSON|@FILE")]
        body: String,
        /// Key of this call: a second call with the same key, name and body changes nothing
        #[arg(long)]
        key: Option<String>,
    },
    /// Change the parameters of a collection
    Update {
        /// Name of the collection
        name: String,
        /// Body of `PATCH /collections/NAME`; @FILE reads it from a file, @- from stdin
        #[arg(long, value_name = "JSON|@FILE")]
        body: String,
    },
    /// Delete a collection with all its points
    Delete {
        /// Name of the collection
        name: String,
        /// Only if it was made with this key
        #[arg(long)]
        key: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShardAction {
    /// Move one replica to another node
    Move {
        /// Number of the shard's group (see `vanectl shards`)
        group: u64,
        /// Node to move it from: number or name
        #[arg(long, value_name = "NODE", value_parser = values::node)]
        from: NodeRef,
        /// Node to move it to: number or name
        #[arg(long, value_name = "NODE", value_parser = values::node)]
        to: NodeRef,
    },
    /// Keep the replicas of a shard where they are, whatever the balance of the nodes
    Pin {
        /// Number of the shard's group (see `vanectl shards`)
        group: u64,
    },
    /// Let the replicas of a shard be moved again to even nodes out
    Unpin {
        /// Number of the shard's group (see `vanectl shards`)
        group: u64,
    },
    /// Say where all replicas should be
    Reconfigure {
        /// Number of the shard's group (see `vanectl shards`)
        group: u64,
        /// Nodes, by number or name, such as 1,2,3,4:learner
        #[arg(
            long,
            value_name = "NODE[:ROLE],...",
            value_delimiter = ',',
            required = true,
            value_parser = values::replica
        )]
        replicas: Vec<ReplicaSpec>,
        /// Change nothing unless the shard is at this revision (see `vanectl shards -o wide`);
        /// without it, the one it is at when the command begins
        #[arg(long, value_name = "REVISION")]
        if_revision: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Show it, as without a subcommand
    Get,
    /// Change what is named; the rest stays as it is
    Set(PolicyChange),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct PolicyChange {
    /// What is evened out between nodes: numbers of replicas, or bytes of vectors
    #[arg(long, value_enum)]
    pub(crate) rebalance: Option<Rebalance>,
    /// How far, in per cent of the mean, a node may be off it before replicas are moved
    #[arg(long, value_name = "PERCENT")]
    pub(crate) threshold: Option<u32>,
    /// Shards that are moved at a time
    #[arg(long, value_name = "COUNT")]
    pub(crate) moves_at_once: Option<u32>,
    /// Replicas, of those moves, that a node gives or takes at a time
    #[arg(long, value_name = "COUNT")]
    pub(crate) per_node: Option<u32>,
    /// Bytes a second of all copies that a node sends, such as 100Mi; 0 begins none
    #[arg(long, value_name = "BYTES", value_parser = values::bytes)]
    pub(crate) bytes_per_second: Option<u64>,
    /// Whether leaders are spread over the nodes that have replicas
    #[arg(long, value_enum)]
    pub(crate) leaders: Option<Switch>,
}

/// What is evened out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rebalance {
    Off,
    Count,
    Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaderAction {
    /// Hand the leadership of a group to another of its replicas
    Transfer {
        /// Number of the group; `meta` is the meta group
        #[arg(value_parser = values::group)]
        group: u64,
        /// Number or name of the node to lead
        #[arg(value_parser = values::node)]
        node: NodeRef,
    },
}

/// Parses the command line of this process. On `--help`, `--version` and mistakes it
/// prints what there is to say and ends the process, with exit code 2 for a mistake.
pub(crate) fn parse() -> Cli {
    let mut command = command(std::env::args_os().next().as_deref());
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        // By the command as it was called: `kubectl vane` must not be told to type `vanectl`.
        Err(error) => error.format(&mut command).exit(),
    }
}

/// The command, named as it was called: kubectl runs `kubectl-vane` for `kubectl vane`.
fn command(program: Option<&OsStr>) -> clap::Command {
    let name = program.and_then(|path| Path::new(path).file_stem()).and_then(OsStr::to_str);
    match name.and_then(|name| name.strip_prefix("kubectl-")) {
        Some(plugin) => Cli::command().bin_name(format!("kubectl {plugin}")),
        None => Cli::command().bin_name("vanectl"),
    }
}

#[cfg(test)]
mod tests;
