//! The vectors of a collection's points.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::limits::{VECTOR_NAME_CHARS_MAX, VECTOR_SIZE_MAX};

/// A vector that each point may have.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vector {
    /// Its name; empty for the one without, which may be the only one.
    #[serde(default)]
    #[schemars(
        length(max = VECTOR_NAME_CHARS_MAX),
        regex(pattern = r#"^[^<>:"/\\|?*\x00-\x1F]*$"#)
    )]
    pub name: String,
    /// Numbers in it.
    #[schemars(range(min = 1, max = VECTOR_SIZE_MAX))]
    pub size: i32,
    /// What is near.
    pub distance: Distance,
    /// Whether each point has several of this size, which are compared as one: those of a query by
    /// the closest of a point's (MaxSim). All points are compared, without a graph. Set once.
    #[serde(default)]
    pub multi: bool,
    /// Which numbers there can be: others are rounded, or cut. Set once.
    #[serde(default)]
    pub datatype: Datatype,
    /// How much of the vectors is kept in memory; `Cached` where it is left out.
    pub memory: Option<Memory>,
    /// Parameters of the graph that is searched.
    pub hnsw: Option<Hnsw>,
}

/// A vector with numbers at few of very many dimensions, as words have weights in a text.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SparseVector {
    /// Its name.
    #[schemars(
        length(min = 1, max = VECTOR_NAME_CHARS_MAX),
        regex(pattern = r#"^[^<>:"/\\|?*\x00-\x1F]+$"#)
    )]
    pub name: String,
    /// What becomes of a query's numbers; they stay as they are where it is left out.
    pub modifier: Option<Modifier>,
    /// How much of the vectors, and of what finds them, is kept in memory; `Cached` where it is
    /// left out.
    pub memory: Option<Memory>,
}

/// A vector as the database has it.
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionVector {
    /// Its name.
    pub name: String,
    /// Numbers in it; absent of a sparse one, as all below but the state.
    pub size: Option<i32>,
    /// What is near.
    pub distance: Option<Distance>,
    /// Whether each point has several.
    pub multi: Option<bool>,
    /// Which numbers there can be.
    pub datatype: Option<Datatype>,
    /// What the spec says of it.
    pub state: VectorState,
}

impl CollectionVector {
    /// Whether both are the same in all that cannot be changed.
    pub fn is_same(&self, other: &Self) -> bool {
        Self { state: other.state, ..self.clone() } == *other
    }
}

/// What the spec says of a vector.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VectorState {
    /// It is as the spec has it.
    Declared,
    /// The spec has it, and it is about to come.
    Adding,
    /// The spec had it, and it is about to go.
    Removing,
    /// The spec had it, and it stays.
    Retained,
    /// The spec has it, and a client removed it.
    Deleted,
    /// The spec never had it: a client added it.
    Undeclared,
}

/// What becomes of the numbers of a query.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Modifier {
    /// Each counts the more, the fewer points have a number at its index.
    Idf,
}

/// Which numbers there can be. All are stored in 32 bits.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Datatype {
    /// Any.
    #[default]
    Float32,
    /// Those that 16 bits hold.
    Float16,
    /// Whole numbers from 0 to 255.
    Uint8,
}

/// How much is kept in memory.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Memory {
    /// Nothing: what is asked for is read from the disk, and memory is left to others.
    Cold,
    /// All, as far as everything that is wanted so fits.
    Cached,
    /// All, and the system may not take it for anything else. It needs a limit of locked memory
    /// that is large enough, and takes half of a node's memory at most.
    Pinned,
}

/// What is near.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distance {
    /// A small angle.
    Cosine,
    /// A large inner product.
    Dot,
    /// A small distance in space.
    Euclid,
    /// A small sum of differences. All points are compared, without a graph.
    Manhattan,
}

/// Parameters of the graph that is searched (Malkov and Yashunin, arXiv 1603.09320).
#[skip_serializing_none]
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hnsw {
    /// Neighbours of a point; more cost memory and find better.
    #[schemars(range(min = 4, max = 128))]
    pub m: Option<i32>,
    /// Candidates while the graph is built; more take longer and find better.
    #[schemars(range(min = 4, max = 4096))]
    pub ef_construct: Option<i32>,
    /// How much of the graphs, and of the codes in them, is kept in memory; `Cached` where it is
    /// left out.
    pub memory: Option<Memory>,
}
