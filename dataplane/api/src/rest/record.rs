//! Points in answers.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeStruct, Serializer};
use vane_filter::OrderValue;
use vane_types::{NamedVectors, PointId, ShardKey, TenantId, Vector};

use crate::engine::{Group, GroupValue, Record, Scored};

/// What the tenants of an answer's points are called; empty where there are none.
pub type Keys = BTreeMap<TenantId, ShardKey>;

/// A point that was read.
pub struct RecordOut<'a>(pub &'a Record, pub &'a Keys);

/// A point that was found.
pub struct ScoredOut<'a>(pub &'a Scored, pub &'a Keys);

/// The bare list of a search.
pub struct Found<'a>(pub &'a [Scored], pub &'a Keys);

/// `{"groups": […]}` of a query.
pub struct Groups<'a>(pub &'a [Group], pub &'a Keys);

/// `{"points": […]}` of a query.
pub struct Points<'a>(pub &'a [Scored], pub &'a Keys);

/// A page of a scroll.
pub struct PageOut<'a> {
    pub records: &'a [Record],
    pub keys: &'a Keys,
    pub next: Option<Next>,
}

/// Where the next page begins.
pub enum Next {
    /// Where ids say which points are meant.
    Id(PointId),
    /// Where they need a tenant for that: its number, a colon, and the id.
    OfTenant(PointId),
}

impl Serialize for Next {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::OfTenant(PointId { tenant: Some(tenant), own }) => {
                serializer.collect_str(&format_args!("{tenant}:{own}"))
            }
            Self::Id(id) | Self::OfTenant(id) => id.serialize(serializer),
        }
    }
}

/// The unnamed vector alone is a list, anything else an object by name.
struct VectorsOut<'a>(&'a NamedVectors);

impl Serialize for VectorsOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.get("") {
            Some(unnamed) if self.0.len() == 1 => VectorOut(unnamed).serialize(serializer),
            _ => serializer.collect_map(self.0.iter().map(|(name, it)| (name, VectorOut(it)))),
        }
    }
}

/// In the form in which requests have it.
struct VectorOut<'a>(&'a Vector);

impl Serialize for VectorOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Vector::Dense(values) => values.serialize(serializer),
            Vector::Sparse(sparse) => {
                let mut out = serializer.serialize_struct("SparseVector", 2)?;
                out.serialize_field("indices", sparse.indices())?;
                out.serialize_field("values", sparse.values())?;
                out.end()
            }
            Vector::Multi(rows) => serializer.collect_seq(rows.rows()),
        }
    }
}

impl Serialize for RecordOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length is a hint: parts that were not asked for are left out.
        let mut out = serializer.serialize_struct("Record", 3)?;
        out.serialize_field("id", &self.0.id)?;
        parts::<S>(&mut out, self.0, self.1)?;
        out.end()
    }
}

impl Serialize for ScoredOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Scored { record, score }, keys) = self;
        let mut out = serializer.serialize_struct("ScoredPoint", 5)?;
        out.serialize_field("id", &record.id)?;
        out.serialize_field("version", &record.version)?;
        out.serialize_field("score", score)?;
        parts::<S>(&mut out, record, keys)?;
        out.end()
    }
}

/// The parts that were asked for.
fn parts<S: Serializer>(
    out: &mut S::SerializeStruct,
    record: &Record,
    keys: &Keys,
) -> Result<(), S::Error> {
    if let Some(payload) = &record.payload {
        out.serialize_field("payload", payload)?;
    }
    if let Some(vectors) = &record.vectors {
        out.serialize_field("vector", &VectorsOut(vectors))?;
    }
    match record.order_value {
        Some(OrderValue::Integer(integer)) => out.serialize_field("order_value", &integer)?,
        Some(OrderValue::Float(float)) => out.serialize_field("order_value", &float)?,
        None => {}
    }
    if let Some(key) = record.id.tenant.and_then(|tenant| keys.get(&tenant)) {
        out.serialize_field("shard_key", key)?;
    }
    Ok(())
}

impl Serialize for Found<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Written as they are looked at, without a second list of all points.
        serializer.collect_seq(self.0.iter().map(|scored| ScoredOut(scored, self.1)))
    }
}

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("GroupsResult", 1)?;
        let groups = || self.0.iter().map(|group| GroupOut(group, self.1));
        out.serialize_field("groups", &Each(groups))?;
        out.end()
    }
}

struct GroupOut<'a>(&'a Group, &'a Keys);

impl Serialize for GroupOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Group { value, hits, lookup }, keys) = self;
        let mut out = serializer.serialize_struct("PointGroup", 3)?;
        out.serialize_field("hits", &Found(hits, keys))?;
        match value {
            GroupValue::Integer(integer) => out.serialize_field("id", integer)?,
            GroupValue::Text(text) => out.serialize_field("id", text)?,
        }
        if let Some(record) = lookup {
            // Of another collection, whose shard keys are its own.
            out.serialize_field("lookup", &RecordOut(record, &Keys::new()))?;
        }
        out.end()
    }
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("QueryResponse", 1)?;
        out.serialize_field("points", &Found(self.0, self.1))?;
        out.end()
    }
}

impl Serialize for PageOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("ScrollResult", 2)?;
        out.serialize_field(
            "points",
            &Each(|| self.records.iter().map(|record| RecordOut(record, self.keys))),
        )?;
        // Null on the last page, by which clients know that it is the last.
        out.serialize_field("next_page_offset", &self.next)?;
        out.end()
    }
}

/// A list written from an iterator.
struct Each<F>(F);

impl<T: Serialize, I: Iterator<Item = T>, F: Fn() -> I> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Groups, Keys, Next, PageOut, Points};
    use crate::engine::{Group, GroupValue, Record, Scored};
    use serde_json::json;
    use vane_types::{MultiVector, NamedVectors, PointId, ShardKey, SparseVector, TenantId};

    fn record(vectors: Option<NamedVectors>) -> Record {
        let payload = vectors.is_some().then(|| json!({"a": 1}).as_object().unwrap().clone());
        Record {
            id: PointId::num(7),
            version: vane_types::LogIndex(3),
            payload,
            vectors,
            order_value: None,
        }
    }

    #[test]
    fn unnamed_vector_alone_is_a_list() {
        let unnamed = NamedVectors::from([(String::new(), vec![0.5].into())]);
        let named = NamedVectors::from([("a".to_owned(), vec![0.5].into())]);
        let records = [
            record(Some(unnamed)),
            record(Some(named)),
            record(Some(NamedVectors::new())),
            record(None),
        ];
        let keys = Keys::new();
        let next = Some(Next::Id(PointId::num(9)));
        let page = PageOut { records: &records, keys: &keys, next };
        let expected = json!({"points": [
            {"id": 7, "payload": {"a": 1}, "vector": [0.5]},
            {"id": 7, "payload": {"a": 1}, "vector": {"a": [0.5]}},
            {"id": 7, "payload": {"a": 1}, "vector": {}},
            {"id": 7},
        ], "next_page_offset": 9});
        assert_eq!(serde_json::to_value(page).unwrap(), expected);
    }

    #[test]
    fn every_kind_is_written_as_it_is_read() {
        let sparse = SparseVector::new(vec![9, 2], vec![1.0, 0.5]).unwrap();
        let rows = MultiVector::of_rows(&[[1.0, 2.0], [3.0, 4.0]]).unwrap();
        let vectors = [("s".to_owned(), sparse.into()), ("m".to_owned(), rows.into())];
        let records = [record(Some(vectors.into()))];
        let page = PageOut { records: &records, keys: &Keys::new(), next: None };
        let page = serde_json::to_value(page).unwrap();
        assert_eq!(
            page["points"][0]["vector"],
            json!({"s": {"indices": [2, 9], "values": [0.5, 1.0]}, "m": [[1.0, 2.0], [3.0, 4.0]]})
        );
    }

    #[test]
    fn found_points_have_version_and_score() {
        let found = [Scored { record: record(None), score: 0.5 }];
        let list = json!([{"id": 7, "version": 3, "score": 0.5}]);
        assert_eq!(serde_json::to_value(Found(&found, &Keys::new())).unwrap(), list);
        let expected = json!({ "points": list.clone() });
        assert_eq!(serde_json::to_value(Points(&found, &Keys::new())).unwrap(), expected);
        let groups = [GroupValue::Integer(-1), GroupValue::Text("a".into())].map(|value| Group {
            value,
            hits: found.to_vec(),
            lookup: None,
        });
        let expected = json!({"groups": [{"id": -1, "hits": list}, {"id": "a", "hits": list}]});
        assert_eq!(serde_json::to_value(Groups(&groups, &Keys::new())).unwrap(), expected);
    }

    #[test]
    fn points_of_tenants_name_them_and_pages_go_on_where_they_ended() {
        let tenant = TenantId::from_number(3).unwrap();
        let mut of_tenant = record(None);
        of_tenant.id = of_tenant.id.of(tenant);
        let keys = Keys::from([(tenant, ShardKey::Text("acme".into()))]);
        let next = Some(Next::OfTenant(of_tenant.id));
        let page = PageOut { records: &[of_tenant], keys: &keys, next };
        let expected =
            json!({"points": [{"id": 7, "shard_key": "acme"}], "next_page_offset": "3:7"});
        assert_eq!(serde_json::to_value(page).unwrap(), expected);
    }
}
