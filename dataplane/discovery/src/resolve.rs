//! From seeds to addresses.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::seed::{SEEDS_MAX, Seed};

/// How long one name is waited for. All are looked up at once, so [`resolve`] takes no longer.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of one [`Seed::Host`]: a node has few.
pub const HOST_ADDRESSES_MAX: usize = 16;
/// Addresses of one [`Seed::Service`], and of all seeds together.
pub const ADDRESSES_MAX: usize = 1024;

/// Addresses of the seeds, and the seeds that gave none.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Where peers may answer, each once, in the order of the seeds; those of one name
    /// sorted, since name servers turn their answers round.
    pub addresses: Vec<SocketAddr>,
    /// Seeds that gave nothing, or more than is used.
    pub failures: Vec<Failure>,
}

/// A seed that failed. The addresses of the others are there all the same.
#[derive(Debug, Error)]
#[error("seed {seed}: {error}; the other seeds are used")]
pub struct Failure {
    /// Seed that failed.
    pub seed: Seed,
    /// Why the seed gave nothing, or not all.
    #[source]
    pub error: LookupError,
}

/// Why a lookup failed.
#[derive(Debug, Error)]
pub enum LookupError {
    /// The resolver answered that there is no such name, or failed.
    #[error(
        "failed to look up the name ({0}): check its spelling, and whether the node is up that \
         it should name"
    )]
    Failed(#[from] io::Error),
    /// The resolver did not answer in time.
    #[error(
        "no answer to the lookup within {} ms: check the name servers that this machine uses",
        .0.as_millis()
    )]
    TimedOut(Duration),
    /// The name exists, without an address that can be connected to.
    #[error("the name has no address that can be connected to")]
    NoAddress,
    /// More than is used; the first of them, in their order, are.
    #[error("found {found} addresses and took {taken}: name fewer nodes")]
    TooMany {
        /// Addresses found.
        found: usize,
        /// Of those, used.
        taken: usize,
    },
}

/// Looks all seeds up, at once; of more than [`SEEDS_MAX`] the first.
///
/// `own` are addresses of the asking node, to be left out. A node may have others that it
/// does not know of, so who connects must still be ready to meet itself.
///
/// Dropping the future stops the wait; a lookup that the system has begun ends on a thread
/// of tokio's blocking pool.
pub async fn resolve(seeds: &[Seed], own: &[SocketAddr]) -> Resolved {
    let lookup = |name: String, port: u16| async move {
        Ok(tokio::net::lookup_host((name, port)).await?.collect())
    };
    resolve_with(seeds, own, LOOKUP_TIMEOUT, lookup).await
}

/// [`resolve`] with another resolver.
async fn resolve_with<L, F>(
    seeds: &[Seed],
    own: &[SocketAddr],
    wait: Duration,
    lookup: L,
) -> Resolved
where
    L: Fn(String, u16) -> F,
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    let mut resolved = Resolved::default();
    // Its own count as seen: no node joins through itself.
    let mut seen: HashSet<SocketAddr> = own.iter().copied().map(canonical).collect();
    // In the order of the seeds, in which the answers need not have come.
    for (seed, answer) in look_up_all(seeds, wait, lookup).await {
        let found = answer.unwrap_or_else(|error| {
            resolved.failures.push(Failure { seed: seed.clone(), error });
            Vec::new()
        });
        let new: Vec<SocketAddr> =
            found.into_iter().filter(|address| seen.insert(*address)).collect();
        let room = (ADDRESSES_MAX - resolved.addresses.len()).min(seed_addresses_max(seed));
        if new.len() > room {
            let error = LookupError::TooMany { found: new.len(), taken: room };
            resolved.failures.push(Failure { seed: seed.clone(), error });
        }
        // Those that there is room for are used: a few members are enough to join.
        resolved.addresses.extend(new.into_iter().take(room));
    }
    resolved
}

/// Sorted answers, in the order of the seeds.
async fn look_up_all<L, F>(
    seeds: &[Seed],
    wait: Duration,
    lookup: L,
) -> Vec<(&Seed, Result<Vec<SocketAddr>, LookupError>)>
where
    L: Fn(String, u16) -> F,
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    let mut answers: Vec<_> =
        seeds.iter().take(SEEDS_MAX).map(|seed| (seed, Err(LookupError::NoAddress))).collect();
    let mut lookups = JoinSet::new();
    for (at, (seed, answer)) in answers.iter_mut().enumerate() {
        match seed {
            Seed::Address(address) => *answer = Ok(vec![canonical(*address)]),
            Seed::Host { name, port } | Seed::Service { name, port } => {
                // Each name has its own time: a server that hangs holds up no other seed.
                let lookup = timeout(wait, lookup(name.clone(), *port));
                lookups.spawn(async move { (at, lookup.await) });
            }
        }
    }
    // A lookup that panicked keeps the answer that it has no address.
    while let Some(done) = lookups.join_next().await {
        if let Ok((at, answer)) = done {
            answers[at].1 = match answer {
                Ok(found) => found.map_err(LookupError::from).and_then(usable),
                Err(_) => Err(LookupError::TimedOut(wait)),
            };
        }
    }
    answers
}

/// Sorts, and drops what cannot be connected to: some name servers answer 0.0.0.0 for "no".
fn usable(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, LookupError> {
    let mut found: Vec<SocketAddr> = found.into_iter().map(canonical).collect();
    found.retain(|address| !address.ip().is_unspecified() && !address.ip().is_multicast());
    found.sort_unstable();
    found.dedup();
    if found.is_empty() { Err(LookupError::NoAddress) } else { Ok(found) }
}

/// An IPv4 address in IPv6 clothes is the IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address,
        ip => SocketAddr::new(ip, address.port()),
    }
}

fn seed_addresses_max(seed: &Seed) -> usize {
    match seed {
        Seed::Address(_) => 1,
        Seed::Host { .. } => HOST_ADDRESSES_MAX,
        Seed::Service { .. } => ADDRESSES_MAX,
    }
}
