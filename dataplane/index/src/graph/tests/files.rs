//! Files that are cut, damaged, of other rows or of an earlier version.

use std::path::Path;

use super::*;

/// A graph file small enough to damage in every place.
fn small_file() -> (Vec<u8>, Arc<Vec<f32>>) {
    let rows = Arc::new(clustered(40, 3));
    let params = GraphParams { m: 4, ef_construct: 20 };
    (file_with(&rows, Metric::L2, params), rows)
}

#[test]
fn cut_or_extended_file_is_refused() {
    let (whole, rows) = small_file();
    for length in 0..whole.len() {
        let opened = open(whole[..length].to_vec(), &rows, Metric::L2);
        assert!(matches!(opened, Err(Error::Open { .. })), "{length}");
    }
    assert!(open([whole.as_slice(), b"x"].concat(), &rows, Metric::L2).is_err());
}

#[test]
fn damaged_file_is_refused_or_still_safe_to_search() {
    let (whole, rows) = small_file();
    let mut noise = Noise(11);
    for at in 0..whole.len() {
        for damage in [0x00, 0xFF, whole[at] ^ 0x01, whole[at] ^ 0x40] {
            let mut file = whole.clone();
            file[at] = damage;
            let Ok(graph) = open(file, &rows, Metric::L2) else { continue };
            // A link that leads outside is met by a search only.
            match graph.search(&noise.vector(), K, 40, &Select::default()) {
                Ok(hits) => assert!(hits.iter().all(|hit| hit.row < 40)),
                Err(error) => assert!(matches!(error, Error::Engine { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn file_for_other_rows_is_refused() {
    let (file, rows) = small_file();
    let shorter = Arc::new(rows[DIM..].to_vec());
    let refused = |rows: &Arc<Vec<f32>>, dim, metric| {
        let rows = Arc::clone(rows) as Arc<dyn Rows>;
        let opened = Graph::open(Arc::new(file.clone()), rows, dim, metric);
        matches!(opened, Err(Error::Open { .. }))
    };
    assert!(refused(&shorter, DIM, Metric::L2));
    assert!(refused(&rows, DIM / 2, Metric::L2));
    assert!(refused(&rows, DIM, Metric::InnerProduct));
    assert!(!refused(&rows, DIM, Metric::L2));
}

#[test]
fn failed_write_is_reported() {
    let params = GraphParams { m: 4, ef_construct: 20 };
    let dir = tempfile::tempdir().expect("a temporary folder");
    // One has no folder, the other accepts an open and fails when the bytes arrive.
    for path in [&dir.path().join("nowhere/graph"), Path::new("/dev/full")] {
        let built = Graph::build(&clustered(40, 3), (DIM, Metric::L2), params, path, &mut alone);
        assert!(matches!(built, Err(Error::Save { .. })));
    }
}

/// A file of an earlier version, in FAISS's own format, over the rows of [`small_file`].
const OF_FAISS: &[u8] = include_bytes!("../testdata/faiss-40x24-m4.bin");

#[test]
fn a_file_of_an_earlier_version_is_searched_as_one_of_today() {
    let (today, rows) = small_file();
    let graphs = [OF_FAISS.to_vec(), today]
        .map(|file| open(file, &rows, Metric::L2).expect("a file of a known format"));
    assert_eq!([0, 1].map(|at| graphs[at].is_of_earlier_version()), [true, false]);
    for query in queries() {
        let answers = [0, 1].map(|at| {
            graphs[at].search(&query, K, 40, &Select::default()).expect("a fitting query")
        });
        assert_eq!(answers[0].len(), K);
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn a_damaged_file_of_an_earlier_version_is_refused_or_still_safe_to_search() {
    let rows = small_file().1;
    let mut noise = Noise(11);
    for length in 0..OF_FAISS.len() {
        let opened = open(OF_FAISS[..length].to_vec(), &rows, Metric::L2);
        assert!(matches!(opened, Err(Error::Open { .. })), "{length}");
    }
    for at in 0..OF_FAISS.len() {
        for damage in [0x00, 0xFF, OF_FAISS[at] ^ 0x01, OF_FAISS[at] ^ 0x40] {
            let mut file = OF_FAISS.to_vec();
            file[at] = damage;
            if let Ok(graph) = open(file, &rows, Metric::L2) {
                let hits = graph.search(&noise.vector(), K, 40, &Select::default());
                assert!(hits.expect("its links were checked").iter().all(|hit| hit.row < 40));
            }
        }
    }
}

/// Norms were once those of rows: with them a search for Euclid would pass over what is near.
#[test]
fn a_file_with_norms_of_rows_is_refused_where_norms_matter() {
    let rows = Arc::new(clustered(400, 3));
    let params = GraphParams { m: 8, ef_construct: 40 };
    for metric in METRICS {
        let mut file = file_with(&rows, metric, params);
        assert_eq!(&file[..8], b"VANEGRF2");
        file[7] = b'1';
        match (open(file, &rows, metric), metric) {
            (Err(Error::Open { message }), Metric::L2) => {
                assert!(message.contains("earlier form"), "{message}");
            }
            (Ok(graph), Metric::InnerProduct) => assert_eq!(graph.unreached(), 0),
            (opened, metric) => panic!("{metric:?}: {:?}", opened.map(|_| ())),
        }
    }
}
