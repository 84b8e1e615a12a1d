//! What the commands do.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;
use vane_operator::cluster::plan::{Founding, plan};
use vane_operator::names;

use crate::collections;
use crate::documents::Documents;
use crate::error::Error;
use crate::local_cluster::LocalCluster;
use crate::state::{self, Folder, Running};

/// Time for a cluster to be ready.
const UP_TIMEOUT: Duration = Duration::from_secs(180);
/// Time for nodes to end in order, before they are killed.
const DOWN_TIMEOUT: Duration = Duration::from_secs(65);
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Brings up what a file asks for; `say` gets each line of progress. What runs goes on as it
/// is, and repeated, it changes nothing.
///
/// # Errors
///
/// The file is wrong, or the cluster does not get ready. What was started goes on.
pub async fn up(
    file: &Path,
    base: &Path,
    binary: &Path,
    mut say: impl FnMut(&str),
) -> Result<(), Error> {
    let Documents { cluster, collections } = Documents::read(file)?;
    let name = cluster.metadata.name.clone().unwrap_or_default();
    // Before the folder is made: a paused cluster leaves no trace.
    if cluster.spec.paused {
        return Err(Error::input(file, "VectorCluster: spec.paused is true; nothing is started"));
    }
    let mut local =
        LocalCluster::new(Folder::open_or_make(base, &name)?, cluster, binary.to_owned())?;
    let end = Instant::now() + UP_TIMEOUT;
    let mut said = String::new();
    loop {
        // The plan has no memory, so a command that was cut short is taken up here by the next one.
        let observed = local.observe().await;
        let plan = plan(local.cluster(), &observed);
        // Nothing of a plan that refuses something is carried out: half of a file helps nobody.
        if let Some(refusal) = plan.refusals.first() {
            return Err(local.failed(&*refusal.message));
        }
        if let Some(error) = local.fewer_nodes().or_else(|| local.other_nodes()) {
            return Err(error);
        }
        for step in &plan.steps {
            local.step(step).await?;
        }
        let founding = match plan.founding {
            Founding::Done(_) => {
                local.founded()?;
                String::new()
            }
            Founding::Waiting(why) => format!("; {why}"),
            Founding::Stuck(why) => return Err(local.failed(why.message)),
        };
        // After the steps, which decide how many nodes there should be.
        local.start()?;
        let (ready, all) =
            (observed.pods.values().filter(|pod| pod.ready).count(), local.addresses().len());
        // A line for each change: a cluster that waits would fill the terminal five times a second.
        let line = format!("{name}: {ready} of {all} nodes are ready{founding}");
        if line != said {
            say(&line);
            said = line;
        }
        if plan.steps.is_empty() && founding.is_empty() && ready == all {
            break;
        }
        if Instant::now() > end {
            let what = format!("not ready after {} s; see `vane logs`", UP_TIMEOUT.as_secs());
            return Err(local.failed(what));
        }
        sleep(LOOK_PAUSE).await;
    }
    for collection in &collections {
        let name = collections::make(&local, collection).await?;
        say(&format!("collection {name} is there"));
    }
    for (ordinal, address) in local.addresses() {
        say(&format!("{}: http://{address}:{}", names::pod(&name, ordinal), names::REST_PORT));
    }
    Ok(())
}

/// Ends the nodes of a cluster and keeps its data.
///
/// # Errors
///
/// There is no such cluster.
pub async fn down(base: &Path, name: Option<&str>) -> Result<String, Error> {
    let mut folder = Folder::open(base, &state::one(base, name)?.name)?;
    let processes: Vec<Running> = folder.state.processes.values().copied().collect();
    processes.iter().for_each(|process| process.signal(Signal::TERM));
    let end = Instant::now() + DOWN_TIMEOUT;
    while processes.iter().any(Running::is_there) {
        if Instant::now() > end {
            // They had the grace of a pod; what was acknowledged is on their disks.
            processes.iter().for_each(|process| process.signal(Signal::KILL));
        }
        sleep(LOOK_PAUSE).await;
    }
    // Noted only now: a `down` that is cut short must find them again.
    folder.state.processes.clear();
    folder.save()?;
    let (name, path) = (&folder.state.name, folder.path.display());
    Ok(format!("{name} is down; its data stays in {path}: remove that folder to be rid of it"))
}

/// Writes the log of a pod, or of all of a cluster.
///
/// # Errors
///
/// There is no such cluster or pod.
pub fn logs(
    base: &Path,
    name: Option<&str>,
    pod: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    // A pod says which cluster it is of.
    let of_pod = pod.and_then(|name| name.rsplit_once('-')).map(|(cluster, _)| cluster);
    // Names of clusters have dashes too: only one that is there is taken for the node's cluster.
    let of_pod =
        of_pod.filter(|cluster| name.is_none() && state::known(base, Some(cluster)).is_ok());
    let state = state::one(base, name.or(of_pod))?;
    let all: Vec<String> = (0..state.replicas.unwrap_or_default())
        .map(|ordinal| names::pod(&state.name, ordinal))
        .collect();
    let wanted: Vec<&String> =
        all.iter().filter(|name| pod.is_none_or(|wanted| wanted == *name)).collect();
    if wanted.is_empty() {
        let what = match pod {
            Some(pod) => format!("there is no node {pod}, only {}", all.join(", ")),
            None => "it was never started".to_owned(),
        };
        return Err(Error::cluster(&state.name, what));
    }
    for name in wanted {
        let path = base.join(&state.name).join(format!("{name}.log"));
        let mut log = match std::fs::File::open(&path) {
            // A node that was never started has no log, which matters only to who named it.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && pod.is_none() => continue,
            opened => opened.map_err(Error::system("read", &path))?,
        };
        let written = if pod.is_none() { writeln!(out, "== {name}") } else { Ok(()) };
        match written.and_then(|()| std::io::copy(&mut log, out)) {
            // Whoever read it has seen enough.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            done => done.map_err(Error::system("write", Path::new("standard output")))?,
        };
    }
    Ok(())
}
