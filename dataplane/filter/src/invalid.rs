//! Why a filter was refused. Nothing has been changed when one is.

use thiserror::Error;

/// A filter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// Where in the request, such as `filter.must[0].range`.
    pub field: String,
    /// What is wrong there and what is expected.
    pub message: String,
    pub kind: InvalidKind,
}

/// Which answer the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidKind {
    /// The JSON is not of the form of a filter, or asks for what is not supported: 400.
    Malformed,
    /// The form is right, a value is out of its range: 422.
    Validation,
}

/// A place in the filter. Kept as a chain on the stack: text is made only for an error.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    pub(crate) fn key(&'a self, name: &'a str) -> Self {
        At::Key(self, name)
    }

    pub(crate) fn index(&'a self, i: usize) -> Self {
        At::Index(self, i)
    }

    pub(crate) fn malformed(&self, message: impl Into<String>) -> Invalid {
        Invalid { field: self.to_string(), message: message.into(), kind: InvalidKind::Malformed }
    }

    pub(crate) fn out_of_range(&self, message: impl Into<String>) -> Invalid {
        Invalid { field: self.to_string(), message: message.into(), kind: InvalidKind::Validation }
    }
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Root => f.write_str("filter"),
            At::Key(parent, name) => write!(f, "{parent}.{name}"),
            At::Index(parent, i) => write!(f, "{parent}[{i}]"),
        }
    }
}
