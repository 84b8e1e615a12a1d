//! The snapshot thread: one job at a time.

use std::sync::Arc;

use vane_raft::{Exported, Install, Made, StoreError};
use vane_types::{GroupId, PeerId};

use super::{Input, Process};
use crate::env::Env;
use crate::event::Step;
use crate::files::Files;
use crate::node::Disks;

/// Installations, per million, that a crash cuts short.
const CUT_SHORT: u64 = 100_000;

/// Something for the snapshot thread.
pub(super) enum Job {
    /// What was written when the job began, if it did.
    Make {
        group: GroupId,
        peer: PeerId,
        made: Option<Result<(Exported, Files), StoreError>>,
    },
    Install(Install),
}

impl Job {
    pub(super) fn make(group: GroupId, peer: PeerId) -> Self {
        Self::Make { group, peer, made: None }
    }

    pub(super) fn install(install: Install) -> Self {
        Self::Install(install)
    }
}

impl Process {
    pub(super) fn add_job(&mut self, env: &mut Env, job: Job) {
        self.jobs.push_back(job);
        if self.jobs.len() == 1 {
            self.begin_job(env);
        }
    }

    /// Begins the first job. A snapshot is of the moment in which it was begun; entries are
    /// applied while it is written.
    fn begin_job(&mut self, env: &mut Env) {
        // Now, and not when it is done: entries that come meanwhile are not in it.
        let began = match self.jobs.front() {
            Some(Job::Make { group, peer, .. }) => Some(self.make(env, *group, *peer)),
            Some(Job::Install(_)) => None,
            None => return,
        };
        if let (Some(Job::Make { made, .. }), Some(_)) = (self.jobs.front_mut(), &began) {
            *made = began;
        }
        let time = env.random.within(&env.swarm.snapshot);
        env.step(time, self.id, Step::Job);
    }

    fn make(
        &self,
        env: &mut Env,
        group: GroupId,
        peer: PeerId,
    ) -> Result<(Exported, Files), StoreError> {
        let gone = || StoreError("the group is gone".into());
        let replica = self.replica(group, peer).ok_or_else(gone)?;
        let files = env.directory.files().map_err(|error| StoreError(error.to_string()))?;
        let exported = replica.machine.snapshot(files.path())?;
        Ok((exported, files))
    }

    pub(super) fn finish_job(&mut self, disks: &mut Disks, env: &mut Env) {
        match self.jobs.pop_front() {
            Some(Job::Make { group, peer, made }) => {
                let made = made.unwrap_or_else(|| Err(StoreError("it was not begun".into())));
                // After it was written, so that its files have to go, too.
                let fails = env.random.chance(env.swarm.snapshot_fails);
                let made = if fails { Err(StoreError("simulated".into())) } else { made };
                let made = made.map(|(exported, files)| {
                    env.note("snapshot made", &[("group", group.0), ("index", exported.index.0)]);
                    Made { exported, files: Arc::new(files) }
                });
                self.put(Input::SnapshotMade { group, peer, made });
            }
            Some(Job::Install(install)) => self.install(disks, env, &install),
            None => {}
        }
        self.begin_job(env);
    }

    fn install(&mut self, disks: &mut Disks, env: &mut Env, install: &Install) {
        let Install { group, peer, index, term, .. } = *install;
        let Some(replica) = self.replica(group, peer) else { return };
        let Some(files) = disks.incoming.get(&(group, term, index)).cloned() else {
            return env
                .checks
                .fail(|| format!("group {group}: the files of the snapshot at {index} are gone"));
        };
        // Not while the process ends as it wants to end.
        // The worst moment for a crash: files half taken over, the log marked.
        let cut_short =
            env.random.chance(CUT_SHORT) && env.swarm.disk.power > 0 && env.up.contains(&self.id.0);
        if cut_short {
            disks.state.fail();
        }
        let installed = replica.machine.install(files.path());
        if cut_short {
            return env.fail_disk(self.id.0);
        }
        if let Err(error) = installed {
            return env
                .checks
                .fail(|| format!("group {group}: a snapshot could not be installed: {error}"));
        }
        match replica.machine.digest() {
            Ok(digest) => {
                env.note(
                    "installed",
                    &[("group", group.0), ("peer", peer.0), ("index", index.0), ("digest", digest)],
                );
                env.checks.installed(group, peer, index, digest);
            }
            Err(error) => {
                env.checks.fail(|| format!("no digest of a snapshot at {index}: {error}"))
            }
        }
        disks.incoming.remove(&(group, term, index));
        // Installing syncs what it writes.
        disks.durable.insert(group, index);
        if group == GroupId::META {
            self.catalog_changed(env);
        }
        self.put(Input::Installed { group, peer, index });
    }
}
