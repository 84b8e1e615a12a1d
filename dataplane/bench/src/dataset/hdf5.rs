//! Files of ann-benchmarks: HDF5 with `train`, `test`, `neighbors` and the attribute `distance`.

use std::path::Path;

use hdf5_pure::{AttrValue, File};

use super::{Distance, Plain};
use crate::error::Error;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Plain, Error> {
    let failed = |e: hdf5_pure::Error| Error::data(path, e);
    // By parts: a file of gigabytes must not be in memory beside its rows.
    let file = File::open_streaming(path).map_err(failed)?;
    let name = match file.root().attrs().map_err(failed)?.remove("distance") {
        Some(
            AttrValue::String(name)
            | AttrValue::AsciiString(name)
            | AttrValue::VarLenString(name)
            | AttrValue::VarLenAsciiString(name),
        ) => name,
        other => return Err(Error::data(path, format!("its distance is {other:?}"))),
    };
    let distance = match name.as_str() {
        "angular" => Distance::Cosine,
        "euclidean" => Distance::Euclid,
        "dot" => Distance::Dot,
        _ => return Err(Error::data(path, format!("distance {name} is not one of a node's"))),
    };
    let matrix = |name: &str| {
        let dataset = file.dataset(name).map_err(failed)?;
        let shape = dataset.shape().map_err(failed)?;
        let columns = shape.get(1).map_or(0, |columns| *columns as usize);
        Ok::<_, Error>((dataset, columns))
    };
    let (train, dim) = matrix("train")?;
    let (test, test_dim) = matrix("test")?;
    let (neighbors, columns) = matrix("neighbors")?;
    if test_dim != dim || columns == 0 {
        return Err(Error::data(path, "its points, queries and answers do not fit together"));
    }
    let ids = neighbors.read_i64().map_err(failed)?;
    let ids = ids.chunks_exact(columns);
    // A negative number pads a row at its end.
    let truth = ids.map(|ids| ids.iter().map_while(|id| u64::try_from(*id).ok()).collect());
    Ok(Plain {
        distance,
        dim,
        rows: train.read_f32().map_err(failed)?,
        queries: test.read_f32().map_err(failed)?,
        truth: truth.collect(),
    })
}

#[cfg(test)]
mod tests {
    use hdf5_pure::FileBuilder;

    use super::*;
    use crate::dataset::Dataset;

    fn written(distance: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut file = FileBuilder::new();
        let rows = [3.0_f32, 4.0, 0.0, 2.0, 1.0, 0.0];
        file.create_dataset("train").with_f32_data(&rows).with_shape(&[3, 2]);
        file.create_dataset("test").with_f32_data(&[0.0, 5.0]).with_shape(&[1, 2]);
        file.create_dataset("neighbors").with_i32_data(&[1, 0, 2]).with_shape(&[1, 3]);
        // As h5py writes a text.
        file.set_attr("distance", AttrValue::VarLenString(distance.to_owned()));
        file.write(dir.path().join("set.hdf5")).unwrap();
        dir
    }

    #[test]
    fn angular_vectors_come_to_unit_length() {
        let dir = written("angular");
        let data = Dataset::read(&dir.path().join("set.hdf5")).unwrap();
        assert_eq!((data.len(), data.dim, data.distance), (3, 2, Distance::Cosine));
        assert_eq!(data.vector(0), [0.6, 0.8]);
        assert_eq!(data.queries[0].vector, [0.0, 1.0]);
        assert_eq!(data.truth, [[1, 0, 2]]);
    }

    #[test]
    fn other_vectors_stay_and_unknown_distances_are_refused() {
        let read = |distance| Dataset::read(&written(distance).path().join("set.hdf5"));
        let data = read("euclidean").unwrap();
        assert_eq!((data.vector(0), data.distance), (&[3.0, 4.0][..], Distance::Euclid));
        let error = read("hamming").err().unwrap().to_string();
        assert!(error.contains("hamming"), "{error}");
    }
}
