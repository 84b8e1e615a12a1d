//! Writes of a collection: checked whole, split by shard, proposed once on each.

use futures_util::future::join_all;
use vane_catalog::Route;
use vane_commands::{Checked, Command, Commands, Write, check};
use vane_filter::Filter;
use vane_transport::Freshness;
use vane_transport::reads::Resolve;
use vane_types::{Changed, Error, ErrorKind, FailedShards, LogIndex, PointId, Refusal, TenantId};

use crate::attempt::Failure;
use crate::collection::Collection;
use crate::coordinator::Coordinator;
use crate::options::RequestOptions;
use crate::parts::Parts;
use crate::propose::ShardCommand;
use crate::reroute::{Reroute, parts};
use crate::shards::Shards;

/// A change that fits its collection, see [`Collection::check`].
pub struct CheckedWrite(Vec<Part>);

/// The change of the points of one tenant, or of all where there are none.
struct Part {
    tenant: Option<TenantId>,
    checked: Checked,
}

impl<S: Shards> Collection<S> {
    /// Finds whether a change fits the collection, without beginning it.
    ///
    /// # Errors
    /// `BadInput` or `NotFound`, with what does not fit.
    pub async fn check(&self, write: Write) -> Result<CheckedWrite, Error> {
        let mut parts = Vec::with_capacity(1);
        if !write.is_of_points() {
            // A tenant's end is told to the shards that have it; all else of this kind to all.
            let tenant = match &write {
                Write::CloseTenant(tenant) => Some(*tenant),
                _ => None,
            };
            let checked = self.check_one(write).await?;
            return Ok(CheckedWrite(vec![Part { tenant, checked }]));
        }
        let mut tenants = self.written()?;
        let last = tenants.pop().flatten();
        for tenant in tenants {
            let write = tenant.map_or_else(|| write.clone(), |id| write.clone().of_tenant(id));
            parts.push(Part { tenant, checked: self.check_one(write).await? });
        }
        // Without a copy: mostly there is no other.
        let write = match last {
            Some(tenant) => write.of_tenant(tenant),
            None => write,
        };
        parts.push(Part { tenant: last, checked: self.check_one(write).await? });
        Ok(CheckedWrite(parts))
    }

    async fn check_one(&self, write: Write) -> Result<Checked, Error> {
        if write.is_small() {
            return Ok(check(&self.entry.config, write)?);
        }
        let config = self.entry.config.clone();
        // Not on this thread, which serves connections.
        let check_it = move || check(&config, write);
        Ok(self.coordinator.shards.offload(check_it).await??)
    }

    /// Changes points, as [`Collection::write_checked`] does.
    ///
    /// # Errors
    /// Those of [`Collection::check`] and of [`Collection::write_checked`].
    pub async fn write(&self, write: Write, options: RequestOptions) -> Result<LogIndex, Error> {
        // Checked whole before any shard is asked: a part that is refused later would leave the
        // rest applied.
        self.write_checked(self.check(write).await?, options).await
    }

    /// Changes points as was found to fit. Returns the index of the last log entry once it is on
    /// disk on a majority of each shard's voters, and applied at their leaders.
    ///
    /// # Errors
    /// Of a write that met several shards, the failure that leaves most open, with
    /// [`vane_types::FailedShards`]; [`Error::may_have_changed`] says whether anything was, or
    /// may be, changed.
    pub async fn write_checked(
        &self,
        checked: CheckedWrite,
        options: RequestOptions,
    ) -> Result<LogIndex, Error> {
        let mut last = LogIndex::ZERO;
        // One tenant after the other, and none after a failure.
        for part in checked.0 {
            let written = self.write_part(part, &options).await;
            last = last.max(written.map_err(|error| after(last, error))?);
        }
        Ok(last)
    }

    async fn write_part(
        &self,
        Part { tenant, checked }: Part,
        options: &RequestOptions,
    ) -> Result<LogIndex, Error> {
        let (grows, is_of_points) = (checked.grows, checked.is_of_points());
        // Resolved once, before the first copy: later ones are then the same command.
        let resolved = match checked.filter().cloned() {
            Some(filter) => self.resolve(filter, tenant, options).await?,
            None => Vec::new(),
        };
        let shards = self.groups().len();
        let mut by_shard = checked.commands(shards, |id| self.ordinal_of(id), resolved)?;
        if let Some(tenant) = tenant.filter(|_| !is_of_points) {
            let theirs = self.ordinals_of(&[tenant]);
            by_shard.retain(|(ordinal, _)| theirs.contains(ordinal));
        }
        let ordinals: Vec<usize> = by_shard.iter().map(|(ordinal, _)| *ordinal).collect();
        let apply = |(ordinal, commands)| self.apply(ordinal, commands, grows, options);
        let applied = join_all(by_shard.into_iter().map(apply)).await;
        self.merge_outcomes(&ordinals, applied)
    }

    /// Has the commands of one shard applied, in their order; where the shard says that their
    /// points are not its own, by those that have them, and where they are too much for one
    /// entry, in several.
    async fn apply(
        &self,
        ordinal: usize,
        mut commands: Commands,
        grows: bool,
        options: &RequestOptions,
    ) -> Result<LogIndex, Error> {
        let (coordinator, replicas) = (&self.coordinator, self.replicas_to_wait_for());
        let mut reroute = Reroute::new(coordinator.shards.now(), options.deadline);
        let route = self.entry.route_at(ordinal).ok_or_else(deleted)?;
        let mut parts = Parts::default();
        let mut last = LogIndex::ZERO;
        // One after the other, and none after a failure: each may build on those before.
        while let Some((route, command)) = parts.next().or_else(|| {
            let command = commands.next()?;
            Some((route, parts.first_of(route, command)))
        }) {
            let Route { group, range, .. } = route;
            let range = Some(range);
            let mut command = ShardCommand { group, command, range, replicas, grows };
            let refusal = match coordinator.propose_once(&mut command, options.deadline).await {
                Ok(index) => {
                    last = index;
                    continue;
                }
                Err(Failure::Refused(refusal)) => refusal,
                Err(failure) => return Err(after(last, coordinator.error(group, failure))),
            };
            let divided = match refusal {
                Refusal::StaleRoute => {
                    let anew = self.routed_anew(route, &command, &mut reroute).await;
                    anew.map_err(|error| after(last, error))?.map(|anew| parts.put(anew))
                }
                Refusal::TooMuch => parts.halve(route, &command.command),
                _ => None,
            };
            if divided.is_none() {
                let error = coordinator.error(group, Failure::Refused(refusal.clone()));
                return Err(after(
                    last,
                    match refusal {
                        Refusal::StaleRoute => error.about(coordinator.subject(group)),
                        _ => error,
                    },
                ));
            }
        }
        Ok(last)
    }

    /// The parts of a command whose route was stale, by another look at the catalog; `None`
    /// once that was tried for long enough.
    async fn routed_anew(
        &self,
        stale: Route,
        refused: &ShardCommand,
        reroute: &mut Reroute,
    ) -> Result<Option<Vec<(Route, Command)>>, Error> {
        let Coordinator { shards, catalog, .. } = &*self.coordinator;
        let Some(pause) = reroute.pause(shards.now()) else { return Ok(None) };
        shards.sleep(pause).await;
        let Some(change) = &refused.command.change else { return Ok(None) };
        let parts = catalog.read(|state| {
            let now = state.collections.get(self.name())?;
            parts(change, stale, now)
        });
        let parts = parts.ok_or_else(deleted)?.into_iter();
        // Without the name of the request: under that one they would be copies of each other.
        Ok(Some(parts.map(|(route, change)| (route, Command::new(change))).collect()))
    }

    /// Replicas beyond a majority that a write waits for; 0 when a majority is enough, which
    /// Raft waits for by itself.
    fn replicas_to_wait_for(&self) -> u32 {
        let wanted = self.entry.write_consistency_factor;
        let majority = self.entry.replication_factor / 2 + 1;
        if wanted > majority { wanted } else { 0 }
    }

    /// Ids that a filter matches on each shard.
    async fn resolve(
        &self,
        filter: Filter,
        tenant: Option<TenantId>,
        options: &RequestOptions,
    ) -> Result<Vec<Vec<PointId>>, Error> {
        // Of every shard, and as of now: what a write does must not depend on who is up.
        let freshness = Freshness::Linearizable;
        let whole = RequestOptions { freshness, ..RequestOptions::new(options.deadline) };
        let Some(tenant) = tenant else { return self.ask_all(&Resolve { filter }, &whole).await };
        let filter = Filter::of_tenants(Some(filter), &[tenant]);
        let reads = self.ordinals_of(&[tenant]).into_iter();
        let reads = reads.map(|ordinal| (ordinal, Resolve { filter: filter.clone() }));
        let mut found = vec![Vec::new(); self.groups().len()];
        for shard in self.ask(reads, &whole).await? {
            found[shard.ordinal] = shard.answer;
        }
        Ok(found)
    }

    /// One outcome for a write that met several shards.
    fn merge_outcomes(
        &self,
        ordinals: &[usize],
        outcomes: Vec<Result<LogIndex, Error>>,
    ) -> Result<LogIndex, Error> {
        let shards = outcomes.len();
        let (mut last, mut failed, mut worst) = (LogIndex::ZERO, Vec::new(), None);
        for (ordinal, outcome) in ordinals.iter().zip(outcomes) {
            match outcome {
                Ok(index) => last = last.max(index),
                Err(error) => {
                    failed.push(*ordinal);
                    worst = Some(worse(worst, error));
                }
            }
        }
        match worst {
            None => Ok(last),
            // With one shard there is no part to name.
            Some(error) if shards == 1 => Err(error),
            Some(error) => {
                let collection = self.name().to_owned();
                Err(of_several(error, FailedShards { collection, failed, shards }))
            }
        }
    }
}

fn deleted() -> Error {
    Error::not_found("the collection was deleted meanwhile")
}

/// A failure that came after something was applied, at `last` if it was: then it cannot say
/// that nothing was changed.
fn after(last: LogIndex, error: Error) -> Error {
    if last == LogIndex::ZERO {
        return error;
    }
    let detail = format!("{}; a part of the write was applied before", error.detail);
    Error { kind: kind_of_part(error.kind), changed: Changed::Unknown, detail, ..error }
}

/// What a failure is where another part of the write was applied.
fn kind_of_part(kind: ErrorKind) -> ErrorKind {
    match kind {
        // Refusals of the client's own request stay what they are.
        ErrorKind::NotFound | ErrorKind::BadInput | ErrorKind::AlreadyExists => kind,
        // Whatever else failed, the client cannot simply send the write again as if nothing had
        // happened.
        _ => ErrorKind::Timeout,
    }
}

/// Of two failures the one that stands for both.
fn worse(known: Option<Error>, error: Error) -> Error {
    match known {
        // Where one shard may be changed, nobody may read that none is.
        Some(known) if known.may_have_changed() || !error.may_have_changed() => known,
        _ => error,
    }
}

/// The failure of a write that met several shards.
fn of_several(error: Error, shards: FailedShards) -> Error {
    let kind = if shards.is_part() { kind_of_part(error.kind) } else { error.kind };
    let changed = match error.changed {
        Changed::NotInQuestion => Changed::Nothing,
        other => other,
    };
    Error { kind, changed, shards: Some(shards), ..error }
}

#[cfg(test)]
mod tests;
