//! Why a request failed, as data: what kind of failure, about which object, whether anything
//! was changed, and whether the same request may succeed later.
//!
//! The same value travels between nodes and through every layer, so that a kind is never
//! guessed back from a text. Sentences for people are formed where an answer leaves the
//! process: in REST, in the admin interface, in the command line.

use std::fmt;

use crate::names::InvalidName;
use crate::{GroupId, Refusal};

/// What kind of failure; decides the status code of every interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object named does not exist.
    NotFound,
    /// The object to make exists already.
    AlreadyExists,
    /// The request does not fit the collection.
    BadInput,
    /// What is asked for exists in the API but not in this version.
    Unsupported,
    /// The object changed since the caller looked at it.
    Conflict,
    /// A queue is full.
    Overloaded,
    /// No answer in time.
    Timeout,
    /// Not enough room on the disk. Deletes are still taken.
    OutOfSpace,
    /// Nobody who could answer is there: no leader, or a node that starts or stops.
    Unavailable,
    /// A defect or a failing disk.
    Internal,
}

impl ErrorKind {
    /// Whether the failure lies with who was asked rather than with what was asked: another
    /// replica, or the same one later, may answer.
    pub fn is_of_replica(self) -> bool {
        matches!(self, Self::Unavailable | Self::Timeout | Self::Overloaded | Self::Internal)
    }
}

/// The object that a failure is about, where the detail does not name it itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subject {
    /// The detail says it.
    #[default]
    Unnamed,
    /// The group of what the cluster agrees on.
    MetaGroup,
    /// A shard of a collection, by its place there.
    Shard {
        /// The collection's own name.
        collection: String,
        /// Its place among the collection's shards, from 0.
        ordinal: usize,
    },
    /// A group that the catalog does not know (any more).
    Group(GroupId),
}

/// Whether the failed request left something changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Changed {
    /// It only reads, or was refused as it stands: nobody has to wonder.
    #[default]
    NotInQuestion,
    /// It would have changed something, and certainly did not.
    Nothing,
    /// It may have been applied, or may still be.
    Unknown,
    /// It was made; what failed came after it.
    Done,
}

/// The shards on which a write that met several failed. On the others it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedShards {
    /// The collection's own name.
    pub collection: String,
    /// Ordinals of the shards that failed, from 0.
    pub failed: Vec<usize>,
    /// Shards that the write met.
    pub shards: usize,
}

impl FailedShards {
    /// Whether the write was applied somewhere.
    pub fn is_part(&self) -> bool {
        self.failed.len() < self.shards
    }
}

/// Whether, and when, the same request may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Retry {
    /// Not as it is.
    #[default]
    No,
    /// It may succeed later; the detail says what would help, if anything does.
    Later,
    /// In a moment: what stood in the way passes by itself.
    Soon,
    /// When there is room on the disk again.
    WhenThereIsRoom,
    /// When a majority of the subject's replicas is up.
    WhenMajorityIsUp,
    /// After another look at the object: it is not what the caller decided on.
    AfterLooking,
}

/// Why a request failed, with all that an interface needs to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What it is about.
    pub subject: Subject,
    /// Whether something was changed; of several shards, on those that failed.
    pub changed: Changed,
    /// Of a write that met several shards: those that failed.
    pub shards: Option<FailedShards>,
    /// Whether to try again.
    pub retry: Retry,
    /// What happened. With a subject, a predicate: `has no leader that answers`.
    pub detail: String,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident, $retry:ident;)*) => {
        $($(#[$doc])* pub fn $name(detail: impl Into<String>) -> Self {
            Self::new(ErrorKind::$kind, Retry::$retry, detail.into())
        })*
    };
}

impl Error {
    fn new(kind: ErrorKind, retry: Retry, detail: String) -> Self {
        let (subject, changed) = (Subject::default(), Changed::default());
        Self { kind, subject, changed, shards: None, retry, detail }
    }

    constructors! {
        /// [`ErrorKind::NotFound`], never worth another try.
        not_found => NotFound, No;
        /// [`ErrorKind::AlreadyExists`], never worth another try.
        already_exists => AlreadyExists, No;
        /// [`ErrorKind::BadInput`], never worth another try.
        bad_input => BadInput, No;
        /// [`ErrorKind::Unsupported`], never worth another try.
        unsupported => Unsupported, No;
        /// [`ErrorKind::Conflict`]: worth another look.
        conflict => Conflict, AfterLooking;
        /// [`ErrorKind::Overloaded`]: worth another try in a moment.
        overloaded => Overloaded, Soon;
        /// [`ErrorKind::Timeout`] of something that changes nothing.
        timeout => Timeout, Later;
        /// [`ErrorKind::OutOfSpace`]: worth another try when there is room.
        out_of_space => OutOfSpace, WhenThereIsRoom;
        /// [`ErrorKind::Unavailable`]: worth another try later.
        unavailable => Unavailable, Later;
        /// [`ErrorKind::Internal`].
        internal => Internal, No;
    }

    /// A change whose outcome is not known: it may be applied, or may still be.
    pub fn unknown_outcome(why: impl Into<String>) -> Self {
        Self { changed: Changed::Unknown, ..Self::timeout(why) }
    }

    /// The same failure, about `subject`.
    #[must_use]
    pub fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    /// The same failure of something that would have changed, and did not.
    #[must_use]
    pub fn nothing_changed(self) -> Self {
        Self { changed: Changed::Nothing, ..self }
    }

    /// The same failure with another word on trying again.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Whether the request may have changed something, or may still.
    pub fn may_have_changed(&self) -> bool {
        matches!(self.changed, Changed::Unknown | Changed::Done)
            // `changed` speaks of the shards that failed: the others applied their part.
            || self.shards.as_ref().is_some_and(FailedShards::is_part)
    }
}

/// For logs: every field, no sentence.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart whole: a field that is added cannot be missing from the logs.
        let Self { kind, subject, changed, shards, retry, detail } = self;
        write!(f, "{kind:?}: ")?;
        if *subject != Subject::Unnamed {
            write!(f, "{subject:?} ")?;
        }
        write!(f, "{detail} (changed: {changed:?}, retry: {retry:?}")?;
        if let Some(FailedShards { collection, failed, shards }) = shards {
            write!(f, ", failed: {failed:?} of {shards} shards of {collection}")?;
        }
        write!(f, ")")
    }
}

impl std::error::Error for Error {}

/// The innermost reason of an error: the outer ones only say that there is one.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::PointNotFound(_) | Refusal::NotFound(_) => {
                Self::not_found(refusal.to_string())
            }
            Refusal::AlreadyExists(_) => Self::already_exists(refusal.to_string()),
            Refusal::Invalid(text) => Self::bad_input(text),
            Refusal::Conflict(text) => Self::conflict(text),
            Refusal::TooMuch => Self::bad_input(refusal.to_string()),
            // The disk has nothing to do with it: no room made there helps.
            Refusal::OutOfSlots => {
                Self::out_of_space(refusal.to_string()).nothing_changed().retry(Retry::No)
            }
            // Nothing is wrong with the request: another look at the catalog routes it anew.
            Refusal::StaleRoute => {
                Self::unavailable(refusal.to_string()).nothing_changed().retry(Retry::Soon)
            }
            // The copy that was refused changed nothing; an earlier one may have.
            Refusal::Expired => {
                Self { changed: Changed::Unknown, ..Self::timeout(refusal.to_string()) }
                    // Another copy would come later still.
                    .retry(Retry::No)
            }
        }
    }
}

impl From<InvalidName> for Error {
    fn from(name: InvalidName) -> Self {
        Self::bad_input(name.to_string())
    }
}
