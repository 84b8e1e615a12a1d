//! Ends of the process at a chosen place, for tests of what happens then. Off unless asked
//! for on the command line, by an option that is not shown.

/// Exit status of a process that ended at its failpoint.
pub const EXIT_STATUS: i32 = 86;

/// Where the process ends; nowhere by default.
#[derive(Debug, Clone, Default)]
pub struct Failpoint {
    /// Before the step of this name is carried out.
    pub before: Option<String>,
    /// After it, before anything is said about it.
    pub after: Option<String>,
}

impl Failpoint {
    pub(crate) fn before(&self, step: &str) {
        end_at(self.before.as_deref(), step);
    }

    pub(crate) fn after(&self, step: &str) {
        end_at(self.after.as_deref(), step);
    }
}

fn end_at(place: Option<&str>, step: &str) {
    if place == Some(step) {
        tracing::warn!(step, "ending at a failpoint");
        // As a kill does it: nothing is unwound and no status is written.
        std::process::exit(EXIT_STATUS);
    }
}
