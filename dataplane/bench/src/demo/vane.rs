//! `vane up`, `vane status` and `vane down`, as somebody at a terminal would type them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use vane_testbed::Admin;

use crate::error::Error;
use crate::interrupt;

/// Time between looks at a command.
const LOOK: Duration = Duration::from_millis(10);
/// Held while a demo runs.
const LOCK: &str = "demo.lock";

/// The commands, on the file and the folder of the demo.
pub(super) struct Vane {
    binary: PathBuf,
    file: PathBuf,
    dir: PathBuf,
    /// An earlier demo left a cluster in the folder.
    earlier: bool,
    /// Released when it is dropped. The commands do not inherit it.
    _lock: File,
}

/// A node, as `vane status -o json` has it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Node {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) url: String,
    admin: String,
    token_file: PathBuf,
    pid: Option<u32>,
    pub(super) ready: bool,
}

impl Node {
    /// A client of its admin interface.
    pub(super) fn admin(&self) -> Result<Admin, Error> {
        let token = std::fs::read_to_string(&self.token_file)
            .map_err(|e| Error::data(&self.token_file, e))?;
        Ok(Admin::new(&self.admin, token.trim())?)
    }

    /// Kills its process (SIGKILL). Unlike a power cut this leaves the writes that the system
    /// has not brought to the disk yet.
    pub(super) fn kill(&self) -> Result<(), Error> {
        let id = self.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Error::node(&self.name, "it has no process"))?;
        kill_process(id, Signal::KILL)
            .map_err(|e| Error::node(format!("kill -9 of {}", self.name), e))
    }
}

impl Vane {
    /// The commands of the node binary; an error where another demo is in that folder.
    pub(super) fn new(binary: &Path, file: &Path, dir: &Path) -> Result<Self, Error> {
        let path = dir.join(LOCK);
        let lock = std::fs::create_dir_all(dir)
            .and_then(|()| File::options().create(true).truncate(false).write(true).open(&path))
            .map_err(|e| Error::output(&path, e))?;
        // Two demos in one folder would end each other's nodes.
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::Busy(dir.display().to_string()))?;
        // Commands that do not work at all are an error before there is anything to end.
        let earlier = !status(command(binary, dir, "status"))?.is_empty();
        Ok(Self {
            binary: binary.to_owned(),
            file: file.to_owned(),
            dir: dir.to_owned(),
            earlier,
            _lock: lock,
        })
    }

    /// Where the nodes keep their points.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs `vane up -f FILE`; where it is `shown`, the reader sees the command and its output.
    pub(super) fn up(&self, shown: bool) -> Result<(), Error> {
        let (what, dir) = (format!("vane up -f {}", self.file.display()), self.dir.display());
        if shown {
            println!("$ {what} --dir {dir}");
        }
        let mut command = self.command("up");
        command.arg("-f").arg(&self.file);
        let mut outcome = run(command, &what, true, |line| {
            if shown {
                println!("  {line}");
            }
        });
        // What an earlier demo left is the likeliest reason, and can be removed.
        if let Err(Error::Command { reason, .. }) = &mut outcome
            && self.earlier
        {
            let hint = "to start without what an earlier demo left, remove";
            reason.push_str(&format!("\n({hint} {dir})"));
        }
        outcome
    }

    /// The nodes, in the order of their numbers.
    pub(super) fn nodes(&self) -> Result<Vec<Node>, Error> {
        let mut nodes = status(self.command("status"))?;
        // An edited file may have left others, which are down.
        let runs = nodes.iter().find(|node| node.pid.is_some()).map(|node| node.cluster.clone());
        if let Some(cluster) = runs {
            nodes.retain(|node| node.cluster == cluster);
        }
        Ok(nodes)
    }

    /// `vane down`, if anything runs. A signal does not call it off.
    pub(super) fn down(&self) -> Result<(), Error> {
        let nodes = self.nodes()?;
        let Some(runs) = nodes.iter().find(|node| node.pid.is_some()) else { return Ok(()) };
        // By name: an edited file may have left another cluster here.
        let mut command = self.command("down");
        command.args(["--name", &runs.cluster]);
        run(command, "vane down", false, |_| {})
    }

    fn command(&self, verb: &str) -> Command {
        command(&self.binary, &self.dir, verb)
    }
}

impl Drop for Vane {
    /// Whatever happened: nothing may go on that nobody asked for.
    fn drop(&mut self) {
        if let Err(error) = self.down() {
            eprintln!("demo: nodes may go on: {error}");
        }
    }
}

fn command(binary: &Path, dir: &Path, verb: &str) -> Command {
    let mut command = Command::new(binary);
    // The node is the binary that was named, whatever the environment says.
    command.arg(verb).arg("--dir").arg(dir).env_remove("VANE_BIN");
    command
}

fn status(mut command: Command) -> Result<Vec<Node>, Error> {
    command.args(["-o", "json"]);
    let text = parking_lot::Mutex::new(String::new());
    run(command, "vane status -o json", false, |line| text.lock().push_str(line))?;
    serde_json::from_str(&text.into_inner()).map_err(|e| Error::node("`vane status -o json`", e))
}

/// Runs a command to its end, or until a signal where it may be called off; `say` gets each
/// line of its output.
fn run(
    mut command: Command,
    what: &str,
    can_be_ended: bool,
    say: impl Fn(&str) + Sync,
) -> Result<(), Error> {
    // A group of its own: Ctrl-C is for the demo, which ends things in order.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|e| failed(what, format!("{}: {e}", command.get_program().display())))?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (ended, complaint) = std::thread::scope(|scope| {
        // Both pipes at once: one that fills up would stop the command.
        let complaint = scope.spawn(|| {
            let mut text = String::new();
            // Words that are not UTF-8 say nothing to anybody.
            let _read = errors.map(|mut stderr| stderr.read_to_string(&mut text));
            text
        });
        scope.spawn(|| {
            let lines = output.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
            lines.map_while(Result::ok).for_each(|line| say(&line));
        });
        (wait(&mut child, can_be_ended), complaint.join().unwrap_or_default())
    });
    match ended.map_err(|e| failed(what, e.to_string()))? {
        ended if ended.success() => Ok(()),
        _ if can_be_ended && interrupt::requested() => Err(Error::Interrupted),
        ended if complaint.trim().is_empty() => Err(failed(what, ended.to_string())),
        _ => Err(failed(what, complaint.trim().trim_start_matches("vane: ").to_owned())),
    }
}

fn failed(command: &str, reason: String) -> Error {
    Error::Command { command: command.to_owned(), reason }
}

fn wait(child: &mut Child, can_be_ended: bool) -> std::io::Result<ExitStatus> {
    let mut told = false;
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(ended);
        }
        if can_be_ended && interrupt::requested() && !told {
            told = true;
            // Nothing to do about one that ends at this moment.
            let _gone = kill_process(Pid::from_child(child), Signal::TERM);
        }
        vane_testbed::pause(LOOK);
    }
}
