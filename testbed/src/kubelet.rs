//! Plays the kubelet and the scheduler for pods of VectorClusters, on a real API server.
//!
//! Each pod gets a place among three machines in three zones, a loopback address and a
//! process; its status says how the process is. Machines that are cordoned take none, and one can
//! be lost. A claim's data is kept in a folder, for the next pod of that name. It ends all of its
//! processes with itself, even when killed. Unlike a real one it looks at readiness alone, and
//! often: hooks, liveness and resources are not for a test of seconds.

mod controls;
mod machines;
mod resolve;
mod seat;
mod status;
mod tend;
mod volumes;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use vane_up::addresses::Blocks;

use crate::error::Error;
use crate::group::Group;
use seat::Seat;

pub use controls::PodControls;
pub use machines::{ZONE_LABEL, ZONES};

/// What an image is.
#[derive(Debug, Clone)]
pub enum Image {
    /// This program, in place of the node binary.
    Program(PathBuf),
    /// Nowhere to be had.
    Missing,
}

/// What to run, and whose.
#[derive(Debug, Clone)]
pub struct Options {
    /// The node binary.
    pub binary: PathBuf,
    /// Images that are something else, by their whole names.
    pub images: BTreeMap<String, Image>,
    /// Folder for everything: `<namespace>/<claim>` for data, `<namespace>/<pod>.log` for logs.
    pub dir: PathBuf,
    /// Only pods of this namespace.
    pub namespace: Option<String>,
    /// Only pods of this VectorCluster.
    pub cluster: Option<String>,
    /// Volumes are local to the machine that a claim's first pod ran on.
    pub local_volumes: bool,
    /// The first block of addresses that its clusters get, so that several can run side by side.
    pub first_block: u8,
}

/// A running kubelet. Dropping it kills the processes and leaves the API server as it is.
pub struct Kubelet {
    shared: Arc<Shared>,
    watching: JoinHandle<()>,
}

/// What all pods have in common.
struct Shared {
    client: Client,
    options: Options,
    group: Group,
    blocks: Mutex<Blocks>,
    /// By namespace and name: a pod that is made again takes its seat again.
    seats: Mutex<BTreeMap<(String, String), Arc<Seat>>>,
    /// Machines that are lost, with all that ran there.
    lost: Mutex<BTreeSet<String>>,
}

impl Shared {
    /// An object by its name, where it is there.
    async fn read<K>(&self, namespace: &str, name: &str) -> Result<Option<K>, Error>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let objects: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let found = objects.get_opt(name).await;
        found.map_err(Error::api(format!("read {} {name}", K::kind(&()))))
    }
}

impl Kubelet {
    /// Makes the machines and begins to watch; pods that are there already are run too.
    ///
    /// # Errors
    ///
    /// The API server refuses the machines, or the folder cannot be made.
    pub async fn start(client: Client, options: Options) -> Result<Self, Error> {
        std::fs::create_dir_all(&options.dir)
            .map_err(Error::system("make the folder", &options.dir))?;
        // Before the first pod is bound to one.
        machines::make(&client).await?;
        let blocks = Mutex::new(Blocks::from(options.first_block));
        let shared = Arc::new(Shared {
            client,
            options,
            group: Group::new(None)?,
            blocks,
            seats: Mutex::default(),
            lost: Mutex::default(),
        });
        let watching = tokio::spawn(watch::run(Arc::clone(&shared)));
        Ok(Self { shared, watching })
    }

    /// Loses a machine with all that runs there, and its object with it: nobody looks after its
    /// pods any more.
    ///
    /// # Errors
    ///
    /// The API server refuses. What ran there has ended all the same.
    pub async fn lose_machine(&self, name: &str) -> Result<(), Error> {
        self.shared.lost.lock().insert(name.to_owned());
        machines::remove(&self.shared.client, name).await
    }

    /// The controls of a pod; `None` until it was seen.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<PodControls> {
        let seat = self.shared.seats.lock().get(&(namespace.to_owned(), name.to_owned())).cloned();
        seat.map(PodControls::new)
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // First: a pod that is seen from now on would start another process.
        self.watching.abort();
        for seat in self.shared.seats.lock().values() {
            seat.close();
        }
    }
}
