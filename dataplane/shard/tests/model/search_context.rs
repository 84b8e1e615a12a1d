//! A search in two steps answers as of its first.

use vane_shard::{Alone, Error, Search, Want, WantPayload, WantVectors, Write};
use vane_storage::MemoryKv;
use vane_types::PointId;

use crate::world::{Replica, payload, search, selection, soon, upsert, vector};

#[test]
fn records_are_of_the_moment_of_the_search() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..100)));
    (0..3).for_each(|_| replica.run_jobs());
    let want = Want { payload: WantPayload::All, vectors: WantVectors::All };
    let search = Search { want: want.clone(), ..search(50.0, None, 3) };
    let plain = replica.shard.search(&search, soon(), &Alone).unwrap();
    let context = replica.shard.search_context(&search, soon(), &Alone).unwrap();
    let scored: Vec<_> = plain.iter().map(|scored| (scored.record.id, scored.score)).collect();
    assert_eq!(context.scored(), scored);
    assert!(context.bytes() > 0);
    let set = Write::OverwritePayload { points: selection(&[50, 51]), payload: payload(99) };
    assert!(replica.write(set));
    assert!(replica.write(Write::Delete(selection(&[49]))));
    for (place, scored) in plain.iter().enumerate() {
        let [record] = <[_; 1]>::try_from(context.fetch(&[place], &want).unwrap()).unwrap();
        assert_eq!((record.id, record.version), (scored.record.id, scored.record.version));
        assert_eq!(record.payload, scored.record.payload);
        let vectors = record.vectors.unwrap();
        assert_eq!(
            vectors.contains_key(""),
            record.id != PointId::num(49),
            "vectors are those of now"
        );
    }
    let both = context.fetch(&[2, 0], &Want::default()).unwrap();
    assert_eq!(
        both.iter().map(|record| record.id).collect::<Vec<_>>(),
        [plain[2].record.id, plain[0].record.id]
    );
    assert!(both.iter().all(|record| record.payload.is_none() && record.vectors.is_none()));
    assert!(matches!(context.fetch(&[3], &want), Err(Error::BadInput(_))));
}

#[test]
fn without_payloads_nothing_is_kept() {
    let replica = Replica::founded(MemoryKv::default());
    assert!(replica.write(upsert(0..10)));
    let context = replica.shard.search_context(&search(5.0, None, 4), soon(), &Alone).unwrap();
    assert_eq!((context.scored().len(), context.bytes()), (4, 0));
    let vectors = Want { vectors: WantVectors::All, ..Want::default() };
    assert_eq!(
        context.fetch(&[0], &vectors).unwrap()[0].vectors.as_ref().unwrap()[""],
        vector(5.0)
    );
    let payloads = Want { payload: WantPayload::All, ..Want::default() };
    assert!(matches!(context.fetch(&[0], &payloads), Err(Error::BadInput(_))));
    let wrong = Want { vectors: WantVectors::Named(vec!["b".into()]), ..Want::default() };
    assert!(matches!(context.fetch(&[0], &wrong), Err(Error::BadInput(_))));
}
