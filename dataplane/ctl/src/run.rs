//! From a parsed command line to an exit code.

use std::time::Duration;

use crate::args::{Cli, Command};
use crate::client::{Client, token};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Console, Output, write_stderr};
use crate::{
    cluster, collections, disk, leader, level, memory, meta, moves, nodes, policy, recall, safe,
    settings, shards, version, wait,
};

const CALL_MAX_DEFAULT: Duration = Duration::from_secs(10);
const WAIT_MAX_DEFAULT: Duration = Duration::from_secs(5 * 60);

/// Carries out the command. What goes wrong is reported on stderr.
pub(crate) fn run(cli: Cli) -> Exit {
    // One call follows the other; threads for all cores would have nothing to do.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(carry_out(cli)),
        Err(source) => Err(Error::Terminal { what: "start", source }),
    };
    match result {
        Ok(exit) => exit,
        Err(error) => {
            write_stderr(&error.report());
            error.exit()
        }
    }
}

async fn carry_out(cli: Cli) -> Result<Exit, Error> {
    let Cli { global, command } = cli;
    let output = Output::new(&global);
    // Before the token is looked for: no node is asked, so a wrong one does not matter.
    if let Command::Version { client: true } = command {
        return version::client(&output);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let token = token::find(global.token.as_deref(), global.token_file.as_deref(), variable)?;
    let call_max = global.timeout.unwrap_or(CALL_MAX_DEFAULT);
    let client = Client::new(global.endpoint, token, call_max);
    let console = &mut Console { client, output };
    match command {
        Command::Status(flags) => cluster::status(console, flags).await,
        Command::Disk => disk::show(console).await,
        Command::Bootstrap { cluster_id } => disk::bootstrap(console, cluster_id).await,
        Command::Nodes { watch, action } => {
            let limit = global.timeout.unwrap_or(WAIT_MAX_DEFAULT);
            nodes::run(console, watch, action, limit).await
        }
        Command::Collections { watch, action } => collections::run(console, watch, action).await,
        Command::Shards { collection, watch, action } => {
            shards::run(console, collection, watch, action).await
        }
        Command::Safe { nodes, watch } => safe::show(console, nodes, watch).await,
        Command::Recall { collection, watch } => {
            recall::show(console, collection, watch).await?;
            Ok(Exit::Done)
        }
        Command::Memory { collection, collections, watch } => {
            memory::show(console, collection, collections, watch).await?;
            Ok(Exit::Done)
        }
        Command::Moves { collection, watch } => moves::show(console, collection, watch).await,
        Command::Policy { watch, action } => policy::run(console, watch, action).await,
        Command::Level { action } => level::run(console, action).await,
        Command::Settings { action } => settings::run(console, action).await,
        Command::Leader { action } => leader::run(console, action).await,
        Command::Meta(flags) => meta::show(console, flags).await,
        Command::Wait { condition } => {
            // The flag is the whole time here, and not that of each call.
            let limit = global.timeout.unwrap_or(WAIT_MAX_DEFAULT);
            wait::wait(console, condition, limit).await
        }
        Command::Version { client: _ } => version::both(console).await,
    }
}
