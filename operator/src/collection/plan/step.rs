//! The changes that a plan may ask for, and their words.

use std::fmt;

use serde_json::Value;

/// A change to make. Each can be repeated without harm.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Give the object its finalizer, or take it away.
    Finalizer(bool),
    /// Make the collection, with this body.
    Create(Value),
    /// Change parameters of the collection, with this body.
    Update(Value),
    /// Make an index over a payload field.
    SetIndex {
        /// Path of the field.
        field: String,
        /// Type, as the API has it.
        kind: &'static str,
    },
    /// Give the collection another name, unless somebody has that name.
    AddAlias(String),
    /// Delete the collection that was made with this key.
    Delete(String),
}

impl Step {
    /// A word for the log and a failpoint.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Finalizer(_) => "SettingFinalizer",
            Self::Create(_) => "CreatingCollection",
            Self::Update(_) => "UpdatingCollection",
            Self::SetIndex { .. } => "SettingIndex",
            Self::AddAlias(_) => "AddingAlias",
            Self::Delete(_) => "DeletingCollection",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finalizer(true) => write!(f, "keep the object until its points are deleted"),
            Self::Finalizer(false) => write!(f, "let the object go"),
            Self::Create(_) => write!(f, "make the collection"),
            Self::Update(body) => write!(f, "change its parameters: {body}"),
            Self::SetIndex { field, kind } => write!(f, "index field {field} as {kind}"),
            Self::AddAlias(alias) => write!(f, "add alias {alias}"),
            Self::Delete(_) => write!(f, "delete the collection"),
        }
    }
}
