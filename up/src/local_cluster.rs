//! A local cluster: what there is, and the steps of its plan as processes.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use futures_util::future::join_all;
use kube::ResourceExt;
use vane_crds::VectorCluster;
use vane_operator::cluster::build;
use vane_operator::cluster::observed::{self, Observed};
use vane_operator::cluster::plan::Step;
use vane_operator::cluster::recipe;
use vane_operator::cluster::validate::{ValidatedCluster, validate};
use vane_operator::database::{Admin, Channels, Disk, PodState, admin, disks};
use vane_operator::names::{self, PEER_PORT};
use vane_proto::admin::BootstrapRequest;

use crate::addresses::address;
use crate::error::Error;
use crate::listener;
use crate::pod::{self, Place, Plan, Sources};
use crate::probe::is_ready;
use crate::process::Process;
use crate::set::pod_of;
use crate::state::{Folder, Running};

/// A local cluster that is being brought up.
pub(crate) struct LocalCluster {
    pub(crate) folder: Folder,
    cluster: ValidatedCluster,
    binary: PathBuf,
    /// Those that this command started.
    started: BTreeMap<i32, Process>,
    /// Connections to them.
    channels: Channels,
}

impl LocalCluster {
    pub(crate) fn new(
        folder: Folder,
        mut cluster: VectorCluster,
        binary: PathBuf,
    ) -> Result<Self, Error> {
        // What an API server would give it.
        cluster.metadata.uid = Some(folder.state.uid.to_string());
        cluster.metadata.namespace.get_or_insert_with(|| "default".to_owned());
        let cluster = validate(&cluster)
            .map_err(|error| Error::cluster(&folder.state.name, error.to_string()))?;
        Ok(Self {
            folder,
            cluster,
            binary,
            started: BTreeMap::new(),
            channels: Channels::default(),
        })
    }

    pub(crate) fn cluster(&self) -> &ValidatedCluster {
        &self.cluster
    }

    /// What the disks, processes and folders of the nodes say, as the operator's plan takes it.
    pub(crate) async fn observe(&self) -> Observed {
        let state = &self.folder.state;
        let peers: BTreeMap<i32, String> = self
            .addresses()
            .into_iter()
            .map(|(ordinal, address)| (ordinal, format!("{address}:{PEER_PORT}")))
            .collect();
        let mut found = disks(&self.channels, Some(&state.token), &peers).await;
        let ready = self.ready().await;
        let mut pod = |ordinal: i32| observed::Pod {
            name: names::pod(&state.name, ordinal),
            ready: ready.contains(&ordinal),
            zone: None,
            state: PodState::default(),
            disk: found
                .remove(&ordinal)
                // Never taken for empty: a database is founded by these answers.
                .unwrap_or_else(|| Disk::Unreachable("not asked yet".into())),
        };
        let pods = peers.keys().map(|ordinal| (*ordinal, pod(*ordinal))).collect();
        Observed {
            // Of a folder, which is nobody else's.
            set: state.replicas.map(|replicas| observed::Set {
                replicas,
                owned: true,
                // Without a recipe: nodes are ended and started again by hand.
                ..observed::Set::default()
            }),
            highest_claim: self.highest_claim(),
            pods,
            founded: state.founded,
            ..Observed::default()
        }
    }

    /// Ordinals of the nodes that are ready.
    pub(crate) async fn ready(&self) -> Vec<i32> {
        let ask = |(ordinal, plan, address): (i32, Plan, Ipv4Addr)| async move {
            match &plan.readiness {
                Some(readiness) => is_ready(address, readiness).await.then_some(ordinal),
                None => Some(ordinal),
            }
        };
        let plans = self
            .addresses()
            .into_iter()
            .filter_map(|(ordinal, address)| Some((ordinal, self.plan(ordinal).ok()?, address)));
        join_all(plans.map(ask)).await.into_iter().flatten().collect()
    }

    /// Carries out one step.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::CreateSet(replicas) | Step::ScaleOut(replicas) => {
                self.folder.state.replicas = Some(*replicas);
                self.folder.save()
            }
            Step::Bootstrap(id) => {
                let request = BootstrapRequest { cluster_id: id.to_string() };
                let done = self.admin(0)?.bootstrap(request).await;
                done.map(drop)
                    .map_err(|e| self.failed(format!("failed to {step}: {}", e.message())))
            }
            // There are no zones on one machine; the token and the set are the folder's, and it
            // has no recipes.
            _ => Ok(()),
        }
    }

    /// Remembers that there was a database: empty disks are a loss from now on.
    pub(crate) fn founded(&mut self) -> Result<(), Error> {
        if self.folder.state.founded {
            return Ok(());
        }
        self.folder.state.founded = true;
        self.folder.save()
    }

    /// Starts what does not run. What this command started must not end.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        for (ordinal, process) in &mut self.started {
            if let Some(code) = process.ended() {
                let name = names::pod(&self.folder.state.name, *ordinal);
                let log = self.folder.path.join(format!("{name}.log"));
                let what = match process.output_tail() {
                    said if said.is_empty() => {
                        format!("node {name} ended with exit code {code} and said nothing")
                    }
                    said => format!(
                        "node {name} ended with exit code {code}; its last words, of {}:\n{said}",
                        log.display()
                    ),
                };
                return Err(Error::cluster(&self.folder.state.name, what));
            }
        }
        for (ordinal, address) in self.addresses() {
            if self.folder.state.processes.get(&ordinal).is_some_and(Running::is_there) {
                continue;
            }
            // Before the start: the node would say it in its log only, and not who has the port.
            listener::check(address).map_err(|why| {
                self.failed(format!(
                    "{} was not started: {why}",
                    names::pod(&self.folder.state.name, ordinal)
                ))
            })?;
            let plan = self.plan(ordinal)?;
            let log = self.folder.path.join(format!("{}.log", plan.name));
            let process = plan.start(&self.binary, &log, 0)?;
            // Noted at once: a process that nobody noted would go on for ever.
            self.folder.state.processes.insert(ordinal, Running::of(process.id()));
            self.folder.state.template = Some(recipe::of_spec(&self.cluster));
            self.folder.save()?;
            self.started.insert(ordinal, process);
        }
        Ok(())
    }

    /// The admin interface of a node.
    pub(crate) fn admin(&self, ordinal: i32) -> Result<Admin, Error> {
        let address = address(self.folder.state.block, ordinal).unwrap_or(Ipv4Addr::LOCALHOST);
        admin(&self.channels, &format!("{address}:{PEER_PORT}"), &self.folder.state.token)
            .map_err(|e| self.failed(e.to_string()))
    }

    /// Why the nodes cannot be as the file has them now. Those that do not run can be made from
    /// anything.
    pub(crate) fn other_nodes(&self) -> Option<Error> {
        let template = self.folder.state.template.as_ref().filter(|_| self.folder.state.runs())?;
        let name = &self.folder.state.name;
        (*template != recipe::of_spec(&self.cluster)).then(|| {
            self.failed(format!(
                "version, image, resources, placement and settings of nodes that run cannot be \
                 changed: they go on as they are; set the file back, or end the nodes \
                 (`vane down --name {name}`) and run this again"
            ))
        })
    }

    /// Why there cannot be fewer nodes: taking one away is the operator's, which moves copies.
    pub(crate) fn fewer_nodes(&self) -> Option<Error> {
        let (wanted, there) = (self.cluster.spec.nodes, self.folder.state.replicas?);
        (wanted < there).then(|| {
            self.failed(format!(
                "nodes of a local cluster cannot be taken away: there are {there}, and the file \
                 asks for {wanted}; put the old number back"
            ))
        })
    }

    pub(crate) fn failed(&self, what: impl Into<String>) -> Error {
        Error::cluster(&self.folder.state.name, what)
    }

    /// Addresses of all nodes that there should be, by ordinal.
    pub(crate) fn addresses(&self) -> BTreeMap<i32, Ipv4Addr> {
        let state = &self.folder.state;
        (0..state.replicas.unwrap_or_default())
            .filter_map(|ordinal| Some((ordinal, address(state.block, ordinal)?)))
            .collect()
    }

    fn plan(&self, ordinal: i32) -> Result<Plan, Error> {
        let (cluster, state) = (&self.cluster, &self.folder.state);
        let addresses = self.addresses();
        let set = build::stateful_set(cluster, state.replicas.unwrap_or_default());
        let sources = Sources {
            config_maps: [build::settings(cluster)].map(|map| (map.name_any(), map)).into(),
            secrets: [build::secret(cluster, &state.token)]
                .map(|secret| (secret.name_any(), secret))
                .into(),
        };
        let place = Place {
            dir: self.folder.path.clone(),
            address: addresses.get(&ordinal).copied().unwrap_or(Ipv4Addr::LOCALHOST),
            neighbours: addresses
                .into_iter()
                .map(|(ordinal, address)| (names::pod(&state.name, ordinal), address))
                .collect(),
        };
        pod::plan(&pod_of(&set, ordinal), &sources, &place)
    }

    fn highest_claim(&self) -> Option<i32> {
        let entries = fs::read_dir(&self.folder.path).into_iter().flatten().flatten();
        let ordinal = |entry: fs::DirEntry| {
            names::claim_ordinal(&self.folder.state.name, entry.file_name().to_str()?)
        };
        entries.filter_map(ordinal).max()
    }
}
