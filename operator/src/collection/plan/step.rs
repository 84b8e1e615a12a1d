//! The changes that a plan may ask for, and their words.

use derive_more::Display;
use serde_json::Value;

/// A change to make. Each can be repeated without harm.
#[derive(Debug, Display, Clone, PartialEq)]
pub enum Step {
    /// Give the object its finalizer, or take it away.
    #[display(
        "{}",
        if *_0 { "keep the object until its points are deleted" } else { "let the object go" }
    )]
    Finalizer(bool),
    /// Make the collection, with this body.
    #[display("make the collection")]
    Create(Value),
    /// Change parameters of the collection, with this body.
    #[display("change its parameters: {_0}")]
    Update(Value),
    /// Take a vector of the collection away, if its vectors are at this revision.
    #[display("remove vector {name:?}, with what points have of it")]
    RemoveVector {
        /// Its name.
        name: String,
        /// Where the vectors are once the steps before this one are done.
        if_revision: u64,
    },
    /// Give the collection a vector, with this body.
    #[display("add vector {name:?}: {body}")]
    AddVector {
        /// Its name.
        name: String,
        /// What it is.
        body: Value,
    },
    /// Make an index over a payload field.
    #[display(
        "index field {field} as {kind}{}{}",
        match tenant {
            None => "",
            Some(true) => ", of tenants",
            Some(false) => ", not of tenants",
        },
        text.as_ref().map(|text| format!(", {text}")).unwrap_or_default()
    )]
    SetIndex {
        /// Path of the field.
        field: String,
        /// Type, as the API has it.
        kind: &'static str,
        /// Whether its value is a point's tenant, where that is declared.
        tenant: Option<bool>,
        /// Of a text index: how texts are taken apart.
        text: Option<Value>,
    },
    /// Give the collection another name, unless somebody has that name.
    #[display("add alias {_0}")]
    AddAlias(String),
    /// Delete the collection that was made with this key.
    #[display("delete the collection")]
    Delete(String),
}

impl Step {
    /// A word for the log and a failpoint.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Finalizer(_) => "SettingFinalizer",
            Self::Create(_) => "CreatingCollection",
            Self::Update(_) => "UpdatingCollection",
            Self::RemoveVector { .. } => "RemovingVector",
            Self::AddVector { .. } => "AddingVector",
            Self::SetIndex { .. } => "SettingIndex",
            Self::AddAlias(_) => "AddingAlias",
            Self::Delete(_) => "DeletingCollection",
        }
    }
}
