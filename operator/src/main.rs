//! The operator's process: settings, the Lease, the controllers, and their end.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Parser;
use futures_util::future::join_all;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;
use vane_operator::args::{Args, LogFormat};
use vane_operator::context::Context;
use vane_operator::failpoint::Failpoint;
use vane_operator::lease::Election;
use vane_operator::metrics::Metrics;
use vane_operator::turns::Turns;
use vane_operator::{client, controllers, health};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const LEASE_LOST: &str =
    "the lease was lost: it was not renewed in time, or another operator has it";

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // A filter that means nothing must not keep the operator from its work.
    let filter = EnvFilter::try_new(&args.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match args.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the operator ended");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Failure> {
    let no_cluster =
        |e: &dyn std::fmt::Display| format!("failed to find a Kubernetes cluster: {e}");
    let config = Config::infer().await.map_err(|e| no_cluster(&e))?;
    let client = Client::try_from(config.clone()).map_err(|e| no_cluster(&e))?;
    let identity = args.identity.clone().unwrap_or_else(hostname);
    let metrics = Metrics::default();
    let ready = Arc::new(AtomicBool::new(false));
    let listener = health::listen(args.listen)
        .await
        .map_err(|e| format!("failed to listen on {}: {e}", args.listen))?;
    let address =
        listener.local_addr().map_err(|e| format!("failed to listen on {}: {e}", args.listen))?;
    // Before the Lease is won: a process that stands by is probed as well.
    let health = tokio::spawn(health::serve(listener, Arc::clone(&ready), metrics.clone()));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        terminated().await;
        // An error says that nobody listens: then the process ends by itself.
        let _either = stop.send(true);
    });

    let namespace =
        args.lease_namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let election = Election::new(client.clone(), &namespace, &args.lease_name, &identity);
    // Standing by is being ready: a roll-out of two must not wait for the first to end.
    ready.store(true, Ordering::Relaxed);
    tracing::info!(lease = args.lease_name, namespace, identity, %address, "waiting for the lease");
    let won = tokio::select! {
        won = election.win() => won,
        () = told(stopped.clone()) => return Ok(()),
    };
    tracing::info!("this process works");
    let failpoint = Failpoint { before: args.exit_before.clone(), after: args.exit_after.clone() };
    // Not the Lease's: who waits for its turn must not lose that.
    let client = client::limited(config, args.kube_api_qps, &metrics)
        .map_err(|e| format!("failed to make a client of Kubernetes: {e}"))?;
    let turns = Turns::new(args.rolls_at_once, Duration::from_secs(args.roll_delay_seconds));
    let context = Context::new(client, &identity, metrics, failpoint)
        .with_turns(turns)
        .with_drain_taints(args.drain_taints);
    let context = Arc::new(context);
    context.leads(true);
    let scopes: Vec<Option<String>> = match args.namespaces.as_slice() {
        [] => vec![None],
        named => named.iter().cloned().map(Some).collect(),
    };
    let work = join_all(
        scopes
            .into_iter()
            .map(|scope| controllers::run(Arc::clone(&context), scope, || told(stopped.clone()))),
    );
    let outcome = tokio::select! {
        _ended = work => Ok(()),
        () = election.hold(won) => Err(Failure::from(LEASE_LOST)),
    };
    context.leads(false);
    // A lease that was lost is somebody else's, or ends by itself.
    if outcome.is_ok() {
        election.release().await;
    }
    health.abort();
    outcome
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // An error is a sender that is gone, which is a reason to stop as well.
    let _either = stopped.wait_for(|stopped| *stopped).await;
}

async fn terminated() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn hostname() -> String {
    // A restarted container has its pod's name again; the UUID keeps it apart from the one before.
    let name = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    format!("{}-{}", name.unwrap_or_else(|| "vane-operator".into()), uuid::Uuid::new_v4().simple())
}
