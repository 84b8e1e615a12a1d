//! How long a door is tried, and what came of it.

use std::time::{Duration, Instant};

use crate::Random;

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub enum Budget {
    /// So many cases: the same ones on every machine.
    Cases(u64),
    /// Until this much time has passed.
    Time(Duration),
}

/// Cases that were tried.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    /// How many.
    pub cases: u64,
    /// How long they took.
    pub took: Duration,
}

/// What must not happen did; the text names the case that shows it.
#[derive(Debug)]
pub struct Failure(pub String);

impl Failure {
    /// What the harness itself could not do.
    pub fn of(what: &str, why: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

impl Budget {
    /// Tries one case after another until the budget is spent.
    ///
    /// # Errors
    /// The first failure, with the seed and the number of its case.
    pub fn spend(
        self,
        seed: u64,
        mut attempt: impl FnMut(&mut Random) -> Result<(), Failure>,
    ) -> Result<Tally, Failure> {
        let (began, mut cases) = (Instant::now(), 0);
        while match self {
            Self::Cases(most) => cases < most,
            Self::Time(most) => began.elapsed() < most,
        } {
            attempt(&mut Random::new(seed, cases))
                .map_err(|Failure(what)| Failure(format!("seed {seed}, case {cases}: {what}")))?;
            cases += 1;
        }
        Ok(Tally { cases, took: began.elapsed() })
    }
}
