//! Requests that this node serves: the real [`Coordinator`], its futures polled one after the
//! other on the one thread that there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use vane_catalog::{Catalog, MetaCommand, proves_removal};
use vane_coordinator::{ConfigChange, Coordinator, Layout, RequestOptions, Shards};
use vane_raft::StateMachine;
use vane_transport::reads::{Basis, MembersOf};
use vane_transport::{Freshness, Outcome};
use vane_types::{Error, ErrorKind, GroupId, LogIndex, PeerId};

use super::Process;
use super::find::find;
use super::reach::{Reach, Want, Wish};
use crate::env::Env;
use crate::event::{Answer, Asked, Body, Event, Looked, Step, What};
use crate::history::{Found, Kind, LeaderAnswer, ReadOf, Told, Wanted};
use crate::machine;
use crate::queue::{TICK, Time};

/// Time for a change of the catalog that nobody waits at a keyboard for.
pub(crate) const CHANGE_MAX: Time = 100 * TICK;
/// Time to tell shards of their vectors, as the real node's.
const TELL_MAX: Time = 20 * TICK;
/// Time for a leader to say what its group's members are, and the pause after which it is asked
/// again, as the real node's.
const ASK_MAX: Time = 40 * TICK;
const ASK_PAUSE: Duration = Duration::from_secs(1);

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A client's, by its number in the history.
    Client(usize),
    /// A step of the founding.
    Founding,
    /// An administrator's change.
    Administrator,
    /// The making or the deletion of a collection, by the number of its life.
    Life(usize),
    /// A vector's coming or going, by the number of its collection's life and its name.
    Names(usize, &'static str),
    /// What shards are told of their vectors.
    Telling,
    /// What the node says of its own start.
    Announcement,
    /// The reconciler's record of a shard's members, by the number of its step.
    Record(u64),
    /// The reconciler's question whether its catalog is new, by the number of its look.
    Look(u64),
    /// A question about a replica that the catalog does not name.
    Stray(GroupId, PeerId),
}

/// A call of a future to a node, or its sleep.
struct Call {
    task: u64,
    /// What was asked of a group; nothing of a sleep.
    asked: Option<(GroupId, What)>,
    done: oneshot::Sender<Option<Answer>>,
}

/// Requests on their way.
pub(super) struct Requests {
    pub(super) coordinator: Arc<Coordinator<Reach>>,
    tasks: FuturesUnordered<LocalBoxFuture<'static, (u64, Told)>>,
    owners: BTreeMap<u64, Owner>,
    calls: BTreeMap<u64, Call>,
    last: u64,
}

impl Requests {
    pub(super) fn new(reach: Reach, catalog: Arc<Catalog>, session: u64) -> Self {
        Self {
            coordinator: Arc::new(Coordinator::new(reach, catalog, session)),
            tasks: FuturesUnordered::new(),
            owners: BTreeMap::new(),
            calls: BTreeMap::new(),
            last: 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Takes a future in; it is polled when the event is over.
    fn add(&mut self, owner: Owner, future: impl Future<Output = Told> + 'static) {
        let task = self.number();
        self.owners.insert(task, owner);
        // Each poll says first whose it is: a wish has to be put to somebody's account.
        let (reach, mut future) = (self.coordinator.shards().clone(), Box::pin(future));
        self.tasks.push(Box::pin(async move {
            let told = std::future::poll_fn(|context| {
                reach.enter(task);
                future.as_mut().poll(context)
            });
            (task, told.await)
        }));
    }
}

impl Process {
    /// A client's request comes in.
    pub(crate) fn ask(&mut self, env: &mut Env, number: usize) {
        let patience = env.random.within(&env.swarm.load.deadline);
        let deadline = env.now() + patience;
        let (moment, request) = (env.queue.count(), &env.history.requests[number]);
        let (name, kind) = (request.collection.clone(), request.kind.clone());
        match name {
            None => {
                env.history.begin(number, None, moment);
                self.ask_catalog(env, number, kind, deadline);
            }
            Some(name) => {
                let entry = self.catalog.read(|state| state.collections.get(&name).cloned());
                if let Some(entry) = &entry {
                    env.history.begin(number, Some(entry), moment);
                }
                self.ask_collection(env, number, &name, kind, deadline);
            }
        }
        self.run_tasks(env);
    }

    fn ask_collection(&mut self, env: &mut Env, number: usize, name: &str, kind: Kind, by: Time) {
        let coordinator = self.coordinator();
        let (collection, deadline) = (coordinator.known_collection(name), env.instant(by));
        let options = |freshness| RequestOptions { freshness, ..RequestOptions::new(deadline) };
        let owner = Owner::Client(number);
        match (collection, kind) {
            (None, _) => {
                let name = name.to_owned();
                self.requests.add(owner, async move {
                    // Nothing is asked of one that is found only now: of which groups it is, was
                    // not known when the request began.
                    let found = coordinator.collection(&name, deadline).await;
                    let late = || Err(Error::unavailable("it was made meanwhile"));
                    Told::Changed(found.map(drop).and_then(|()| late()))
                });
            }
            (Some(collection), Kind::Write(write)) => {
                let write = machine::shard_write(&write, collection.config());
                let options = options(Freshness::Leader);
                self.requests.add(owner, async move {
                    let collection = collection.of_all_tenants();
                    Told::Changed(collection.write(write, options).await.map(drop))
                });
            }
            (Some(collection), Kind::Read { of, linearizable }) => {
                let freshness =
                    if linearizable { Freshness::Linearizable } else { Freshness::Leader };
                let options = options(freshness);
                self.requests.add(owner, async move {
                    let found = find(&collection, of, options).await;
                    Told::Found(found.map(|found| (found, None)))
                });
            }
        }
    }

    /// The zone of a node, as a register.
    fn ask_catalog(&mut self, env: &mut Env, number: usize, kind: Kind, by: Time) {
        let coordinator = self.coordinator();
        let deadline = env.instant(by);
        match kind {
            Kind::Write(write) => {
                self.change(env, Owner::Client(number), machine::set_zone(&write), by);
            }
            Kind::Read { of, .. } => self.requests.add(Owner::Client(number), async move {
                // How far the catalog is at its leader, and then what this node's says.
                let freshness = Freshness::Linearizable;
                let index = coordinator.read(GroupId::META, Basis, freshness, deadline).await;
                let index = match index {
                    Ok((index, _)) => index,
                    Err(error) => return Told::Found(Err(error)),
                };
                Told::Found(match coordinator.shards().catalog_at(index, deadline).await {
                    Ok(()) => read_zone(coordinator.catalog(), of),
                    Err(error) => Err(error),
                })
            }),
        }
    }

    /// Has the catalog changed.
    pub(crate) fn change(&mut self, env: &Env, owner: Owner, command: MetaCommand, by: Time) {
        let (coordinator, by) = (self.coordinator(), env.instant(by));
        self.requests.add(owner, async move {
            Told::Changed(match owner {
                // The reconciler looks again anyway, whatever this node has applied by then.
                Owner::Record(_) => coordinator.propose_meta(command, by).await.map(drop),
                _ => coordinator.change(command, by).await,
            })
        });
    }

    /// Brings the catalog here up to date.
    pub(super) fn catch_up(&mut self, owner: Owner, by: Time, env: &Env) {
        let (coordinator, by) = (self.coordinator(), env.instant(by));
        self.requests
            .add(owner, async move { Told::Changed(coordinator.catch_up(by).await.map(drop)) });
    }

    /// Asks the leader of a group whether a replica here is still one of its members; told is
    /// that it is not.
    pub(super) fn ask_members(&mut self, env: &Env, group: GroupId, peer: PeerId) {
        let (coordinator, by) = (self.coordinator(), env.instant(env.now() + ASK_MAX));
        self.requests.add(Owner::Stray(group, peer), async move {
            let freshness = Freshness::Linearizable;
            let members = coordinator.read(group, MembersOf, freshness, by).await;
            if members.is_ok_and(|(conf, _)| proves_removal(&conf, peer)) {
                return Told::Changed(Ok(()));
            }
            coordinator.shards().sleep(ASK_PAUSE).await;
            Told::Changed(Err(Error::unavailable("it may still be a member")))
        });
    }

    pub(crate) fn create_collection(
        &mut self,
        owner: Owner,
        name: String,
        key: String,
        (layout, by_tenant): (Layout, bool),
        timeout: Duration,
    ) {
        let (coordinator, config) = (self.coordinator(), machine::collection_config(by_tenant));
        self.requests.add(owner, async move {
            Told::Changed(coordinator.create_collection(&name, config, layout, &key, timeout).await)
        });
    }

    pub(crate) fn delete_collection(
        &mut self,
        owner: Owner,
        name: String,
        key: String,
        timeout: Duration,
    ) {
        let coordinator = self.coordinator();
        self.requests.add(owner, async move {
            Told::Changed(coordinator.delete_collection(&name, &key, timeout).await.map(drop))
        });
    }

    /// Changes a collection's vectors, or parameters.
    pub(crate) fn change_config(
        &mut self,
        owner: Owner,
        collection: String,
        wanted: Wanted,
        timeout: Duration,
    ) {
        let coordinator = self.coordinator();
        self.requests.add(owner, async move {
            Told::Changed(match wanted {
                Wanted::Add(name, vector) => {
                    let name = name.to_owned();
                    coordinator.add_vector(&collection, name, vector, timeout).await.map(drop)
                }
                Wanted::Remove(name) => {
                    let name = name.to_owned();
                    coordinator.remove_vector(&collection, name, None, timeout).await.map(drop)
                }
                Wanted::Tune => {
                    let change = ConfigChange::default();
                    coordinator.update_collection(&collection, change, None, timeout).await
                }
            })
        });
    }

    /// Tells shards of vectors that came and went, where whoever changed them did not come to it.
    pub(super) fn tell_vectors(&mut self, env: &Env, due: Vec<String>) {
        let (coordinator, by) = (self.coordinator(), env.instant(env.now() + TELL_MAX));
        self.requests.add(Owner::Telling, async move {
            Told::Changed(coordinator.finish_vectors(due, by).await)
        });
    }

    pub(super) fn coordinator(&self) -> Arc<Coordinator<Reach>> {
        Arc::clone(&self.requests.coordinator)
    }

    /// Polls what has something new, carries out what it wants, and answers whoever can be.
    pub(crate) fn run_tasks(&mut self, env: &mut Env) {
        loop {
            // Nobody is to be woken: what can go on is polled again after each event.
            let mut context = Context::from_waker(Waker::noop());
            let polled = self.requests.tasks.poll_next_unpin(&mut context);
            for wish in self.requests.coordinator.shards().take_wishes() {
                self.carry_out_wish(env, wish);
            }
            match polled {
                Poll::Ready(Some((task, told))) => self.over(env, task, &told),
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
    }

    fn carry_out_wish(&mut self, env: &mut Env, Wish { task, want, done }: Wish) {
        let number = self.requests.number();
        let (time, asked) = match want {
            Want::Sleep(time) => (time.as_micros() as Time, None),
            Want::Call { node, group, what, deadline } => {
                self.note_name(env, task, group, &what);
                let (now, patience) = (env.now(), env.random.within(&env.swarm.load.patience));
                // A connection is given up before the request is, or no other node would be asked.
                let until = env.queue.clock().time(deadline).clamp(now, now + patience);
                let asked = Asked { node: self.id.0, process: self.id.1, call: number };
                env.send(self.id.0, node, Body::Ask { asked, group, what: what.clone() });
                (until - now, Some((group, what)))
            }
        };
        self.requests.calls.insert(number, Call { task, asked, done });
        env.step(time, self.id, Step::Due(number));
    }

    /// A client's command goes to a group, under its name.
    fn note_name(&self, env: &mut Env, task: u64, group: GroupId, what: &What) {
        let (Some(Owner::Client(number)), What::Propose(proposal)) =
            (self.requests.owners.get(&task), what)
        else {
            return;
        };
        let named = machine::request_of(group, &proposal.command);
        let named = named.map(|id| (id.session, id.sequence));
        let wrong = match env.history.part(*number, group) {
            None => "has no part in",
            // Of one request every group gets one command, however often it is sent.
            Some(part) if part.named.is_some() && part.named != named => "sends two commands to",
            Some(part) => return part.named = named,
        };
        env.checks.fail(|| format!("request {number} {wrong} group {group}"));
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, env: &mut Env, asked: Asked, answer: Answer) {
        if asked.process != self.id.1 {
            return;
        }
        // Too late: its time was over, or a copy was here before.
        let Some(call) = self.requests.calls.remove(&asked.call) else { return };
        // Given up meanwhile, because another node leads: nobody is told.
        if call.done.is_canceled() {
            return;
        }
        self.take_down(env, &call, &answer);
        let _gone = call.done.send(Some(answer));
    }

    /// Keeps for the checks what a leader answered to a client's request.
    fn take_down(&self, env: &mut Env, call: &Call, answer: &Answer) {
        let (Some(Owner::Client(number)), Some((group, what))) =
            (self.requests.owners.get(&call.task), &call.asked)
        else {
            return;
        };
        let Some(part) = env.history.part(*number, *group) else { return };
        match (what, answer) {
            (What::Read { read, .. }, Answer::Read(Ok(looked), office)) => {
                let Looked { exact: index, at_leader, .. } = looked;
                part.resolved =
                    read.resolved().map(|found| (*index, found)).or(part.resolved.take());
                if !part.is_write() {
                    // The first read makes the view that later ones fetch from.
                    let (index, office) = (*index, *office);
                    let (is_refused, at_leader) = (false, *at_leader);
                    let answer = LeaderAnswer { index, office, is_refused, at_leader };
                    part.answer.get_or_insert(answer);
                }
            }
            (What::Propose(_), Answer::Proposed(outcome, office, index)) => {
                let is_refused = matches!(outcome, Outcome::Refused(_));
                if is_refused || matches!(outcome, Outcome::Applied(_)) {
                    let (index, office) = (*index, *office);
                    let at_leader = true;
                    part.answer = Some(LeaderAnswer { index, office, is_refused, at_leader });
                }
            }
            _ => {}
        }
    }

    /// A sleep is over, or nobody answered in time.
    pub(super) fn due(&mut self, number: u64) {
        if let Some(call) = self.requests.calls.remove(&number) {
            // A future that is gone waits for nothing.
            let _gone = call.done.send(None);
        }
    }

    /// A request has come to its end.
    fn over(&mut self, env: &mut Env, task: u64, told: &Told) {
        let Some(owner) = self.requests.owners.remove(&task) else { return };
        if let Told::Changed(Err(error)) | Told::Found(Err(error)) = told
            // Whatever the network does, no request may come to a defect.
            && error.kind == ErrorKind::Internal
        {
            env.checks.fail(|| format!("{owner:?} fails: {error}"));
        }
        match owner {
            Owner::Client(number) => {
                let moment = env.queue.count();
                if let Err(wrong) = env.history.end(number, told, moment) {
                    env.checks.fail(|| format!("request {number} {wrong}"));
                }
                let client = env.history.requests[number].client;
                env.queue.after(0, Event::Client(client));
            }
            Owner::Founding => env.queue.after(TICK, Event::Found),
            Owner::Administrator => {
                // An administrator who is refused looks again, and decides anew some time.
                let is_taken = matches!(told, Told::Changed(Ok(())));
                env.note("administered", &[("taken", is_taken.into())]);
            }
            Owner::Life(number) => env.lives.told(number, told),
            Owner::Names(life, name) => {
                let Told::Changed(told) = told else { return };
                if let Some((collection, vector)) = env.names.told((life, name), told) {
                    env.note("vector replaced", &[("node", self.id.0.0)]);
                    let (wanted, timeout) = (Wanted::Add(name, vector), CHANGE_MAX);
                    let timeout = Duration::from_micros(timeout);
                    self.change_config(owner, collection, wanted, timeout);
                }
            }
            Owner::Telling => self.reconciler.told(),
            Owner::Announcement => {}
            Owner::Record(number) => self.step_over(number),
            Owner::Look(number) => {
                self.confirmed(env, number, matches!(told, Told::Changed(Ok(()))));
            }
            Owner::Stray(group, peer) => {
                let is_removed = matches!(told, Told::Changed(Ok(())));
                self.heard_of_stray(env, group, peer, is_removed);
            }
        }
    }
}

fn read_zone(catalog: &Catalog, of: ReadOf) -> Result<(Found, Option<LogIndex>), Error> {
    let ReadOf::Point(node) = of else { return Err(Error::internal("the catalog has nodes")) };
    let number = catalog.read(|state| machine::number_of_zone(state, node));
    let number = number.map_err(Error::internal)?;
    let numbers: Vec<(u64, u64)> = number.map(|number| (node, number)).into_iter().collect();
    Ok((Found { count: numbers.len(), numbers }, Some(catalog.applied())))
}
