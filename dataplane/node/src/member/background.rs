//! What goes on without requests: threads that keep the disk, tasks that keep the cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use vane_catalog::NodeEntry;

use super::ground::Ground;
use super::serving::Serving;
use crate::admission;
use crate::compare::Comparison;
use crate::drain::pause;
use crate::following::Following;
use crate::introducing::Introducing;
use crate::maintenance::{Maintenance, Truncated, Upkeep};
use crate::open_error::OpenError;
use crate::rebalancer::Rebalancer;
use crate::reconciler::Reconciler;
use crate::refill::Refill;
use crate::scrub::Scrub;
use crate::settings::Settings;
use crate::shards::NodeShards;

/// Time that tasks have to notice that they are ended.
const ABORT_MAX: Duration = Duration::from_secs(5);
const ABORT_PAUSE: Duration = Duration::from_millis(2);

/// The running threads and tasks.
pub(super) struct Background {
    upkeep: Arc<Upkeep>,
    maintenance: Maintenance,
    tasks: Vec<JoinHandle<()>>,
}

impl Background {
    /// Starts them. `entry` is how the node presents itself from now on.
    pub(super) fn start(
        ground: &Ground,
        serving: &Serving,
        settings: &Settings,
        entry: NodeEntry,
    ) -> Result<Self, OpenError> {
        let upkeep = Arc::new(Upkeep {
            engine: ground.engine.clone(),
            catalog: ground.catalog.clone(),
            replicas: serving.replicas.clone(),
            disks: ground.disks.clone(),
            space: ground.space.clone(),
            drain: serving.drain.clone(),
        });
        // Threads first: where one cannot be started, no task is left running behind the error.
        let scrub = Scrub {
            replicas: serving.replicas.clone(),
            progress: serving.reporter.scrub.clone(),
            settings: settings.scrub,
            was_clean: ground.disks.data_dir.was_clean(),
        };
        let maintenance = Maintenance::start(&upkeep, settings.flush_interval, scrub)?;
        let reconciler = Reconciler {
            me: ground.me,
            engine: ground.engine.clone(),
            catalog: ground.catalog.clone(),
            coordinator: serving.coordinator.clone(),
            leaders: serving.leaders.clone(),
            reporter: serving.reporter.clone(),
            liveness: serving.liveness.clone(),
            lost_after: settings.lost_after,
        };
        let comparison = Comparison {
            reporter: serving.reporter.clone(),
            replicas: serving.replicas.clone(),
            interval: settings.compare_interval,
        };
        let (catalog, coordinator) = (ground.catalog.clone(), serving.coordinator.clone());
        let announcing = admission::announce(ground.me, catalog, coordinator, entry);
        let following = serving.catalog_sync.clone().run(serving.coordinator.clone());
        let only_following = Following {
            me: ground.me,
            engine: ground.engine.clone(),
            catalog: ground.catalog.clone(),
            coordinator: serving.coordinator.clone(),
            drain: serving.drain.clone(),
        };
        let introducing = Introducing {
            reception: ground.reception.clone(),
            seeds: settings.node.seeds.clone().unwrap_or_default(),
            own: settings.node.address.parse().into_iter().collect(),
        };
        let tasks = vec![
            tokio::spawn(introducing.run()),
            tokio::spawn(following),
            tokio::spawn(serving.liveness.clone().run()),
            tokio::spawn(serving.standing.clone().run()),
            tokio::spawn(reconciler.run()),
            tokio::spawn(rebalancer(ground, serving, settings.lost_after).run()),
            tokio::spawn(only_following.run()),
            tokio::spawn(comparison.run()),
            tokio::spawn(refill(ground, serving).run()),
            tokio::spawn(announcing),
        ];
        Ok(Self { upkeep, maintenance, tasks })
    }

    /// Ends them. Blocks.
    pub(super) fn stop(&self) {
        // Wherever they are: the next start derives anew what is left to do.
        self.tasks.iter().for_each(JoinHandle::abort);
        // What they hold is let go when they have ended, and not before.
        let until = Instant::now() + ABORT_MAX;
        while !self.tasks.iter().all(JoinHandle::is_finished) && Instant::now() < until {
            pause(ABORT_PAUSE);
        }
        self.maintenance.stop();
    }

    /// Makes everything durable that was applied, and says on the disk that it is.
    ///
    /// # Errors
    /// Of the disk; the next start then reads the logs again.
    pub(super) fn sync_last(&self) -> Result<(), vane_storage::Error> {
        // With nothing remembered, so that no log passes for one that was dealt with already.
        self.upkeep.sync_once(&mut Truncated::default())?;
        // Only after the sync: without this note the next start reads all files once, and soon.
        self.upkeep.disks.data_dir.mark_clean()
    }
}

fn rebalancer(ground: &Ground, serving: &Serving, lost_after: Duration) -> Rebalancer {
    Rebalancer {
        engine: ground.engine.clone(),
        coordinator: serving.coordinator.clone(),
        leaders: serving.leaders.clone(),
        balancing: serving.balancing.clone(),
        lost_after,
    }
}

fn refill(ground: &Ground, serving: &Serving) -> Refill<NodeShards> {
    Refill {
        catalog: ground.catalog.clone(),
        coordinator: serving.coordinator.clone(),
        replicas: serving.replicas.clone(),
        reporter: serving.reporter.clone(),
        drain: serving.drain.clone(),
    }
}
