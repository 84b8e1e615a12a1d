//! `Collection`: points with vectors of one shape, in a database of the same namespace.

mod indexes;
mod vectors;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use self::indexes::{FieldType, PayloadIndex, Stopwords, TextIndex, Tokenizer};
pub use self::vectors::{
    CollectionVector, Datatype, Distance, Hnsw, Memory, Modifier, SparseVector, Vector, VectorState,
};
use crate::limits::{
    CLUSTER_NAME_CHARS_MAX, COLLECTION_NAME_CHARS_MAX, PAYLOAD_INDEXES_MAX, REPLICAS_MAX,
    SHARDS_MAX, VECTORS_MAX,
};

/// A collection of points.
#[skip_serializing_none]
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "vanedb.io",
    version = "v1alpha1",
    kind = "Collection",
    namespaced,
    status = "CollectionStatus",
    derive = "PartialEq",
    cel,
    doc = "A collection of points in a Vane database.",
    shortname = "col",
    category = "vane",
    selectable = ".spec.clusterRef.name",
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.clusterRef.name"),
    printcolumn(name = "Shards", type_ = "integer", json_path = ".spec.shards"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicationFactor"),
    printcolumn(name = "Points", type_ = "integer", json_path = ".status.points"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    annotation("argocd.argoproj.io/sync-options", "ServerSideApply=true")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Of the struct, as a rule of the field is not run when it is added or taken away.
    validation = Rule::new(
        "has(self.name) == has(oldSelf.name) \
         && (!has(self.name) || self.name == oldSelf.name)"
    )
    .message("cannot be changed: make a second Collection")
    .field_path(".name"),
    // More copies than there are could never acknowledge a write.
    validation = Rule::new(
        "!has(self.writeConsistencyFactor) \
         || self.writeConsistencyFactor <= self.replicationFactor"
    )
    .message("cannot be more than replicationFactor")
    .field_path(".writeConsistencyFactor"),
    validation = Rule::new(
        "has(self.vectors) && self.vectors.size() > 0 \
         || has(self.sparseVectors) && self.sparseVectors.size() > 0"
    )
    .message("needs a vector, dense or sparse")
    .field_path(".vectors"),
    validation = Rule::new(
        "!has(self.vectors) || !has(self.sparseVectors) \
         || self.sparseVectors.all(s, self.vectors.all(v, v.name != s.name))"
    )
    .message("each must have a name that no other vector has")
    .field_path(".sparseVectors"),
    validation = Rule::new(
        "!has(oldSelf.vectors) || !has(self.sparseVectors) \
         || self.sparseVectors.all(s, oldSelf.vectors.all(o, o.name != s.name))"
    )
    .message("a dense vector cannot become a sparse one: remove it, and add the other afterwards")
    .field_path(".sparseVectors"),
    validation = Rule::new(
        "!has(oldSelf.sparseVectors) || !has(self.vectors) \
         || self.vectors.all(v, oldSelf.sparseVectors.all(o, o.name != v.name))"
    )
    .message("a sparse vector cannot become a dense one: remove it, and add the other afterwards")
    .field_path(".vectors")
)]
pub struct CollectionSpec {
    /// The database, in the same namespace.
    #[x_kube(
        // Points do not move between databases: the other one would be empty.
        validation = Rule::new("self == oldSelf")
            .message("cannot be changed: make a Collection for the other cluster")
    )]
    pub cluster_ref: ClusterRef,
    /// Name in the database; that of this object where it is left out.
    #[schemars(
        length(min = 1, max = COLLECTION_NAME_CHARS_MAX),
        regex(pattern = r#"^[^<>:"/\\|?*\x00-\x1F]+$"#)
    )]
    pub name: Option<String>,
    /// The vectors of a point: one without a name, or several with names. May be left out where
    /// there are sparse ones. One that is added comes to a collection that is there, and its points
    /// do not have it yet. One that is removed goes from the database with `deletionPolicy` Delete;
    /// else it stays there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = VECTORS_MAX))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["name".into()]),
        // By name: the order of the list has no meaning.
        validation = Rule::new(
            "self.all(v, oldSelf.all(o, o.name != v.name \
             || (o.size == v.size && o.distance == v.distance \
             && o.multi == v.multi && o.datatype == v.datatype)))"
        )
        .message(
            "size, distance, multi and datatype cannot be changed: add a vector of another name, \
             or make a second Collection and point an alias to it"
        )
    )]
    pub vectors: Vec<Vector>,
    /// Further vectors of a point, with numbers at few of very many dimensions. They are added and
    /// removed as the others are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = VECTORS_MAX))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub sparse_vectors: Vec<SparseVector>,
    /// Shards: parts that are spread over the nodes. Set once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = SHARDS_MAX))]
    // A point belongs to a shard by its hash: with another number it would be looked for elsewhere.
    #[x_kube(validation = Rule::new("self == oldSelf").message("cannot be changed yet"))]
    pub shards: i32,
    /// Who says where a point lies. Set once.
    #[serde(default)]
    // Points know their tenant, or they have none.
    #[x_kube(validation = Rule::new("self == oldSelf").message("cannot be changed"))]
    pub sharding_method: ShardingMethod,
    /// Copies of each shard, on as many nodes. Three survive the loss of one without a pause
    /// of writes. Set once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = REPLICAS_MAX))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("cannot be changed yet"))]
    pub replication_factor: i32,
    /// Copies that must have a write before it is acknowledged; a majority where it is left
    /// out or less.
    #[schemars(range(min = 1, max = REPLICAS_MAX))]
    pub write_consistency_factor: Option<i32>,
    /// What searches are to be like. What is not said here is left as it is in the database.
    pub search: Option<Search>,
    /// Payload fields that filters find by an index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = PAYLOAD_INDEXES_MAX))]
    #[x_kube(
        merge_strategy = ListMerge::Map(vec!["field".into()]),
        validation = Rule::new("self.filter(i, has(i.tenant) && i.tenant).size() <= 1")
            .message("only one can be of tenants")
    )]
    pub payload_indexes: Vec<PayloadIndex>,
    /// Other names of the collection. Given to it when it is made; an application may point
    /// them elsewhere afterwards, which is reported and left alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(
            length(min = 1, max = COLLECTION_NAME_CHARS_MAX),
            regex(pattern = r#"^[^<>:"/\\|?*\x00-\x1F]+$"#)
        )
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub aliases: Vec<String>,
    /// What becomes of the points when this object is deleted, and of what they have of a vector
    /// that is removed from the spec. It deletes only what it made or took over, never what it was
    /// refused for.
    #[serde(default)]
    pub deletion_policy: crate::cluster::Retain,
}

fn one() -> i32 {
    1
}

/// A VectorCluster of the same namespace.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRef {
    /// Its name.
    #[schemars(length(min = 1, max = CLUSTER_NAME_CHARS_MAX))]
    pub name: String,
}

/// Who says where a point lies.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShardingMethod {
    /// Its id.
    #[default]
    Auto,
    /// Its shard key, and its id within that: for points of tenants, each with ids of its own.
    /// Clients make the keys, and name one with each request.
    Custom,
}

/// What searches are to be like.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Search {
    /// Share of what they should find that searches by graphs find, in the mean: `0.97`. It is
    /// measured beside searches, and those that do not set `hnsw_ef` themselves take more effort
    /// until it is reached, up to seven times. Without it nothing is promised.
    #[schemars(range(min = 0.5, max = 0.999))]
    pub min_recall: Option<f64>,
}

/// What there is.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionStatus {
    /// Generation of the spec that this is about.
    pub observed_generation: Option<i64>,
    /// Key with which the operator made the collection; absent for one that was adopted.
    pub created_with: Option<String>,
    /// Points, rounded to two digits once there are many.
    pub points: Option<i64>,
    /// Vectors that a graph finds, rounded likewise.
    pub indexed_vectors: Option<i64>,
    /// What searches by graphs found lately of what they should, by how much a filter leaves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["filter".into()]))]
    pub recall: Vec<MeasuredRecall>,
    /// Vectors that the database has, and those of the spec that it has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub vectors: Vec<CollectionVector>,
    /// Shards that have a leader.
    pub shards_ready: Option<i32>,
    /// Names under which applications find it now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What is true of it: `Ready` is the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// What the measured searches with a kind of filter found.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredRecall {
    /// What the filter leaves: `none` is no filter, `wide` a tenth of the points or more, `narrow`
    /// a hundredth or more, `few` less.
    pub filter: String,
    /// Searches that were answered exactly as well, rounded to two digits.
    pub searches: i64,
    /// Mean share that they found.
    pub recall: f64,
    /// The mean of all searches is more than this, 97 times of 100.
    pub low: f64,
    /// And less than this.
    pub high: f64,
    /// Candidates that searches keep, in percent of the vector's `efConstruct`.
    pub ef_percent: Option<i32>,
}
