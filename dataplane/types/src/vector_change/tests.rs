use serde_json::json;

use super::*;
use crate::{Distance, SparseParams, VectorId};

fn dense(size: usize) -> VectorSpec {
    VectorSpec::of(VectorParams::new(size, Distance::Dot))
}

fn sparse(idf: bool) -> VectorSpec {
    VectorSpec::Sparse(SparseParams { idf, ..SparseParams::default() })
}

/// Made with the vectors `b`, `d` and, sparse, `c`.
fn config() -> CollectionConfig {
    let params = VectorParams::new(2, Distance::Dot);
    CollectionConfig {
        vectors: ["b", "d"].map(|name| (name.to_owned(), params)).into(),
        sparse: [("c".to_owned(), SparseParams::default())].into(),
        ..CollectionConfig::default()
    }
}

fn ids(config: &CollectionConfig) -> Vec<(&str, u16)> {
    config.identified().map(|(id, name, _)| (name.as_str(), id.0)).collect()
}

#[test]
fn a_vector_keeps_its_id_and_no_later_one_gets_it() {
    let mut config = config();
    assert_eq!(ids(&config), [("b", 0), ("d", 1), ("c", 2)]);
    assert_eq!((config.next_id(), config.id_of("d")), (VectorId(3), Some(VectorId(1))));
    assert_eq!(config.add_vector("a", dense(3)), Ok(true));
    assert_eq!(ids(&config), [("a", 3), ("b", 0), ("d", 1), ("c", 2)]);
    assert!(config.remove_vector("d") && !config.remove_vector("d"));
    assert_eq!(config.add_vector("d", sparse(true)), Ok(true));
    assert_eq!(ids(&config), [("a", 3), ("b", 0), ("c", 2), ("d", 4)]);
    assert_eq!(
        ["a", "b", "c", "d", "e"].map(|name| config.logged_id_of(name)),
        [Some(3), Some(0), Some(0), Some(4), None]
    );
    assert_eq!((config.ids.revision(), config.next_id()), (3, VectorId(5)));
}

#[test]
fn the_first_vector_of_a_collection_without_any_is_told_from_none() {
    let mut config = CollectionConfig::default();
    assert_eq!(config.add_vector("", dense(3)), Ok(true));
    assert_eq!((config.id_of(""), config.logged_id_of("")), (Some(VectorId(1)), Some(1)));
}

#[test]
fn what_is_there_as_it_should_be_stays_and_another_is_refused() {
    let mut known = config();
    known.vectors.get_mut("b").unwrap().on_disk = Some(true);
    let before = known.clone();
    assert_eq!(known.add_vector("b", dense(2)), Ok(false));
    assert_eq!(known.add_vector("c", sparse(false)), Ok(false));
    let multi = VectorSpec::Multi(VectorParams::new(2, Distance::Dot));
    let texts = [
        ("b", dense(3), "Vector `b` already exists with a different configuration"),
        ("b", multi, "Vector `b` already exists with a different configuration"),
        ("b", sparse(false), "Vector `b` already exists as a dense vector"),
        ("c", dense(2), "Vector `c` already exists as a sparse vector"),
        ("c", sparse(true), "Sparse vector `c` already exists with a different configuration"),
    ];
    for (name, spec, text) in texts {
        assert_eq!(known.add_vector(name, spec).unwrap_err().to_string(), text);
    }
    assert_eq!(known, before);
    for number in 3..NAMED_VECTORS_MAX {
        assert_eq!(known.add_vector(&number.to_string(), multi), Ok(true));
    }
    assert_eq!(known.add_vector("more", multi), Err(VectorRefusal::TooMany));
}

#[test]
fn who_has_not_heard_of_a_vector_changes_parameters_alone() {
    let hint = json!({"x": 1}).as_object().unwrap().clone();
    let mut old = config();
    for name in ["b", "d"] {
        old.hints.vectors.insert(name.into(), hint.clone());
    }
    let mut known = old.clone();
    known.remove_vector("d");
    known.add_vector("d", dense(7)).unwrap();
    known.add_vector("e", sparse(true)).unwrap();
    let mut stale = old;
    stale.hnsw.m = 99;
    stale.vectors.values_mut().for_each(|params| params.on_disk = Some(true));
    let after = known.reconfigured(stale.clone());
    assert_eq!((after.hnsw.m, ids(&after)), (99, ids(&known)));
    assert_eq!(after.vectors["b"].on_disk, Some(true));
    assert_eq!((after.vectors["d"], after.sparse["e"].idf), (known.vectors["d"], true));
    assert_eq!(after.hints.vectors, [("b".to_owned(), hint)].into());
    // The other way round the later set is taken over.
    assert_eq!(stale.reconfigured(after.clone()), after);
}

/// Bytes that disks have, and those of a collection whose vectors changed.
#[test]
fn ids_are_written_once_they_are_no_places() {
    let old = r#"{"vectors":{"b":{"size":2,"distance":"Dot"},"d":{"size":2,"distance":"Dot"}},"#;
    let read = |vectors: &str, ids: &str| -> CollectionConfig {
        let rest = concat!(
            r#""hnsw":{"m":16,"ef_construct":100,"full_scan_threshold":10000},"#,
            r#""optimizer":{"indexing_threshold":10000,"deleted_threshold":0.2,"#,
            r#""vacuum_min_vector_number":1000,"max_segment_size":524288},"payload_schema":{}"#
        );
        serde_json::from_str(&format!("{vectors}{ids}{rest}}}")).unwrap()
    };
    let config = CollectionConfig { sparse: BTreeMap::new(), ..config() };
    assert_eq!(read(old, ""), config);
    assert!(!serde_json::to_string(&config).unwrap().contains("ids"));
    let mut changed = config;
    changed.remove_vector("d");
    changed.add_vector("d", dense(2)).unwrap();
    let ids = r#""ids":{"revision":2,"founded":2,"next":3,"by_name":{"b":0,"d":2}},"#;
    assert_eq!(read(old, ids), changed);
    assert!(serde_json::to_string(&changed).unwrap().contains(ids));
}
