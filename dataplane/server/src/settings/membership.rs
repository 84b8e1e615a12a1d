//! Settings of membership, as the engine is told them.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use thiserror::Error;
use uuid::Uuid;

use super::{Cluster, Settings};
use crate::engine::NodeSettings;

/// Below the data directory: the secret of a node that was told none.
const TOKEN_FILE: &str = "admin-token";

/// The secret of a node could not be read or kept.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The file does not open.
    #[error("the token in {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// There is nothing in it.
    #[error("the token in {} is empty", path.display())]
    Empty { path: PathBuf },
    /// The file cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Cluster {
    /// Whether the node belongs to a cluster of several.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled || !self.seeds.trim().is_empty()
    }

    fn seed_list(&self) -> Vec<String> {
        let seeds = self.seeds.split(',').map(str::trim).filter(|seed| !seed.is_empty());
        seeds.map(str::to_owned).collect()
    }

    /// What is wrong with them, one line each.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        // Before the start: a misspelt seed would look like a member that is away.
        if let Err(error) = vane_discovery::parse_seeds(&self.seed_list()) {
            problems.push(format!("cluster.seeds: {error}"));
        }
        let has_file = !self.token_file.as_os_str().is_empty();
        if self.is_enabled() && self.token.is_empty() && !has_file {
            problems.push(
                "cluster.token is empty; the nodes of a cluster need one secret in common: set \
                 cluster.token, VANE_CLUSTER__TOKEN or cluster.token_file"
                    .to_owned(),
            );
        }
        if has_file && !self.token.is_empty() {
            problems
                .push("cluster.token and cluster.token_file are both set; choose one".to_owned());
        }
        if self.lost_after_s == 0 {
            problems.push(
                "cluster.lost_after_s is 0, must be at least 1: a node is silent for a moment with \
                 every restart"
                    .to_owned(),
            );
        }
        if !self.dial_from.is_empty() && self.dial_from.parse::<IpAddr>().is_err() {
            problems
                .push(format!("cluster.dial_from is `{}`, must be an IP address", self.dial_from));
        }
        for (key, address) in [("address", &self.address), ("rest_address", &self.rest_address)] {
            if !address.is_empty()
                && address.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err())
            {
                problems.push(format!(
                    "cluster.{key} is `{address}`, must be host:port, such as 10.0.0.1:6335"
                ));
            }
        }
        problems
    }
}

impl Settings {
    /// How the node presents itself, listening where it does.
    pub(crate) fn node(
        &self,
        rest: SocketAddr,
        peer: SocketAddr,
    ) -> Result<NodeSettings, TokenError> {
        let cluster = &self.cluster;
        Ok(NodeSettings {
            name: if cluster.name.is_empty() { machine_name() } else { cluster.name.clone() },
            address: reached_at(&cluster.address, peer),
            rest_address: reached_at(&cluster.rest_address, rest),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            dial_from: cluster.dial_from.parse().ok(),
            token: self.token()?,
            // None founds a cluster of one on an empty
            // disk; a list, even an empty one, never does.
            seeds: cluster.is_enabled().then(|| cluster.seed_list()),
        })
    }

    fn token(&self) -> Result<String, TokenError> {
        let Cluster { token, token_file, .. } = &self.cluster;
        if !token.is_empty() {
            return Ok(token.clone());
        }
        if !token_file.as_os_str().is_empty() {
            return read_token(token_file);
        }
        // One that was drawn before stays: `vanectl` and others were given it.
        let own = self.data_dir.join(TOKEN_FILE);
        if own.exists() { read_token(&own) } else { Ok(Uuid::new_v4().simple().to_string()) }
    }

    /// Keeps a secret that was drawn where `vanectl` finds it. The data directory is there
    /// and marked by then.
    pub(crate) fn keep_token(&self, token: &str) -> Result<(), TokenError> {
        let Cluster { token: given, token_file, .. } = &self.cluster;
        let path = self.data_dir.join(TOKEN_FILE);
        if !given.is_empty() || !token_file.as_os_str().is_empty() || path.exists() {
            return Ok(());
        }
        write_private(&path, token).map_err(|source| TokenError::Write { path, source })
    }
}

/// Where others reach an address: where they were told to, else where the node listens.
fn reached_at(given: &str, listening: SocketAddr) -> String {
    match given {
        // Nobody can dial "all addresses"; the machine's name is what others may know.
        "" if listening.ip().is_unspecified() => {
            format!("{}:{}", machine_name(), listening.port())
        }
        "" => listening.to_string(),
        given => given.to_owned(),
    }
}

fn read_token(path: &Path) -> Result<String, TokenError> {
    let path = path.to_owned();
    match fs::read_to_string(&path) {
        Err(source) => Err(TokenError::Read { path, source }),
        Ok(text) if text.trim().is_empty() => Err(TokenError::Empty { path }),
        Ok(text) => Ok(text.trim().to_owned()),
    }
}

/// Writes a file that only its owner reads, so that after a power failure it is there whole
/// or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let tmp = path.with_extension("tmp");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&tmp)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all())?;
    fs::rename(&tmp, path)?;
    // Its name too, which a synced file may lose with the power.
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

/// Name of this machine, which in Kubernetes is the pod's.
fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
