//! Which vectors the spec has, which the database has, and what is to be done about those that
//! only one of both has. Pure.
//!
//! A vector is this one by its name and all that cannot be changed: one of the same name and
//! another size is another. Status remembers those that the object had, since neither the spec nor
//! the database does: only those are removed, and one of them that is gone was removed by a client.
//! So status says that a vector comes or goes before it does.

use std::fmt;

use serde_json::Value;
use vane_crds::cluster::Retain;
use vane_crds::collection::{
    CollectionSpec, CollectionVector, Datatype, Distance, VectorState as State,
};

use super::body;
use crate::status::Finding;

/// The vectors of a collection that is there.
pub(super) struct Vectors<'a> {
    /// Name of the collection in the database.
    collection: &'a str,
    spec: &'a CollectionSpec,
    /// What status says of them.
    known: &'a [CollectionVector],
    /// Those that are there, and those of the spec that are not.
    pub(super) all: Vec<CollectionVector>,
}

impl<'a> Vectors<'a> {
    /// Of a collection of which the database has this configuration. `known` is what status says.
    pub(super) fn new(
        collection: &'a str,
        spec: &'a CollectionSpec,
        known: &'a [CollectionVector],
        config: &Value,
    ) -> Self {
        let declared = declared(spec);
        let was = |vector: &CollectionVector| state_of(known, vector);
        let stated = |found: CollectionVector| {
            let is_declared = declared.iter().any(|declared| declared.is_same(&found));
            let state = match (was(&found), spec.deletion_policy) {
                _ if is_declared => State::Declared,
                (None | Some(State::Deleted | State::Undeclared), _) => State::Undeclared,
                (Some(_), Retain::Delete) => State::Removing,
                (Some(_), Retain::Retain) => State::Retained,
            };
            CollectionVector { state, ..found }
        };
        let mut all: Vec<CollectionVector> = there(config).into_iter().map(stated).collect();
        let absent = declared.iter().filter(|vector| all.iter().all(|it| it.name != vector.name));
        let absent = absent.map(|vector| {
            let state = match was(vector) {
                Some(State::Declared | State::Deleted) => State::Deleted,
                _ => State::Adding,
            };
            CollectionVector { state, ..vector.clone() }
        });
        let absent: Vec<CollectionVector> = absent.collect();
        all.extend(absent);
        Self { collection, spec, known, all }
    }

    fn in_state(&self, state: State) -> impl Iterator<Item = &CollectionVector> {
        self.all.iter().filter(move |vector| vector.state == state)
    }

    /// Those in a state that status told of before this pass.
    fn told(&self, state: State) -> impl Iterator<Item = &CollectionVector> {
        let known = self.known;
        self.in_state(state).filter(move |vector| state_of(known, vector) == Some(state))
    }

    /// How they differ for good from those that are declared. To one that `is_own` they may be
    /// added; what others made and lacks them may be there for another purpose.
    pub(super) fn difference(&self, is_own: bool) -> Option<String> {
        for wanted in declared(self.spec) {
            let of_name = self.all.iter().find(|vector| vector.name == wanted.name);
            // All that are declared are among them.
            let Some(there) = of_name else { continue };
            let (there_is, declared_is) = (Shape(there), Shape(&wanted));
            let differs =
                format!("its vector {:?} is {there_is}, declared is {declared_is}", wanted.name);
            match there.state {
                State::Adding if !is_own => {
                    return Some(format!("it has no vector {:?}, {declared_is}", wanted.name));
                }
                State::Declared | State::Adding | State::Removing | State::Deleted => {}
                State::Undeclared => return Some(differs),
                State::Retained => {
                    return Some(format!(
                        "{differs}; the former was kept, since deletionPolicy is Retain: to make \
                         room, {}",
                        self.removal_by_hand(&wanted.name)
                    ));
                }
            }
        }
        None
    }

    fn removal_by_hand(&self, vector: &str) -> String {
        let collection = self.collection;
        format!("remove it in the database (DELETE /collections/{collection}/vectors/{vector})")
    }

    /// Names of those that are to go now.
    pub(super) fn going(&self) -> impl Iterator<Item = &String> {
        self.told(State::Removing).map(|vector| &vector.name)
    }

    /// Those that are to come now: name, and the body of the call.
    pub(super) fn coming(&self) -> impl Iterator<Item = (&String, Value)> {
        let named = self.told(State::Adding).map(|vector| &vector.name);
        named.filter_map(|name| Some((name, body::new_vector(self.spec, name)?)))
    }

    /// The spec without vectors that are not there yet, or not any more: nothing of those can be
    /// changed.
    pub(super) fn spec_of_present(&self) -> CollectionSpec {
        let mut spec = self.spec.clone();
        let is_there = |name: &str| self.in_state(State::Declared).any(|there| there.name == name);
        spec.vectors.retain(|vector| is_there(&vector.name));
        spec.sparse_vectors.retain(|vector| is_there(&vector.name));
        spec
    }

    /// That a client removed some.
    pub(super) fn lost(&self) -> Option<Finding> {
        let names = named(self.in_state(State::Deleted))?;
        let message = format!(
            "{names} in the database was removed by a client, with what points had of it; to have \
             it again, without that, take it out of the spec, and put it in again once \
             status.vectors does not name it any more"
        );
        Some(Finding::no("VectorDeleted", message))
    }

    /// Whether they are those of the spec; none where they are and nobody asked before.
    pub(super) fn as_declared(&self, was_asked: bool) -> Option<Finding> {
        let removing = named(self.in_state(State::Removing)).map(|names| {
            let message = format!(
                "{names} is removed, with what points have of it: the spec does not have it any \
                 more, and deletionPolicy is Delete"
            );
            Finding::no("Removing", message)
        });
        let adding = named(self.in_state(State::Adding))
            .map(|names| Finding::no("Adding", format!("{names} is added")));
        let retained = self.in_state(State::Retained).next().map(|first| {
            let names = named(self.in_state(State::Retained)).unwrap_or_default();
            let message = format!(
                "{names} stays, with what points have of it: the spec does not have it any more, \
                 and deletionPolicy is Retain; to be rid of it, {}",
                self.removal_by_hand(&first.name)
            );
            Finding::no("Retained", message)
        });
        let all = [self.lost(), removing, adding, retained];
        let joined = all.into_iter().flatten().reduce(|first, next| Finding {
            message: format!("{}. {}", first.message, next.message),
            ..first
        });
        let same = || Finding::yes("AsDeclared", "the vectors are those of the spec");
        joined.or_else(|| was_asked.then(same))
    }
}

/// Whether some of a collection's vectors are on their way to it, or from it.
pub(super) fn are_changing(all: &[CollectionVector]) -> bool {
    all.iter().any(|vector| matches!(vector.state, State::Adding | State::Removing))
}

/// The state of a vector that is known.
fn state_of(known: &[CollectionVector], vector: &CollectionVector) -> Option<State> {
    known.iter().find(|known| known.is_same(vector)).map(|known| known.state)
}

/// `vector "a"` or `vector "a", "b"`; none without any.
fn named<'a>(vectors: impl Iterator<Item = &'a CollectionVector>) -> Option<String> {
    let names: Vec<String> = vectors.map(|vector| format!("{:?}", vector.name)).collect();
    (!names.is_empty()).then(|| format!("vector {}", names.join(", ")))
}

/// What cannot be changed of a vector, in words.
struct Shape<'a>(&'a CollectionVector);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CollectionVector { size: Some(size), distance, multi, datatype, .. } = self.0 else {
            return f.write_str("sparse");
        };
        let several = if *multi == Some(true) { ", multi" } else { "" };
        let (distance, datatype) = (Words(distance.as_ref()), Words(datatype.as_ref()));
        write!(f, "size {size}, {distance}, {datatype}{several}")
    }
}

/// A word as the API has it.
struct Words<'a, T>(Option<&'a T>);

impl<T: fmt::Debug> fmt::Display for Words<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, "{word:?}"),
            None => f.write_str("another kind"),
        }
    }
}

fn declared(spec: &CollectionSpec) -> Vec<CollectionVector> {
    let dense = spec.vectors.iter().map(|vector| CollectionVector {
        name: vector.name.clone(),
        size: Some(vector.size),
        distance: Some(vector.distance),
        multi: vector.multi.then_some(true),
        datatype: Some(vector.datatype),
        state: State::Declared,
    });
    let sparse = spec.sparse_vectors.iter().map(|vector| sparse(&vector.name));
    dense.chain(sparse).collect()
}

fn sparse(name: &str) -> CollectionVector {
    let name = name.to_owned();
    let (size, distance, multi, datatype) = (None, None, None, None);
    CollectionVector { name, size, distance, multi, datatype, state: State::Declared }
}

/// Those of a configuration as the database shows it.
fn there(config: &Value) -> Vec<CollectionVector> {
    let params = &config["params"];
    let dense = match &params["vectors"] {
        // The unnamed one alone.
        only if only["size"].is_number() => vec![dense("", only)],
        several => entries(several).map(|(name, vector)| dense(name, vector)).collect(),
    };
    let sparse = entries(&params["sparse_vectors"]).map(|(name, _)| sparse(name));
    dense.into_iter().chain(sparse).collect()
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn dense(name: &str, shown: &Value) -> CollectionVector {
    let distances = [Distance::Cosine, Distance::Dot, Distance::Euclid, Distance::Manhattan];
    let distance = distances.into_iter().find(|it| shown["distance"] == body::distance(*it));
    let datatypes = [Datatype::Float32, Datatype::Float16, Datatype::Uint8];
    // What is not shown is as it is by default.
    let datatype = shown["datatype"].as_str().unwrap_or("float32");
    CollectionVector {
        name: name.to_owned(),
        // Out of range it is no spec's, and not sparse either.
        size: Some(shown["size"].as_i64().and_then(|size| size.try_into().ok()).unwrap_or(0)),
        distance,
        multi: (!shown["multivector_config"].is_null()).then_some(true),
        datatype: datatypes.into_iter().find(|it| body::datatype(*it) == datatype),
        state: State::Declared,
    }
}
