//! What calls ask for, checked as far as the cluster is not needed.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;
use vane_proto::admin::{ReconfigureShardRequest, Role, SetPayloadIndexRequest};
use vane_types::{CollectionConfig, FieldType, JsonPath, NewVector, NodeId};

use crate::engine::{ConfigChange, Layout, LayoutChange, WantedReplica, Write};
use crate::error::{Error, Kind};
use crate::rest::collection::{CreateCollection, CreateVector, UpdateCollection};
use crate::rest::index::{set_tenant, set_text, text_index};
use crate::rest::text::text;

fn bad_input(detail: impl std::fmt::Display) -> Error {
    Error::new(Kind::BadInput, "", detail)
}

/// The id of a cluster to be; `None` for one that the node draws.
///
/// # Errors
///
/// [`Kind::BadInput`] where the text is no UUID.
pub fn cluster_id(text: &str) -> Result<Option<Uuid>, Error> {
    match text {
        "" => Ok(None),
        text => {
            text.parse().map(Some).map_err(|_| bad_input(format!("cluster id `{text}` is no UUID")))
        }
    }
}

/// The id of a disk.
///
/// # Errors
///
/// [`Kind::BadInput`] where the text is no UUID.
pub fn disk_id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| bad_input(format!("disk id `{text}` is no UUID")))
}

/// The collection that a body asks for, in the form that REST reads.
///
/// # Errors
///
/// [`Kind::BadInput`] with the text that REST would have answered.
pub fn new_collection(body: &str) -> Result<(CollectionConfig, Layout), Error> {
    parse::<CreateCollection>(body)?.into_parts().map_err(of_body)
}

/// The change that a body asks for, of a collection that is as `config` and `layout` say; and what
/// of the layout is to change.
///
/// # Errors
///
/// [`Kind::BadInput`] with the text that REST would have answered.
pub fn collection_change(
    body: UpdateCollection,
    config: &CollectionConfig,
    layout: Layout,
) -> Result<(ConfigChange, LayoutChange), Error> {
    // First: it looks at the body, which the change then takes.
    let of_layout = body.layout_change(layout).map_err(of_body)?;
    Ok((body.into_change(config).map_err(of_body)?, of_layout))
}

/// The vector that a body asks for.
///
/// # Errors
///
/// [`Kind::BadInput`] with the text that REST would have answered.
pub fn new_vector(body: &str) -> Result<NewVector, Error> {
    parse::<CreateVector>(body)?.into_vector().map_err(of_body)
}

/// A body in the form that REST reads, as text.
///
/// # Errors
///
/// [`Kind::BadInput`] where it is none.
pub fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    // By its name: this interface has fields beside the body.
    serde_json::from_str(body).map_err(|error| bad_input(format!("body: {error}")))
}

/// This interface has one code for bodies, whatever is wrong with them.
fn of_body(error: Error) -> Error {
    bad_input(text(&error))
}

/// An index to make, and what is said of it beside its type.
#[derive(Debug)]
pub struct WantedIndex {
    /// The write that makes it.
    pub write: Write,
    field: JsonPath,
    /// Of a text index: how texts are taken apart.
    text: Option<Map<String, Value>>,
    is_tenant: Option<bool>,
}

impl WantedIndex {
    /// What a request asks for.
    ///
    /// # Errors
    ///
    /// [`Kind::BadInput`] where the field, the type or the parameters are none.
    pub fn of(request: SetPayloadIndexRequest) -> Result<Self, Error> {
        let SetPayloadIndexRequest { collection: _, field, r#type, is_tenant, text } = request;
        let field: JsonPath =
            field.parse().map_err(|error| bad_input(format!("field: {error}")))?;
        let unknown = || bad_input(format!("type: there is no type of payload index `{}`", r#type));
        let plain = FieldType::of_name(&r#type).ok_or_else(unknown)?;
        let (field_type, text) = match plain {
            FieldType::Text(_) => {
                let parameters = if text.is_empty() { "{}" } else { &text };
                let parameters = serde_json::from_str(parameters)
                    .map_err(|error| bad_input(format!("text: {error}")))?;
                let (field_type, options) = text_index(parameters).map_err(of_body)?;
                (field_type, Some(options))
            }
            other if text.is_empty() => (other, None),
            _ => return Err(bad_input("text: is for indexes of type text")),
        };
        let write = Write::CreateIndex { field: field.clone(), field_type };
        Ok(Self { write, field, text, is_tenant })
    }

    /// What is to be said of the index beside its type in a collection that is as `config` says;
    /// `None` where nothing is, or all is so already.
    pub fn options(&self, config: &CollectionConfig) -> Option<ConfigChange> {
        let text = self.text.clone().and_then(|text| set_text(&self.field, text, config));
        let Some(is_tenant) = self.is_tenant else { return text };
        // On top of the former, of which it keeps what it does not name.
        let mut after = config.clone();
        if let Some(change) = &text {
            after.hints.merge(change.hints.clone());
        }
        set_tenant(&self.field, is_tenant, &after).or(text)
    }
}

/// The replicas that a shard should have.
///
/// # Errors
///
/// [`Kind::BadInput`] where one has no role.
pub fn wanted_replicas(request: &ReconfigureShardRequest) -> Result<Vec<WantedReplica>, Error> {
    let wanted = request.replicas.iter().map(|replica| match replica.role() {
        // No default: a learner that was meant would become a voter.
        Role::Unspecified => {
            Err(bad_input(format!("the replica on node {} has no role", replica.node_id)))
        }
        role => Ok(WantedReplica { node: NodeId(replica.node_id), learner: role == Role::Learner }),
    });
    wanted.collect()
}
