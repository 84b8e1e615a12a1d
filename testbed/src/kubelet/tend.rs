//! Tends one pod after another of the same name: bind, start, ask, report, end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use vane_up::pod::{Plan, claims};
use vane_up::probe::is_ready;

use super::seat::{Seat, Seen};
use super::status::{self, now};
use super::{Image, Shared, machines, resolve, volumes};
use crate::error::Error;

/// Pause between two looks at a pod.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Tends the pods of a name until the channel ends.
pub(super) async fn run(
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    mut pods: watch::Receiver<Option<Arc<Pod>>>,
) {
    let mut tended: Option<Tended> = None;
    let mut last_error = String::new();
    loop {
        // Marked as seen, so that only a change after this one ends the pause below.
        let pod = pods.borrow_and_update().clone();
        let uid = pod.as_ref().and_then(|pod| pod.uid());
        if let Some(old) = tended.take_if(|old| Some(&old.uid) != uid.as_ref()) {
            // It was taken away by force, or it is a new one already.
            old.end(&seat).await;
        }
        if let Some(pod) = pod {
            let current = tended.get_or_insert_with(|| Tended::new(&seat, &pod));
            match current.look(&shared, &seat, &pod).await {
                Ok(()) => last_error.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if error != last_error {
                        tracing::warn!(
                            pod = seat.name,
                            error,
                            "the pod does not get on; tried again"
                        );
                    }
                    last_error = error;
                }
            }
        } else if pods.changed().await.is_err() {
            return;
        }
        // A change ends the pause early; an error is a kubelet that was dropped.
        if let Ok(Err(_)) = timeout(LOOK_PAUSE, pods.changed()).await {
            return;
        }
    }
}

/// What is known of a pod.
pub(super) struct Tended {
    uid: String,
    bound: bool,
    /// The process that it comes to and its claims, once they are known.
    pub(super) plan: Option<(Plan, Vec<String>)>,
    pub(super) seen: Option<Seen>,
    pub(super) ready: bool,
    failures: u32,
    /// There is no such image.
    pub(super) lacks_image: bool,
    /// When the pod came.
    pub(super) since: String,
    /// When the process started.
    pub(super) running_since: String,
    /// When it became ready, or stopped being so.
    pub(super) ready_since: String,
    reported: Value,
    deleted: bool,
}

impl Tended {
    fn new(seat: &Seat, pod: &Pod) -> Self {
        seat.sit();
        let since = now();
        Self {
            uid: pod.uid().unwrap_or_default(),
            bound: false,
            plan: None,
            seen: None,
            ready: false,
            failures: 0,
            lacks_image: false,
            running_since: since.clone(),
            ready_since: since.clone(),
            since,
            reported: Value::Null,
            deleted: false,
        }
    }

    /// One look at the pod and its process.
    async fn look(&mut self, shared: &Shared, seat: &Seat, pod: &Pod) -> Result<(), Error> {
        let namespace = pod.namespace().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &namespace);
        let machine = pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
        if machine.is_some_and(|machine| shared.lost.lock().contains(machine)) {
            // With its machine: nobody is left who could say how it is, or let it go.
            seat.kill(false);
            return Ok(());
        }
        if pod.metadata.deletion_timestamp.is_some() {
            return self.delete(seat, &pods).await;
        }
        // A pod that was seen by an earlier kubelet has its machine.
        if !self.bound && machine.is_none() && !self.schedule(shared, seat, pod).await? {
            let status = status::unscheduled(&self.since);
            return self.say(seat, &pods, status).await;
        }
        self.bound = true;
        if self.plan.is_none() {
            match resolve::resolve(shared, seat, pod).await {
                Ok(plan) => self.plan = Some(plan),
                Err(error) => {
                    self.report(seat, &pods, &error.to_string()).await?;
                    return Err(error);
                }
            }
        }
        let started = self.run_process(shared, seat).await;
        let waiting = started
            .as_ref()
            .err()
            .map_or_else(|| "the process ended".to_owned(), ToString::to_string);
        self.report(seat, &pods, &waiting).await?;
        started
    }

    /// Gives the pod a machine, as a scheduler does; whether there is one for it.
    async fn schedule(&self, shared: &Shared, seat: &Seat, pod: &Pod) -> Result<bool, Error> {
        let (client, namespace) = (&shared.client, pod.namespace().unwrap_or_default());
        let (mut bound_to, mut new) = (None, Vec::new());
        if shared.options.local_volumes {
            for name in claims(pod) {
                let claim: Option<PersistentVolumeClaim> = shared.read(&namespace, &name).await?;
                let is_there =
                    |claim: &PersistentVolumeClaim| claim.metadata.deletion_timestamp.is_none();
                let Some(claim) = claim.filter(is_there) else { return Ok(false) };
                match volumes::machine(client, &claim).await? {
                    Some(machine) => bound_to = Some(machine),
                    None => new.push(claim),
                }
            }
        }
        let chosen = machines::choose(client, &seat.name, bound_to.as_deref()).await?;
        let Some(machine) = chosen else { return Ok(false) };
        for claim in new {
            volumes::make(client, &claim, &machine).await?;
        }
        machines::bind(client, &namespace, &seat.name, &self.uid, &machine).await?;
        Ok(true)
    }

    async fn run_process(&mut self, shared: &Shared, seat: &Seat) -> Result<(), Error> {
        let Some((plan, claims)) = &self.plan else { return Ok(()) };
        let before = self.seen;
        let binary = match shared.options.images.get(&plan.image) {
            None => &shared.options.binary,
            Some(Image::Program(program)) => program,
            Some(Image::Missing) => {
                self.lacks_image = true;
                return Ok(());
            }
        };
        let seen = seat.keep_running(binary, plan, claims, shared.group.id())?;
        self.seen = Some(seen);
        let is_new = before.is_none_or(|before| before.starts != seen.starts);
        if is_new {
            self.running_since = now();
        }
        let ready = match &plan.readiness {
            // What answers at the address could still be the process before.
            _ if !seen.running || is_new => false,
            None => true,
            Some(readiness) => {
                let answered = is_ready(seat.address, readiness).await;
                self.failures = if answered { 0 } else { self.failures.saturating_add(1) };
                answered || (self.ready && self.failures < readiness.failures)
            }
        };
        if ready != self.ready {
            (self.ready, self.ready_since) = (ready, now());
        }
        Ok(())
    }

    /// Says how it is, where that is news: a pod that goes on as it is changes no object.
    async fn report(&mut self, seat: &Seat, pods: &Api<Pod>, waiting: &str) -> Result<(), Error> {
        let status = status::patch(seat, self, waiting);
        self.say(seat, pods, status).await
    }

    async fn say(&mut self, seat: &Seat, pods: &Api<Pod>, status: Value) -> Result<(), Error> {
        if status == self.reported {
            return Ok(());
        }
        // Not the status of the next pod of this name.
        let mut patch = status.clone();
        patch["metadata"] = serde_json::json!({"uid": self.uid});
        let patched =
            pods.patch_status(&seat.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map_err(Error::api(format!("report on pod {}", seat.name)))?;
        self.reported = status;
        Ok(())
    }

    /// The pod is to go: its process first.
    async fn delete(&mut self, seat: &Seat, pods: &Api<Pod>) -> Result<(), Error> {
        if self.deleted {
            return Ok(());
        }
        self.end(seat).await;
        // The controller may have made the next pod of this name already.
        let preconditions = Preconditions { uid: Some(self.uid.clone()), resource_version: None };
        let how = DeleteParams {
            preconditions: Some(preconditions),
            // Its process has ended: nothing is left to wait for.
            ..DeleteParams::default().grace_period(0)
        };
        match pods.delete(&seat.name, &how).await {
            // Conflict: there is another one of that name by now.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            outcome => drop(outcome.map_err(Error::api(format!("let pod {} go", seat.name)))?),
        }
        self.deleted = true;
        Ok(())
    }

    /// SIGTERM, some time, SIGKILL.
    async fn end(&self, seat: &Seat) {
        let grace = Duration::from_secs(self.plan.as_ref().map_or(0, |(plan, _)| plan.grace_s));
        seat.with_process(|process| process.terminate());
        let end = Instant::now() + grace;
        while !seat.is_down() && Instant::now() < end {
            sleep(LOOK_PAUSE).await;
        }
        seat.kill(false);
    }
}
