//! What calls ask for, checked as far as the cluster is not needed.

use serde::de::DeserializeOwned;
use uuid::Uuid;
use vane_proto::admin::{ReconfigureShardRequest, Role};
use vane_types::{CollectionConfig, FieldType, NodeId};

use crate::engine::{ConfigChange, Layout, WantedReplica, Write};
use crate::error::{Error, Kind};
use crate::rest::collection::{CreateCollection, UpdateCollection};
use crate::rest::index::set_tenant;
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

/// The change that a body asks for, of a collection that is as `config` and `layout` say; and how
/// many replicas its writes are to wait for, where that is to change.
///
/// # Errors
///
/// [`Kind::BadInput`] with the text that REST would have answered.
pub fn collection_change(
    body: UpdateCollection,
    config: &CollectionConfig,
    layout: Layout,
) -> Result<(ConfigChange, Option<u32>), Error> {
    // First: it looks at the body, which the change then takes.
    let factor = body.write_consistency_factor(layout).map_err(of_body)?;
    Ok((body.into_change(config).map_err(of_body)?, factor))
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

/// The index to make.
///
/// # Errors
///
/// [`Kind::BadInput`] where the field or the type is none.
pub fn payload_index(field: &str, field_type: String) -> Result<Write, Error> {
    let field = field.parse().map_err(|error| bad_input(format!("field: {error}")))?;
    let unknown = || bad_input(format!("type: there is no type of payload index `{field_type}`"));
    let field_type = FieldType::of_name(&field_type).ok_or_else(unknown)?;
    Ok(Write::CreateIndex { field, field_type })
}

/// What is to be said of an index beside its type; `None` where nothing is, or it is so already.
pub fn index_options(
    index: &Write,
    is_tenant: Option<bool>,
    config: &CollectionConfig,
) -> Option<ConfigChange> {
    let Write::CreateIndex { field, .. } = index else { return None };
    set_tenant(field, is_tenant?, config)
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
