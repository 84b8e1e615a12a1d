//! Why a request failed, as data: the kind, what it is about, what is wrong.
//!
//! Every door forms its own codes and texts from it; no text of a door is formed here.

use std::fmt::Display;
use std::ops::RangeInclusive;

use vane_filter::{Invalid, InvalidKind};

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What the caller should do about it.
    pub kind: Kind,
    /// A field of the body by its path, a parameter, a route; empty where `detail` names it.
    pub subject: String,
    /// What is wrong, in words.
    pub detail: String,
}

/// What went wrong. Nothing was changed, but for the kinds of [`Kind::may_have_changed`].
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
    /// There is not enough room on the disk.
    OutOfSpace,
    /// There was no answer in time.
    Timeout,
    /// The node is starting or stopping, or a shard has no leader.
    Unavailable,
    /// A defect or a failing disk.
    Internal,
}

impl Kind {
    /// Whether the change that was asked for may have taken place, or still will.
    pub fn may_have_changed(self) -> bool {
        matches!(self, Self::Timeout | Self::Internal)
    }

    /// Whether the same request may succeed later.
    pub fn may_succeed_later(self) -> bool {
        matches!(self, Self::Overloaded | Self::OutOfSpace | Self::Timeout | Self::Unavailable)
    }
}

impl Error {
    /// An error of a kind about `subject`, which may be empty.
    pub fn new(kind: Kind, subject: impl Display, detail: impl Display) -> Self {
        Self { kind, subject: subject.to_string(), detail: detail.to_string() }
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
    pub fn out_of_range(
        field: impl Display,
        value: impl Display,
        range: &RangeInclusive<usize>,
    ) -> Self {
        let (min, max) = (range.start(), range.end());
        Self::invalid(field, format!("value {value} invalid, must be from {min} to {max}"))
    }

    /// A list has more entries than it may have; `entries` says what they are.
    pub fn too_many(field: impl Display, found: usize, entries: &str, max: usize) -> Self {
        Self::invalid(field, format!("{found} {entries}, must be at most {max}"))
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
