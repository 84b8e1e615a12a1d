//! What messages say beside what they ask for: of which collection, until when, how new.

use vane_wire::qdrant as wire;
use vane_wire::qdrant::read_consistency::Value as Consistency;
use vane_wire::qdrant::{ReadConsistency, ReadConsistencyType};

use crate::error::Error;

/// What goes around a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The collection by name or alias; empty where none is asked for.
    pub collection: String,
    /// Whether the client asks to wait until its change can be seen.
    pub wait: Option<bool>,
    /// Seconds that the client waits.
    pub timeout: Option<u64>,
    /// How new an answer must be, in the words of REST.
    pub consistency: Option<String>,
}

/// A message with such terms.
pub trait Termed {
    /// The terms, taken out of it.
    ///
    /// # Errors
    ///
    /// `Kind::Malformed` where they are of no form that is known.
    fn terms(&mut self) -> Result<Terms, Error>;
}

/// Implements [`Termed`] by the fields that messages have for it.
macro_rules! termed {
    ($($message:ident: $($field:ident),*;)*) => {$(
        impl Termed for wire::$message {
            #[allow(clippy::needless_update, reason = "some have all of them")]
            fn terms(&mut self) -> Result<Terms, Error> {
                Ok(Terms { $($field: termed!(self $field),)* ..Terms::default() })
            }
        }
    )*};
    ($message:ident collection) => { std::mem::take(&mut $message.collection_name) };
    ($message:ident consistency) => { consistency($message.read_consistency.take())? };
    ($message:ident $field:ident) => { $message.$field.take() };
}

termed! {
    UpsertPoints: collection, wait, timeout;
    DeletePoints: collection, wait, timeout;
    UpdatePointVectors: collection, wait, timeout;
    DeletePointVectors: collection, wait, timeout;
    SetPayloadPoints: collection, wait, timeout;
    DeletePayloadPoints: collection, wait, timeout;
    ClearPayloadPoints: collection, wait, timeout;
    UpdateBatchPoints: collection, wait, timeout;
    CreateFieldIndexCollection: collection, wait, timeout;
    DeleteFieldIndexCollection: collection, wait, timeout;
    CreateVectorNameRequest: collection, wait, timeout;
    DeleteVectorNameRequest: collection, wait, timeout;
    GetPoints: collection, timeout, consistency;
    ScrollPoints: collection, timeout, consistency;
    CountPoints: collection, timeout, consistency;
    QueryPoints: collection, timeout, consistency;
    QueryBatchPoints: collection, timeout, consistency;
    QueryPointGroups: collection, timeout, consistency;
    SearchPoints: collection, timeout, consistency;
    SearchPointGroups: collection, timeout, consistency;
    SearchBatchPoints: collection, timeout, consistency;
    RecommendPoints: collection, timeout, consistency;
    RecommendBatchPoints: collection, timeout, consistency;
    RecommendPointGroups: collection, timeout, consistency;
    DiscoverPoints: collection, timeout, consistency;
    DiscoverBatchPoints: collection, timeout, consistency;
    FacetCounts: collection, timeout, consistency;
    SearchMatrixPoints: collection, timeout, consistency;
    CreateCollection: collection, timeout;
    UpdateCollection: collection, timeout;
    DeleteCollection: collection, timeout;
    CreateShardKeyRequest: collection, timeout;
    DeleteShardKeyRequest: collection, timeout;
    UpdateCollectionClusterSetupRequest: collection, timeout;
    GetCollectionInfoRequest: collection;
    CollectionExistsRequest: collection;
    CollectionClusterInfoRequest: collection;
    ListCollectionAliasesRequest: collection;
    ListShardKeysRequest: collection;
    ChangeAliases: timeout;
    ListAliasesRequest:;
    ListCollectionsRequest:;
}

fn consistency(asked: Option<ReadConsistency>) -> Result<Option<String>, Error> {
    let Some(value) = asked.and_then(|asked| asked.value) else { return Ok(None) };
    let word = match value {
        Consistency::Factor(replicas) => replicas.to_string(),
        Consistency::Type(number) => match ReadConsistencyType::try_from(number) {
            Ok(known) => known.as_str_name().to_lowercase(),
            Err(_) => {
                return Err(Error::malformed(format_args!(
                    "read_consistency: there is no type {number}"
                )));
            }
        },
    };
    Ok(Some(word))
}
