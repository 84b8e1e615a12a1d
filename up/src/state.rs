//! What is known of a local cluster between two commands.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use procfs::process::Process;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::addresses::{BLOCKS_MAX, address};
use crate::error::Error;
use crate::listener;

/// File of a cluster's folder with all that is known of it.
pub(crate) const FILE: &str = "cluster.json";
const LOCK: &str = "lock";

/// A cluster's folder, held by this command alone.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) state: State,
    /// Released when it is dropped.
    _lock: File,
}

/// What `cluster.json` has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) name: String,
    /// UUID of the database to found, as that of the object in Kubernetes.
    pub(crate) uid: Uuid,
    pub(crate) token: String,
    /// Third number of all addresses.
    pub(crate) block: u8,
    /// Pods that there should be, once it is decided.
    pub(crate) replicas: Option<i32>,
    /// What of the spec the running processes were made from.
    pub(crate) template: Option<String>,
    pub(crate) founded: bool,
    pub(crate) processes: BTreeMap<i32, Running>,
}

/// A process that was started.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) id: u32,
    /// When it was started, in ticks since the system was: another process may have its id by
    /// now.
    pub(crate) started: u64,
}

impl State {
    /// Whether a node of it runs.
    pub(crate) fn runs(&self) -> bool {
        self.processes.values().any(Running::is_there)
    }
}

impl Running {
    /// Notes a process that runs.
    pub(crate) fn of(id: u32) -> Self {
        // One that has ended already has no time of start, and counts as gone at once.
        Self { id, started: started(id).unwrap_or_default() }
    }

    /// Whether it still runs.
    pub(crate) fn is_there(&self) -> bool {
        started(self.id) == Some(self.started)
    }

    /// Sends it a signal, if it is still there.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| self.is_there()) {
            // Nothing to do about a process that goes at this moment.
            let _gone = kill_process(id, signal);
        }
    }
}

/// When a process was started; `None` for one that has ended.
fn started(id: u32) -> Option<u64> {
    let process = Process::new(i32::try_from(id).ok()?);
    let stat = process.and_then(|process| process.stat()).ok()?;
    // A zombie is none that runs.
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat.starttime)
}

impl Folder {
    /// Opens a cluster's folder, or makes it.
    pub(crate) fn open_or_make(base: &Path, name: &str) -> Result<Self, Error> {
        let path = base.join(name);
        fs::create_dir_all(&path).map_err(Error::system("make the folder", &path))?;
        // Before the state is read: another command may be about to write it.
        let lock = lock(&path, name)?;
        let state = match read(&path)? {
            Some(state) => state,
            None => State {
                name: name.to_owned(),
                uid: Uuid::new_v4(),
                token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
                // For good: members know each other by these addresses.
                block: free_block(base, name)?,
                replicas: None,
                template: None,
                founded: false,
                processes: BTreeMap::new(),
            },
        };
        let folder = Self { path, state, _lock: lock };
        // At once: the UUID and the block must be the same in a second try.
        folder.save()?;
        Ok(folder)
    }

    /// Opens the folder of a cluster that is there.
    pub(crate) fn open(base: &Path, name: &str) -> Result<Self, Error> {
        let path = base.join(name);
        let lock = lock(&path, name)?;
        let state = read(&path)?.ok_or_else(|| absent(base, Some(name)))?;
        Ok(Self { path, state, _lock: lock })
    }

    /// Writes what is known, whole or not at all.
    pub(crate) fn save(&self) -> Result<(), Error> {
        let (path, tmp) = (self.path.join(FILE), self.path.join("cluster.json.tmp"));
        let text = serde_json::to_vec_pretty(&self.state).map_err(std::io::Error::from);
        // The token is in it. Synced before it takes the name: after a power cut there is the old
        // file or the new one.
        let written = text.and_then(|text| write_secret(&tmp, &text)?.sync_all());
        written.and_then(|()| fs::rename(&tmp, &path)).map_err(Error::system("write", &path))
    }
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> std::io::Result<File> {
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn lock(path: &Path, name: &str) -> Result<File, Error> {
    let path = path.join(LOCK);
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(Error::system("write", &path))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Error::cluster(name, "another `vane up` or `vane down` works on it; wait until it is done")
    })?;
    Ok(file)
}

fn read(path: &Path) -> Result<Option<State>, Error> {
    let file = path.join(FILE);
    let text = match fs::read_to_string(&file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(Error::system("read", &file))?,
    };
    serde_json::from_str(&text).map(Some).map_err(|e| Error::input(&file, e.to_string()))
}

/// Whether no cluster was ever made.
pub(crate) fn none(base: &Path) -> bool {
    names(base).is_empty()
}

/// Clusters that there are, by name; of those only the named one. At least one. What another
/// command is about to change is shown as it was.
pub(crate) fn known(base: &Path, name: Option<&str>) -> Result<Vec<State>, Error> {
    let wanted = names(base).into_iter().filter(|cluster| name.is_none_or(|name| name == cluster));
    let states: Vec<State> = wanted
        .filter_map(|cluster| read(&base.join(cluster)).transpose())
        .collect::<Result<_, _>>()?;
    if states.is_empty() { Err(absent(base, name)) } else { Ok(states) }
}

/// The cluster of this name; where none is named the only one, or the only one that runs.
pub(crate) fn one(base: &Path, name: Option<&str>) -> Result<State, Error> {
    let mut states = known(base, name)?;
    let all: Vec<String> = states.iter().map(|state| state.name.clone()).collect();
    if states.len() > 1 {
        states.retain(State::runs);
    }
    match (states.pop(), states.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Error::Clusters(format!(
            "there are several clusters: {}; name one with --name",
            all.join(", ")
        ))),
    }
}

fn absent(base: &Path, name: Option<&str>) -> Error {
    let name = name.map_or(String::new(), |name| format!(" {name}"));
    Error::Clusters(format!(
        "there is no cluster{name} in {}; start one with `vane up -f FILE`",
        base.display()
    ))
}

fn names(base: &Path) -> Vec<String> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let clusters = entries.filter(|entry| entry.path().join(FILE).exists());
    let mut names: Vec<String> =
        clusters.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A block that no other cluster has and nobody listens on.
fn free_block(base: &Path, name: &str) -> Result<u8, Error> {
    let others =
        names(base).into_iter().filter_map(|cluster| read(&base.join(cluster)).ok().flatten());
    let taken: Vec<u8> = others.map(|other| other.block).collect();
    let left: Vec<u8> = (0..BLOCKS_MAX)
        .filter_map(|number| u8::try_from(number).ok())
        .filter(|block| !taken.contains(block))
        .collect();
    let free = left
        .iter()
        .find(|block| address(**block, 0).is_some_and(|first| listener::check(first).is_ok()));
    match (free, left.first().and_then(|block| address(*block, 0))) {
        (Some(free), _) => Ok(*free),
        // Most likely on all addresses of the machine.
        (None, Some(first)) => listener::check(first)
            .map(|()| left[0])
            .map_err(|why| Error::cluster(name, why.to_string())),
        (None, None) => {
            let what = format!(
                "{} clusters have all addresses; remove the folder of one in {}",
                taken.len(),
                base.display()
            );
            Err(Error::cluster(name, what))
        }
    }
}
