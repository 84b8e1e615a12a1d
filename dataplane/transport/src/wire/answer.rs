//! Answers to reads.

use vane_proto::peer::read_reply::Outcome;
use vane_proto::peer::{NamedVector, NamedVectors as WireVectors, ReadReply, Record as WireRecord};
use vane_shard::{Page, Record, Scored};
use vane_types::{LogIndex, NamedVectors, Payload, PointId};

use super::{id, ids};
use crate::error::Error;
use crate::local::{NotRead, ShardAnswer};

/// Kinds of answer, as numbers in `ReadReply.kind`.
const SCORED: u32 = 1;
const HELD: u32 = 2;
const RECORDS: u32 = 3;
const PAGE: u32 = 4;
const COUNT: u32 = 5;
const VECTOR: u32 = 6;
const IDS: u32 = 7;
const INFO: u32 = 8;
const BASIS: u32 = 9;

pub(crate) fn answer_to_wire(answer: Result<(ShardAnswer, LogIndex), NotRead>) -> ReadReply {
    let failed = |outcome: Outcome, detail: String| ReadReply {
        outcome: outcome.into(),
        detail,
        ..ReadReply::default()
    };
    match answer {
        Ok((answer, index)) => {
            ReadReply { outcome: Outcome::Ok.into(), index, ..ok_to_wire(answer) }
        }
        Err(NotRead::NotLeader(leader)) => ReadReply {
            leader_node: leader.unwrap_or(0),
            ..failed(Outcome::NotLeader, String::new())
        },
        Err(NotRead::NoReplica(why)) => failed(Outcome::NoReplica, why),
        Err(NotRead::Failed(error)) => {
            let outcome = match error {
                Error::BadInput(_)
                | Error::Unsupported(_)
                | Error::AlreadyExists(_)
                | Error::Conflict(_) => Outcome::BadInput,
                Error::NotFound(_) => Outcome::NotFound,
                Error::Timeout(_) => Outcome::Timeout,
                Error::Overloaded(_) | Error::OutOfSpace(_) => Outcome::Overloaded,
                Error::Unavailable(_) => Outcome::NoReplica,
                Error::Internal(_) => Outcome::Failed,
            };
            failed(outcome, error.text().to_owned())
        }
    }
}

pub(crate) fn answer_from_wire(reply: ReadReply) -> Result<(ShardAnswer, LogIndex), NotRead> {
    let detail = reply.detail.clone();
    match reply.outcome() {
        Outcome::Ok => {
            let index = reply.index;
            let answer = ok_from_wire(reply)
                .map_err(|e| Error::Internal(format!("the answer of a shard: {e}")))?;
            Ok((answer, index))
        }
        Outcome::NotLeader => {
            Err(NotRead::NotLeader(Some(reply.leader_node).filter(|it| *it != 0)))
        }
        Outcome::NoReplica => Err(NotRead::NoReplica(detail)),
        Outcome::BadInput => Err(Error::BadInput(detail).into()),
        Outcome::NotFound => Err(Error::NotFound(detail).into()),
        Outcome::Timeout => Err(Error::Timeout(detail).into()),
        Outcome::Overloaded => Err(Error::Overloaded(detail).into()),
        Outcome::Failed => Err(Error::Internal(detail).into()),
        Outcome::Unspecified => {
            Err(Error::Internal("the answer of a shard could not be read".into()).into())
        }
    }
}

fn ok_to_wire(answer: ShardAnswer) -> ReadReply {
    let of = |kind| ReadReply { kind, ..ReadReply::default() };
    match answer {
        ShardAnswer::Scored(scored) => {
            let record = |it: Scored| WireRecord { score: it.score, ..record_to_wire(it.record) };
            ReadReply { records: scored.into_iter().map(record).collect(), ..of(SCORED) }
        }
        ShardAnswer::Held { held, scored } => {
            let record = |(id, score): (PointId, f32)| WireRecord {
                id: id.to_key(),
                score,
                ..WireRecord::default()
            };
            ReadReply { held, records: scored.into_iter().map(record).collect(), ..of(HELD) }
        }
        ShardAnswer::Records(records) => {
            ReadReply { records: records.into_iter().map(record_to_wire).collect(), ..of(RECORDS) }
        }
        ShardAnswer::Page(Page { records, next }) => ReadReply {
            records: records.into_iter().map(record_to_wire).collect(),
            next: next.map(PointId::to_key).unwrap_or_default(),
            ..of(PAGE)
        },
        ShardAnswer::Count(count) => ReadReply { count: count as u64, ..of(COUNT) },
        ShardAnswer::Vector(vector) => ReadReply { vector, ..of(VECTOR) },
        ShardAnswer::Ids(ids) => {
            ReadReply { ids: ids.into_iter().map(PointId::to_key).collect(), ..of(IDS) }
        }
        ShardAnswer::Info(info) => ReadReply {
            info: serde_json::to_string(&info).expect("figures are plain data"),
            ..of(INFO)
        },
        ShardAnswer::Basis(_) => of(BASIS),
    }
}

fn ok_from_wire(reply: ReadReply) -> Result<ShardAnswer, String> {
    let ReadReply { kind, index, records, held, next, count, vector, ids: keys, info, .. } = reply;
    let all = |records: Vec<WireRecord>| {
        records.into_iter().map(record_from_wire).collect::<Result<Vec<_>, _>>()
    };
    Ok(match kind {
        SCORED => {
            let scored = |it: WireRecord| {
                let score = it.score;
                record_from_wire(it).map(|record| Scored { record, score })
            };
            ShardAnswer::Scored(records.into_iter().map(scored).collect::<Result<_, _>>()?)
        }
        HELD => {
            let scored = records
                .iter()
                .map(|it| id(&it.id).map(|id| (id, it.score)))
                .collect::<Result<_, _>>()?;
            ShardAnswer::Held { held, scored }
        }
        RECORDS => ShardAnswer::Records(all(records)?),
        PAGE => {
            let next = if next.is_empty() { None } else { Some(id(&next)?) };
            ShardAnswer::Page(Page { records: all(records)?, next })
        }
        COUNT => ShardAnswer::Count(usize::try_from(count).map_err(|e| e.to_string())?),
        VECTOR => ShardAnswer::Vector(vector),
        IDS => ShardAnswer::Ids(ids(&keys)?),
        INFO => ShardAnswer::Info(serde_json::from_str(&info).map_err(|e| e.to_string())?),
        BASIS => ShardAnswer::Basis(index),
        other => return Err(format!("kind {other} is unknown")),
    })
}

fn record_to_wire(record: Record) -> WireRecord {
    let Record { id, version, payload, vectors } = record;
    let payload = payload.map(|it| serde_json::to_vec(&it).expect("a payload is JSON"));
    let vector = |(name, values)| NamedVector { name, values };
    let vectors = vectors.map(|it| WireVectors { vectors: it.into_iter().map(vector).collect() });
    WireRecord { id: id.to_key(), version, payload, vectors, score: 0.0 }
}

fn record_from_wire(record: WireRecord) -> Result<Record, String> {
    let WireRecord { id: key, version, payload, vectors, .. } = record;
    let payload = payload
        .map(|it| serde_json::from_slice::<Payload>(&it))
        .transpose()
        .map_err(|e| e.to_string())?;
    let named = |it: WireVectors| {
        it.vectors.into_iter().map(|it| (it.name, it.values)).collect::<NamedVectors>()
    };
    Ok(Record { id: id(&key)?, version, payload, vectors: vectors.map(named) })
}
