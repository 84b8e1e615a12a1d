//! A vector of another kind than the collection's is refused: by a search, and by applying what
//! was checked against an older configuration.

use vane_commands::{Change, Command, LoggedVector, Point, Upsert};
use vane_shard::{Alone, Search};
use vane_storage::MemoryKv;
use vane_types::{ErrorKind, MultiVector, PointId, Refusal, SparseVector, Vector};

use crate::world::{Replica, search, soon, upsert, vector};

fn not_dense() -> [(Vector, &'static str); 2] {
    let sparse = SparseVector::new(vec![0, 3], vec![1.0, 2.0]).unwrap();
    let rows = MultiVector::of_rows(&[[1.0; 4], [2.0; 4]]).unwrap();
    [(sparse.into(), "a sparse vector"), (rows.into(), "a vector of vectors")]
}

fn text(kind: &str) -> String {
    format!("the vector `` of the collection is a dense vector, the request has {kind} for it")
}

#[test]
fn a_search_by_another_kind_does_not_fit() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..3)));
    for (vector, kind) in not_dense() {
        let search = Search { sought: vector.into(), ..search(1.0, None, 2) };
        let refused = replica.shard.search(&search, soon(), &Alone).map(drop).unwrap_err();
        let refused = vane_types::Error::from(refused);
        assert_eq!((refused.kind, refused.detail), (ErrorKind::BadInput, text(kind)));
    }
}

#[test]
fn an_entry_with_a_vector_of_another_kind_changes_nothing() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..3)));
    let before = replica.contents();
    let point = |id: u64, vector| {
        let vectors = vec![LoggedVector::new(String::new(), vector)];
        Point { id: PointId::num(id).to_key(), vectors, payload: Vec::new() }
    };
    for (other, kind) in not_dense() {
        // The first is fine: it must not be half of the entry.
        let points = vec![point(0, vector(7.0)), point(1, other)];
        for change in [Change::Upsert, Change::UpdateVectors] {
            let command = Command::new(change(Upsert::of(points.clone())));
            let refused = replica.apply(command.encode_stored()).unwrap_err();
            assert_eq!(refused, Refusal::Invalid(text(kind)));
            assert_eq!(replica.contents(), before);
        }
    }
}
