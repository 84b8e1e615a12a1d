//! One call on its way: what every operation is told beside its own arguments.

use std::time::{Duration, Instant};

use vane_api::Error;

use crate::engine::{AskedOf, Explaining, Freshness, Partial, RequestOptions};
use crate::principal::{Door, Principal};

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The door it came through.
    pub door: Door,
    /// Time that its operation may take. It does not run while a body is still on its way, which
    /// has a limit of its own: a slow upload must not take from the work on it.
    pub timeout: Duration,
    /// Seconds that the client gives it itself, where it says so.
    pub asked_timeout: Option<u64>,
    /// How new an answer must be.
    pub freshness: Freshness,
    /// Which replicas may answer.
    pub asked_of: AskedOf,
    /// Where the client takes what is left when shards do not answer: those shards.
    pub partial: Option<Partial>,
    /// Where the client asks how its searches go.
    pub explaining: Option<Explaining>,
}

impl Call {
    /// A call that is answered whole, and by any replica that has all that was acknowledged, as
    /// most are.
    pub fn new(principal: Principal, door: Door, timeout: Duration) -> Self {
        let (freshness, asked_of) = (Freshness::Leader, AskedOf::Anyone);
        let (asked_timeout, partial, explaining) = (None, None, None);
        Self { principal, door, timeout, asked_timeout, freshness, asked_of, partial, explaining }
    }

    /// Shards by ordinal that are not in the answer, each with the reason.
    pub fn failed_shards(&self) -> Vec<(usize, Error)> {
        let failed = self.partial.as_ref().map(Partial::failed_shards).unwrap_or_default();
        failed.into_iter().map(|(ordinal, error)| (ordinal, error.into())).collect()
    }

    /// What the engine is told of an operation that begins now.
    pub(crate) fn options(&self) -> RequestOptions {
        RequestOptions {
            // From here: what was waited for before has limits of its own.
            deadline: Instant::now() + self.timeout,
            freshness: self.freshness,
            asked_of: self.asked_of,
            partial: self.partial.clone(),
            explaining: self.explaining.clone(),
        }
    }

    /// A change applies everywhere or says where it did not: half an answer is for reads.
    pub(crate) fn refuse_partial(&self) -> Result<(), Error> {
        match self.partial {
            None => Ok(()),
            Some(_) => {
                Err(Error::bad_request("partial results are for reads; nothing was changed"))
            }
        }
    }
}
