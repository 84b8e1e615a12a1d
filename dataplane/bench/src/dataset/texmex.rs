//! Files of TEXMEX, by their usual names: `*base.fvecs`, `*query.fvecs` and, if it is there,
//! `*groundtruth.ivecs`. Each row is its length and its values, of four bytes each, little-endian.
//! Distances are Euclidean.

use std::path::{Path, PathBuf};

use super::{Distance, Plain};
use crate::error::Error;

/// The files of a data set.
pub(super) struct Files {
    base: PathBuf,
    queries: PathBuf,
    truth: Option<PathBuf>,
}

/// The files of a folder, if it has points and queries of this format.
pub(super) fn files(dir: &Path) -> Option<Files> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect();
    names.sort();
    let with = |end: &str| {
        let ends = |path: &&PathBuf| path.to_string_lossy().ends_with(end);
        names.iter().find(ends).cloned()
    };
    Some(Files {
        base: with("base.fvecs")?,
        queries: with("query.fvecs")?,
        truth: with("groundtruth.ivecs"),
    })
}

/// Reads them.
pub(super) fn read(files: &Files) -> Result<Plain, Error> {
    let (rows, dim) = values(&files.base, f32::from_le_bytes)?;
    let (queries, query_dim) = values(&files.queries, f32::from_le_bytes)?;
    if query_dim != dim {
        return Err(Error::data(&files.queries, "it has other dimensions than the points"));
    }
    let truth = match &files.truth {
        Some(path) => {
            let (ids, columns) = values(path, u32::from_le_bytes)?;
            ids.chunks_exact(columns)
                .map(|ids| ids.iter().map(|id| u64::from(*id)).collect())
                .collect()
        }
        None => Vec::new(),
    };
    Ok(Plain { distance: Distance::Euclid, dim, rows, queries, truth })
}

/// The values of all rows, and how many each has.
fn values<T>(path: &Path, value: impl Fn([u8; 4]) -> T) -> Result<(Vec<T>, usize), Error> {
    let bytes = std::fs::read(path).map_err(|e| Error::data(path, e))?;
    let mut words = bytes.as_chunks::<4>().0.iter();
    let Some(first) = bytes.first_chunk::<4>() else {
        return Err(Error::data(path, "it is empty"));
    };
    let columns = u32::from_le_bytes(*first) as usize;
    if columns == 0 || !bytes.len().is_multiple_of((columns + 1) * 4) {
        return Err(Error::data(path, "its rows do not have one length"));
    }
    let mut values = Vec::with_capacity(bytes.len() / 4);
    while let Some(length) = words.next() {
        if length != first {
            return Err(Error::data(path, "its rows do not have one length"));
        }
        values.extend(words.by_ref().take(columns).map(|bytes| value(*bytes)));
    }
    Ok((values, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;

    fn rows(rows: &[&[[u8; 4]]]) -> Vec<u8> {
        let row = |row: &&[[u8; 4]]| [&[(row.len() as u32).to_le_bytes()], *row].concat();
        rows.iter().flat_map(row).flatten().collect()
    }

    #[test]
    fn a_folder_of_vectors_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.path().join(name), bytes);
        let [one, two] = [1.0_f32, 2.0].map(f32::to_le_bytes);
        write("sift_base.fvecs", rows(&[&[one, two], &[two, two]])).unwrap();
        write("sift_query.fvecs", rows(&[&[two, one]])).unwrap();
        write("sift_groundtruth.ivecs", rows(&[&[1_u32, 0].map(u32::to_le_bytes)])).unwrap();
        let data = Dataset::read(dir.path()).unwrap();
        assert_eq!((data.len(), data.dim, data.distance), (2, 2, Distance::Euclid));
        assert_eq!(data.vector(0), [1.0, 2.0]);
        assert_eq!(data.truth, [[1, 0]]);
        write("sift_query.fvecs", rows(&[&[two, one], &[one]])).unwrap();
        let error = Dataset::read(dir.path()).err().unwrap().to_string();
        assert!(error.contains("sift_query.fvecs"), "{error}");
    }
}
