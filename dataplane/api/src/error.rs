//! Why a request failed, as data: the kind, what it is about, what is wrong.
//!
//! Every door forms its own codes and texts from it; no text of a door is formed here.

use std::fmt::Display;
use std::ops::RangeInclusive;

use vane_filter::{Invalid, InvalidKind};
use vane_types::{Changed, ErrorKind, FailedShards, Retry, Subject};

use crate::engine::{NotReady, RemovalRefusal, ReplicaRefusal, ResizeRefusal};

/// Seconds after which a client should come back that was sent away for a moment.
const SENT_AWAY_S: u64 = 1;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller should do about it.
    pub kind: Kind,
    /// A field of the body by its path, a parameter, a route; empty where `detail` names it.
    pub subject: String,
    /// What is wrong, in words.
    pub detail: String,
    /// Whether something was changed; of several shards, on those that failed.
    pub changed: Changed,
    /// Of a write that met several shards: those that failed.
    pub shards: Option<FailedShards>,
    /// Whether, and when, the same request may succeed.
    pub retry: Retry,
    /// Seconds after which it may, where that is known.
    pub retry_after_s: Option<u32>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body is not of the form it should be.
    Malformed,
    /// A parameter beside the body is not of the form it should be.
    MalformedParameter,
    /// A value of the body is out of its range.
    Invalid,
    /// A parameter beside the body is out of its range.
    InvalidParameter,
    /// The request makes no sense.
    BadRequest,
    /// What is asked for exists in the API but not in this version.
    Unsupported,
    /// The route exists, but not with this method.
    WrongMethod,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is compressed in a way that is not read.
    UnsupportedEncoding,
    /// The request does not fit the collection.
    BadInput,
    /// The object to make exists already.
    AlreadyExists,
    /// The object named does not exist.
    NotFound,
    /// The object changed since the caller looked at it.
    Conflict,
    /// A queue is full.
    Overloaded,
    /// More than a collection may be asked for in a minute.
    RateLimited,
    /// There is not enough room on the disk.
    OutOfSpace,
    /// There was no answer in time.
    Timeout,
    /// The node is starting or stopping, or a shard has no leader.
    Unavailable,
    /// A defect or a failing disk.
    Internal,
}

impl Error {
    /// An error of a kind about `subject`, which may be empty.
    pub fn new(kind: Kind, subject: impl Display, detail: impl Display) -> Self {
        Self {
            kind,
            subject: subject.to_string(),
            detail: detail.to_string(),
            changed: Changed::NotInQuestion,
            shards: None,
            retry: Retry::No,
            retry_after_s: None,
        }
    }

    /// Whether the change that was asked for may have taken place, or still will.
    pub fn may_have_changed(&self) -> bool {
        // After a defect nobody knows how far it came.
        self.kind == Kind::Internal
            || matches!(self.changed, Changed::Unknown | Changed::Done)
            || self.shards.as_ref().is_some_and(FailedShards::is_part)
    }

    /// Seconds after which a client that was sent away should come back; `None` where waiting alone
    /// does not help.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self.kind {
            Kind::RateLimited => self.retry_after_s.map(u64::from),
            Kind::Overloaded | Kind::Unavailable => Some(SENT_AWAY_S),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn may_succeed_later(&self) -> bool {
        let passes = matches!(
            self.kind,
            Kind::Overloaded | Kind::OutOfSpace | Kind::Timeout | Kind::Unavailable
        );
        let passes = passes || self.retry_after_s.is_some();
        // `AfterLooking` is no yes: the change may have been made already.
        passes || !matches!(self.retry, Retry::No | Retry::AfterLooking)
    }

    /// The body as a whole is not of the form it should be.
    pub fn malformed(detail: impl Display) -> Self {
        Self::new(Kind::Malformed, "", detail)
    }

    /// The request makes no sense.
    pub fn bad_request(detail: impl Display) -> Self {
        Self::new(Kind::BadRequest, "", detail)
    }

    /// `subject`, an expression of the API, is missing in this version.
    pub fn unsupported(subject: impl Display) -> Self {
        Self::new(Kind::Unsupported, format!("`{subject}`"), "")
    }

    /// The value of a field is out of its range.
    pub fn invalid(field: impl Display, detail: impl Display) -> Self {
        Self::new(Kind::Invalid, field, detail)
    }

    /// The value of a field is 0, and must not be.
    pub fn zero(field: impl Display) -> Self {
        Self::invalid(field, "value 0 invalid, must be 1 or larger")
    }

    /// The value of a field is outside of `range`.
    pub fn out_of_range<T: Display>(
        field: impl Display,
        value: impl Display,
        range: &RangeInclusive<T>,
    ) -> Self {
        let (min, max) = (range.start(), range.end());
        Self::invalid(field, format!("value {value} invalid, must be from {min} to {max}"))
    }

    /// Refuses a list that has more entries than it may have; `entries` says what they are.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`].
    pub fn check_most(
        field: impl Display,
        found: usize,
        entries: &str,
        max: usize,
    ) -> Result<(), Self> {
        if found <= max {
            return Ok(());
        }
        Err(Self::invalid(field, format!("{found} {entries}, must be at most {max}")))
    }

    /// A defect, or a task that did not end.
    pub fn internal(detail: impl Display) -> Self {
        Self::new(Kind::Internal, "", detail)
    }

    /// The same error with a remark at the end of its detail.
    #[must_use]
    pub fn with_remark(mut self, remark: impl Display) -> Self {
        self.detail = format!("{} ({remark})", self.detail);
        self
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        let kind = match invalid.kind {
            InvalidKind::Malformed => Kind::Malformed,
            InvalidKind::Validation => Kind::Invalid,
        };
        Self::new(kind, invalid.field, invalid.message)
    }
}

impl From<vane_types::Error> for Error {
    fn from(error: vane_types::Error) -> Self {
        let vane_types::Error { kind, subject, changed, shards, retry, detail } = error;
        let detail = match subject {
            Subject::Unnamed => detail,
            subject => format!("{} {detail}", noun(&subject)),
        };
        Self { changed, shards, retry, ..Self::new(kind_of(kind), "", detail) }
    }
}

fn kind_of(kind: ErrorKind) -> Kind {
    match kind {
        ErrorKind::NotFound => Kind::NotFound,
        ErrorKind::AlreadyExists => Kind::AlreadyExists,
        ErrorKind::BadInput => Kind::BadInput,
        ErrorKind::Unsupported => Kind::Unsupported,
        ErrorKind::Conflict => Kind::Conflict,
        ErrorKind::Overloaded => Kind::Overloaded,
        ErrorKind::Timeout => Kind::Timeout,
        ErrorKind::OutOfSpace => Kind::OutOfSpace,
        ErrorKind::Unavailable => Kind::Unavailable,
        ErrorKind::Internal => Kind::Internal,
    }
}

impl From<ReplicaRefusal> for Error {
    fn from(why: ReplicaRefusal) -> Self {
        let kind = match why {
            ReplicaRefusal::NoTransfer { .. } => Kind::NotFound,
            ReplicaRefusal::NoShard { .. }
            | ReplicaRefusal::NoPeer(_)
            | ReplicaRefusal::NotActive { .. }
            | ReplicaRefusal::NoReplica { .. }
            | ReplicaRefusal::Occupied { .. }
            | ReplicaRefusal::Involved { .. }
            | ReplicaRefusal::LastReplica { .. }
            | ReplicaRefusal::NoMajority { .. }
            | ReplicaRefusal::TooFewOthers { .. }
            | ReplicaRefusal::TooMany { .. } => Kind::BadRequest,
        };
        Self::new(kind, "", why)
    }
}

impl From<RemovalRefusal> for Error {
    fn from(why: RemovalRefusal) -> Self {
        Self::bad_request(why)
    }
}

impl From<ResizeRefusal> for Error {
    fn from(why: ResizeRefusal) -> Self {
        match why {
            ResizeRefusal::Unplaceable(why) => vane_types::Error::from(why).into(),
            ResizeRefusal::Shard(why) => why.into(),
        }
    }
}

impl From<NotReady> for Error {
    fn from(why: NotReady) -> Self {
        Self::new(Kind::Unavailable, "", not_ready(&why))
    }
}

/// Why requests should not be sent to a node, as probes are told.
pub fn not_ready(why: &NotReady) -> String {
    match why {
        NotReady::NoCluster => {
            "this node belongs to no cluster yet; it waits to join one or to be bootstrapped".into()
        }
        NotReady::Starting { opened: _, of: 0 } => {
            "the node is starting: it reads its logs and its catalog".into()
        }
        NotReady::Starting { opened, of } => {
            format!("the node is starting: {opened} of {of} replicas are open")
        }
        NotReady::NeverLed => {
            "no leader of the meta group was heard of since the start; see that a majority of the \
             nodes runs and that they reach each other"
                .into()
        }
        NotReady::Unconfirmed { subject } => {
            format!("the leader of {} has not confirmed this node's copy yet", noun(subject))
        }
        NotReady::Stopping => "the node is shutting down".into(),
        NotReady::Refused(why) => why.clone(),
        NotReady::Silent => {
            "the node has started and waits for the others to take its start".into()
        }
        NotReady::NoCatalog => "the node has joined and waits for the catalogue".into(),
        NotReady::MetaLeaderless(time) => {
            format!("the meta group has had no leader for {} s", time.as_secs())
        }
        NotReady::CatchingUp { subject, entries } => {
            format!("{} is catching up here: {entries} entries to go", noun(subject))
        }
    }
}

/// What people call the object that an error or a problem is about.
pub fn noun(subject: &Subject) -> String {
    match subject {
        Subject::Unnamed => String::new(),
        Subject::MetaGroup => "the meta group".into(),
        Subject::Shard { collection, ordinal } => {
            format!("shard {ordinal} of collection `{collection}`")
        }
        Subject::Group(group) => format!("shard group {group}"),
    }
}
