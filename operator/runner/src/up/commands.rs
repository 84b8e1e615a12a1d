//! What the commands do.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::time::sleep;
use vane_operator::cluster::plan::{Founding, plan};
use vane_operator::names;

use super::collections;
use super::documents::Documents;
use super::local::Local;
use super::state::{Folder, Running};
use crate::addresses::address;
use crate::error::Error;
use crate::pod::Readiness;
use crate::probe::is_ready;

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
pub async fn up(file: &Path, base: &Path, binary: &Path, mut say: impl FnMut(&str)) -> Result<(), Error> {
    let Documents { cluster, collections } = Documents::read(file)?;
    let name = cluster.metadata.name.clone().unwrap_or_default();
    if cluster.spec.paused {
        return Err(Error::input(file, "VectorCluster: spec.paused is true; nothing is started"));
    }
    let mut local = Local::new(Folder::open_or_make(base, &name)?, cluster, binary.to_owned());
    let end = Instant::now() + UP_TIMEOUT;
    let mut said = String::new();
    loop {
        let observed = local.observe().await;
        let plan = plan(local.cluster(), &observed);
        if let Some(it) = plan.refusals.first() {
            return Err(local.failed(it.message.clone()));
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
        local.start()?;
        let (ready, all) = (observed.pods.values().filter(|it| it.ready).count(), local.addresses().len());
        let line = format!("{name}: {ready} of {all} nodes are ready{founding}");
        if line != said {
            say(&line);
            said = line;
        }
        if plan.steps.is_empty() && founding.is_empty() && ready == all {
            break;
        }
        if Instant::now() > end {
            let what = format!("not ready after {} s; see `vane-up logs`", UP_TIMEOUT.as_secs());
            return Err(local.failed(what));
        }
        sleep(LOOK_PAUSE).await;
    }
    for collection in &collections {
        collections::make(&local, collection).await?;
        say(&format!("collection {} is there", vane_operator::collection::plan::name(collection)));
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
    let mut folder = Folder::open(base, name)?;
    let processes: Vec<Running> = folder.state.processes.values().copied().collect();
    processes.iter().for_each(|it| it.signal(Signal::TERM));
    let end = Instant::now() + DOWN_TIMEOUT;
    while processes.iter().any(Running::is_there) {
        if Instant::now() > end {
            processes.iter().for_each(|it| it.signal(Signal::KILL));
        }
        sleep(LOOK_PAUSE).await;
    }
    folder.state.processes.clear();
    folder.save()?;
    Ok(format!("{} is down; its data is in {}", folder.state.name, folder.path.display()))
}

/// A line for each node: name, address, whether it runs and is ready.
///
/// # Errors
///
/// There is no such cluster.
pub async fn status(base: &Path, name: Option<&str>) -> Result<Vec<String>, Error> {
    let Folder { state, .. } = &Folder::open(base, name)?;
    let mut lines = Vec::new();
    for ordinal in 0..state.replicas.unwrap_or_default() {
        let Some(address) = address(state.block, ordinal) else { continue };
        let port = u16::try_from(names::REST_PORT).expect("it is a port");
        let readiness = Readiness { port, path: "/readyz".into(), failures: 1 };
        let how = match state.processes.get(&ordinal).filter(|it| it.is_there()) {
            None => "down".to_owned(),
            Some(it) if is_ready(address, &readiness).await => format!("ready (process {})", it.id),
            Some(it) => format!("not ready (process {})", it.id),
        };
        lines.push(format!("{}  http://{address}:{port}  {how}", names::pod(&state.name, ordinal)));
    }
    Ok(lines)
}

/// Writes the log of a pod, or of all.
///
/// # Errors
///
/// There is no such cluster or pod.
pub fn logs(base: &Path, name: Option<&str>, pod: Option<&str>, out: &mut dyn Write) -> Result<(), Error> {
    let folder = Folder::open(base, name)?;
    let all = (0..folder.state.replicas.unwrap_or_default()).map(|it| names::pod(&folder.state.name, it));
    let wanted: Vec<String> = all.filter(|it| pod.is_none_or(|wanted| wanted == it)).collect();
    if wanted.is_empty() {
        return Err(Error::cluster(&folder.state.name, format!("there is no node {}", pod.unwrap_or_default())));
    }
    for name in wanted {
        let path = folder.path.join(format!("{name}.log"));
        let mut log = std::fs::File::open(&path).map_err(Error::system("read", &path))?;
        if pod.is_none() {
            writeln!(out, "== {name}").map_err(Error::system("write", Path::new("standard output")))?;
        }
        std::io::copy(&mut log, out).map_err(Error::system("write", Path::new("standard output")))?;
    }
    Ok(())
}
