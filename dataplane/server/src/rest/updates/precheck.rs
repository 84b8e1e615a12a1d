//! What can be wrong with a later operation of a batch, found before the first begins.
//!
//! The collection checks each operation again when its turn comes, and more of it: which
//! points are there depends on the operations before.

use vane_cluster::{Error, Write};
use vane_types::{CollectionConfig, NamedVectors};

/// Checks all that does not depend on stored points; the error is for the operation of
/// that number.
pub(super) fn check(config: &CollectionConfig, writes: &[Write]) -> Result<(), (usize, Error)> {
    writes.iter().enumerate().try_for_each(|(i, write)| check_one(config, write).map_err(|error| (i, error)))
}

fn check_one(config: &CollectionConfig, write: &Write) -> Result<(), Error> {
    match write {
        Write::Upsert(points) => points.iter().try_for_each(|it| vectors(config, &it.vectors)),
        Write::UpdateVectors(points) => points.iter().try_for_each(|(_, it)| vectors(config, it)),
        Write::DeleteVectors { names, points: _ } => names.iter().try_for_each(|it| size_of(config, it).map(drop)),
        Write::Delete(_)
        | Write::SetPayload { .. }
        | Write::OverwritePayload { .. }
        | Write::DeletePayload { .. }
        | Write::ClearPayload(_)
        | Write::CreateIndex { .. }
        | Write::DropIndex { .. } => Ok(()),
    }
}

fn vectors(config: &CollectionConfig, vectors: &NamedVectors) -> Result<(), Error> {
    for (name, values) in vectors {
        let size = size_of(config, name)?;
        if values.len() != size {
            let text = format!("Vector dimension error: expected dim: {size}, got {}", values.len());
            return Err(Error::BadInput(text));
        }
        if let Some(i) = values.iter().position(|it| !it.is_finite()) {
            return Err(Error::BadInput(format!("a vector has {} at position {i}; values must be finite", values[i])));
        }
    }
    Ok(())
}

fn size_of(config: &CollectionConfig, vector: &str) -> Result<usize, Error> {
    let params = config.vectors.get(vector);
    params.map(|it| it.size).ok_or_else(|| Error::BadInput(format!("Not existing vector name error: {vector}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::check;
    use vane_cluster::{NewPoint, Selection, Write};
    use vane_types::{CollectionConfig, Distance, HnswConfig, NamedVectors, OptimizerConfig, Payload, VectorParams};

    #[test]
    fn later_operation_is_found_out_before_the_first_begins() {
        let params = VectorParams { size: 2, distance: Distance::Dot, hnsw: None, on_disk: None };
        let config = CollectionConfig {
            vectors: BTreeMap::from([("a".to_owned(), params)]),
            hnsw: HnswConfig::default(),
            optimizer: OptimizerConfig::default(),
            payload_schema: BTreeMap::new(),
            metadata: Payload::new(),
        };
        let upsert = |name: &str, values: &[f32]| {
            let vectors = NamedVectors::from([(name.to_owned(), values.to_vec())]);
            vec![
                Write::Delete(Selection::Ids(Vec::new())),
                Write::Upsert(vec![NewPoint { id: 1.into(), vectors, payload: Payload::new() }]),
            ]
        };
        assert!(check(&config, &upsert("a", &[1.0, 2.0])).is_ok());
        for (name, values) in [("a", &[1.0][..]), ("a", &[1.0, f32::INFINITY]), ("", &[1.0, 2.0])] {
            assert_eq!(check(&config, &upsert(name, values)).unwrap_err().0, 1, "{name} {values:?}");
        }
    }
}
