//! Requests, answers and failures to send. Strategies are boxed: their types nest, and compile for
//! minutes.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;
use vane_raft::{Conf, GroupStatus, PeerStatus, Role};
use vane_shard::{
    Examples, Info, InfoOfVector, Memory, Page, PartExplained, Record, Rule, Scored, Scroll,
    Search, SearchParams, SearchWay, Sought, Want, WantPayload, WantVectors,
};
use vane_types::{
    Changed, Error, ErrorKind, FailedShards, FieldType, FilterClass, GroupId, JsonPath, LogIndex,
    MultiVector, NodeId, OwnId, Payload, PeerId, PointId, Recall, Refusal, Retry, SparseVector,
    Subject, Tally, TenantId, Term, Vector,
};

use super::filter_of::filter;
use super::rank_of::order_value;
use crate::{
    BrokenReplica, GroupReport, NodeMemory, NodeReport, NotRead, Sums, TransferPhase,
    TransferReport,
};

pub(super) fn point_id() -> BoxedStrategy<PointId> {
    let own = prop_oneof![
        any::<u64>().prop_map(OwnId::Num),
        any::<u128>().prop_map(|number| OwnId::Uuid(Uuid::from_u128(number))),
    ];
    (of(tenant()), own).prop_map(|(tenant, own)| PointId { tenant, own }).boxed()
}

pub(super) fn tenant() -> BoxedStrategy<TenantId> {
    (1..=u32::MAX).prop_filter_map("0 is none", TenantId::from_number).boxed()
}

pub(super) fn path() -> BoxedStrategy<JsonPath> {
    prop_oneof![
        Just("a"),
        Just("a.b"),
        Just("a[].b"),
        Just("list[3]"),
        Just("\"quoted.key\".x"),
        Just("ключ")
    ]
    .prop_map(|text| text.parse().unwrap())
    .boxed()
}

pub(super) fn text() -> BoxedStrategy<String> {
    "\\PC{0,8}".boxed()
}

pub(super) fn count() -> BoxedStrategy<usize> {
    prop_oneof![0_usize..10, Just(usize::MAX)].boxed()
}

fn payload() -> BoxedStrategy<Payload> {
    let value = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e30..1e30_f64).prop_map(Into::into),
        text().prop_map(Into::into),
        vec(any::<u8>(), 0..3).prop_map(Into::into),
    ];
    btree_map(text(), value, 0..4).prop_map(|members| members.into_iter().collect()).boxed()
}

pub(super) fn want() -> BoxedStrategy<Want> {
    let payload = prop_oneof![
        Just(WantPayload::Nothing),
        Just(WantPayload::All),
        vec(path(), 0..3).prop_map(WantPayload::Include),
        vec(path(), 0..3).prop_map(WantPayload::Exclude),
    ];
    let vectors = prop_oneof![
        Just(WantVectors::Nothing),
        Just(WantVectors::All),
        vec(text(), 0..3).prop_map(WantVectors::Named),
    ];
    (payload, vectors).prop_map(|(payload, vectors)| Want { payload, vectors }).boxed()
}

/// Any that is well formed.
pub(super) fn vector() -> BoxedStrategy<Vector> {
    prop_oneof![
        vec(any::<f32>(), 0..5).prop_map(Vector::from),
        btree_map(any::<u32>(), any::<f32>(), 0..5).prop_map(|pairs| {
            let (indices, values) = pairs.into_iter().unzip();
            SparseVector::new(indices, values).unwrap().into()
        }),
        vec(any::<[f32; 2]>(), 1..4).prop_map(|rows| MultiVector::of_rows(&rows).unwrap().into()),
    ]
    .boxed()
}

/// Any that is well formed.
fn sought() -> BoxedStrategy<Sought> {
    let examples = (vec(vector(), 1..6), vec(-1e9_f32..1e9, 6), 0..4, any::<usize>());
    let examples = examples.prop_map(|(mut vectors, weights, rule, positive)| {
        let count = vectors.len();
        let rule = match rule {
            0 => Rule::BestScore { positive: positive % (count + 1) },
            1 => Rule::Weighted(weights[..count].to_vec()),
            2 => {
                vectors.truncate(count - (count + 1) % 2);
                Rule::Discover
            }
            _ => {
                vectors.truncate(count - count % 2);
                Rule::Context
            }
        };
        Sought::Examples(Examples::new(rule, vectors).unwrap())
    });
    prop_oneof![vector().prop_map(Sought::Near), examples].boxed()
}

pub(super) fn search() -> BoxedStrategy<Search> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let params = (of(count()), flags, of(any::<f64>())).prop_map(|(ef, flags, oversampling)| {
        let (exact, indexed_only, ignore_codes) = flags;
        SearchParams { ef, exact, indexed_only, ignore_codes, oversampling }
    });
    let what = (text(), sought(), of(filter()), params);
    let how = (of(any::<f32>()), count(), vec(point_id(), 0..3), want());
    (what, how)
        .prop_map(|(what, how)| {
            let (using, sought, filter, params) = what;
            let (score_threshold, limit, exclude, want) = how;
            Search { using, sought, filter, params, score_threshold, limit, exclude, want }
        })
        .boxed()
}

pub(super) fn scroll() -> BoxedStrategy<Scroll> {
    (of(filter()), of(point_id()), count(), want())
        .prop_map(|(filter, offset, limit, want)| Scroll { filter, offset, limit, want })
        .boxed()
}

fn record() -> BoxedStrategy<Record> {
    let vectors = btree_map(text(), vector(), 0..3);
    (point_id(), any::<u64>(), of(payload()), of(vectors), of(order_value()))
        .prop_map(|(id, version, payload, vectors, order_value)| Record {
            id,
            version: LogIndex(version),
            payload,
            vectors: vectors.map(|named| named.into_iter().collect()),
            order_value,
        })
        .boxed()
}

pub(super) fn records() -> BoxedStrategy<Vec<Record>> {
    vec(record(), 0..4).boxed()
}

/// Protobuf leaves a zero out, and with it the sign that no score means anything by.
pub(super) fn score() -> BoxedStrategy<f32> {
    any::<f32>().prop_map(|score| score + 0.0).boxed()
}

pub(super) fn scored() -> BoxedStrategy<Vec<Scored>> {
    vec((record(), score()), 0..4)
        .prop_map(|scored| {
            scored.into_iter().map(|(record, score)| Scored { record, score }).collect()
        })
        .boxed()
}

pub(super) fn page() -> BoxedStrategy<Page> {
    (records(), of(point_id())).prop_map(|(records, next)| Page { records, next }).boxed()
}

fn field_type() -> BoxedStrategy<FieldType> {
    prop_oneof![
        Just(FieldType::Keyword),
        Just(FieldType::Integer),
        Just(FieldType::Float),
        Just(FieldType::Bool),
        Just(FieldType::Geo),
        Just(FieldType::Datetime),
        Just(FieldType::Uuid),
        Just(FieldType::of_name("text").expect("there is such a type")),
    ]
    .boxed()
}

pub(super) fn info() -> BoxedStrategy<Info> {
    let indexes = btree_map(path(), (field_type(), count()), 0..3);
    let filling = btree_set(path(), 0..3);
    let counts = proptest::array::uniform6(count());
    let numbers = proptest::array::uniform7(any::<u64>());
    let of_vector = (count(), count());
    let of_vector = of_vector.prop_map(|(vectors, left_out)| InfoOfVector { vectors, left_out });
    let vectors = btree_map(text(), of_vector, 0..3);
    let rest = (of(text()), recall(), vectors, count(), any::<u64>());
    (counts, numbers, any::<bool>(), indexes, filling, rest)
        .prop_map(|(counts, numbers, optimizing, payload_index_points, filling_indexes, rest)| {
            let (job_failure, recall, by_vector, jobs_running, optimized) = rest;
            let [points, vectors, indexed_vectors, segments, growing_rows, indexes_building] =
                counts;
            let [indexes_built, vector_bytes, live, payload_bytes, ..] = numbers;
            let [.., graph_bytes, waiting, unreached] = numbers;
            Info {
                points,
                vectors,
                indexed_vectors,
                unreached_nodes: unreached as usize,
                segments,
                growing_rows,
                indexes_building,
                indexes_built,
                optimizing,
                payload_index_points,
                filling_indexes,
                vector_bytes,
                live_vector_bytes: live,
                payload_bytes,
                graph_bytes,
                job_failure,
                waiting,
                recall,
                by_vector,
                jobs_running,
                optimized,
            }
        })
        .boxed()
}

pub(super) fn part_explained() -> BoxedStrategy<PartExplained> {
    let ways = [SearchWay::Scan, SearchWay::Codes, SearchWay::Graph, SearchWay::Postings];
    let way = proptest::sample::select(ways.to_vec());
    let counts = proptest::array::uniform5(count());
    (of(any::<u32>()), way, any::<bool>(), counts, any::<[u64; 2]>())
        .prop_map(|(segment, way, walked, counts, [compared, time_us])| {
            let [rows, estimated, matching, ef, found] = counts;
            PartExplained {
                segment,
                rows,
                estimated,
                matching,
                way,
                walked,
                ef,
                compared,
                found,
                time_us,
            }
        })
        .boxed()
}

fn recall() -> BoxedStrategy<Recall> {
    let class = proptest::sample::select(FilterClass::ALL.to_vec());
    let tally = any::<(u64, u64, u32)>();
    let tally = tally.prop_map(|(searches, found_ppm, ef_percent)| Tally {
        searches,
        found_ppm,
        ef_percent,
    });
    btree_map(class, tally, 0..4).prop_map(Recall).boxed()
}

pub(super) fn error() -> BoxedStrategy<Error> {
    let subject = prop_oneof![
        Just(Subject::Unnamed),
        Just(Subject::MetaGroup),
        (text(), count()).prop_map(|(collection, ordinal)| Subject::Shard { collection, ordinal }),
        any::<u64>().prop_map(|group| Subject::Group(GroupId(group))),
    ];
    let changed = proptest::sample::select(vec![
        Changed::NotInQuestion,
        Changed::Nothing,
        Changed::Unknown,
        Changed::Done,
    ]);
    let failed = (text(), vec(count(), 0..3), count());
    let failed =
        failed.prop_map(|(collection, failed, shards)| FailedShards { collection, failed, shards });
    let retry = proptest::sample::select(vec![
        Retry::No,
        Retry::Later,
        Retry::Soon,
        Retry::WhenThereIsRoom,
        Retry::WhenMajorityIsUp,
        Retry::AfterLooking,
    ]);
    let kind = proptest::sample::select(vec![
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::BadInput,
        ErrorKind::Unsupported,
        ErrorKind::Conflict,
        ErrorKind::Overloaded,
        ErrorKind::Timeout,
        ErrorKind::OutOfSpace,
        ErrorKind::Unavailable,
        ErrorKind::Internal,
    ]);
    (kind, subject, changed, of(failed), retry, text())
        .prop_map(|(kind, subject, changed, shards, retry, detail)| Error {
            kind,
            subject,
            changed,
            shards,
            retry,
            detail,
        })
        .boxed()
}

pub(super) fn not_read() -> BoxedStrategy<NotRead> {
    prop_oneof![
        of(any::<u64>()).prop_map(|leader| NotRead::NotLeader(leader.map(NodeId))),
        text().prop_map(NotRead::NoReplica),
        error().prop_map(NotRead::Failed),
    ]
    .boxed()
}

pub(super) fn refusal() -> BoxedStrategy<Refusal> {
    prop_oneof![
        point_id().prop_map(Refusal::PointNotFound),
        text().prop_map(Refusal::AlreadyExists),
        text().prop_map(Refusal::NotFound),
        text().prop_map(Refusal::Invalid),
        text().prop_map(Refusal::Conflict),
        Just(Refusal::StaleRoute),
        Just(Refusal::Expired),
        Just(Refusal::TooMuch),
        Just(Refusal::OutOfSlots),
    ]
    .boxed()
}

pub(super) fn peers() -> BoxedStrategy<Vec<PeerId>> {
    vec(any::<u64>().prop_map(PeerId), 0..3).boxed()
}

pub(super) fn conf() -> BoxedStrategy<Conf> {
    (peers(), peers(), peers(), peers())
        .prop_map(|(voters, learners, voters_outgoing, learners_next)| Conf {
            voters,
            learners,
            voters_outgoing,
            learners_next,
        })
        .boxed()
}

fn status() -> BoxedStrategy<GroupStatus> {
    let role = prop_oneof![Just(Role::Follower), Just(Role::Candidate), Just(Role::Leader)];
    let conf = conf();
    let flags = proptest::array::uniform3(any::<bool>());
    let other = (proptest::array::uniform3(any::<u64>()), flags).prop_map(
        |([peer, matched, applied], [active, snapshot, installing])| PeerStatus {
            peer: PeerId(peer),
            matched: LogIndex(matched),
            active,
            snapshot,
            applied: LogIndex(applied),
            installing,
        },
    );
    let numbers = proptest::array::uniform6(any::<u64>());
    (numbers, role, of(any::<u64>()), conf, any::<(bool, bool)>(), vec(other, 0..3))
        .prop_map(|(numbers, role, leader, conf, (conf_pending, installing), peers)| {
            let [peer, term, committed, applied, last_index, truncated_index] = numbers;
            GroupStatus {
                peer: PeerId(peer),
                role,
                term: Term(term),
                leader: leader.map(PeerId),
                committed: LogIndex(committed),
                applied: LogIndex(applied),
                last_index: LogIndex(last_index),
                truncated_index: LogIndex(truncated_index),
                conf,
                conf_pending,
                installing,
                peers,
            }
        })
        .boxed()
}

fn transfer() -> impl Strategy<Value = TransferReport> {
    let phase = prop_oneof![
        Just(TransferPhase::Preparing),
        Just(TransferPhase::Copying),
        Just(TransferPhase::Verifying),
    ];
    (phase, proptest::array::uniform5(any::<u64>()), any::<u32>(), any::<String>()).prop_map(
        |(phase, [group, to, bytes_total, bytes_done, bytes_per_second], attempts, failure)| {
            TransferReport {
                group: GroupId(group),
                to: PeerId(to),
                phase,
                bytes_total,
                bytes_done,
                bytes_per_second,
                attempts,
                failure,
            }
        },
    )
}

pub(super) fn report() -> BoxedStrategy<NodeReport> {
    let group = (status(), proptest::array::uniform4(any::<u64>()), vec(transfer(), 0..3))
        .prop_map(
            |(status, [points, vector_bytes, indexed_vectors, unreached_nodes], transfers)| {
                GroupReport {
                    status,
                    points,
                    vector_bytes,
                    indexed_vectors,
                    unreached_nodes,
                    transfers,
                }
            },
        );
    let groups = btree_map(any::<u64>().prop_map(GroupId), group, 0..3);
    let numbers = proptest::array::uniform7(any::<u64>());
    let used = (of(any::<u32>()), of(any::<u32>()));
    (numbers, text(), any::<[u32; 2]>(), any::<[bool; 3]>(), groups, (truth(), used))
        .prop_map(
            |(
                numbers,
                version,
                [protocol, scrub_permille],
                [disk_full, leads_meta, over_quota],
                groups,
                (truth, (memory_percent, disk_percent)),
            )| {
                let [node, disk_free_bytes, disk_total_bytes, meta_applied, replicas, leaders, at] =
                    numbers;
                let (broken, differing, sums, memory) = truth;
                NodeReport {
                    node: NodeId(node),
                    version,
                    protocol,
                    disk_free_bytes,
                    disk_total_bytes,
                    disk_full,
                    meta_applied: LogIndex(meta_applied),
                    leads_meta,
                    replicas,
                    leaders,
                    groups,
                    broken,
                    differing,
                    scrubbed_at: at,
                    scrub_permille,
                    sums,
                    memory,
                    memory_percent,
                    disk_percent,
                    over_quota,
                }
            },
        )
        .boxed()
}

/// Replicas that are out of use, groups that differ, sums, and memory.
type Truth = (Vec<BrokenReplica>, Vec<GroupId>, BTreeMap<GroupId, Sums>, Option<NodeMemory>);

/// What a report says of damage.
fn truth() -> BoxedStrategy<Truth> {
    let group = || any::<u64>().prop_map(GroupId);
    let broken = (group(), text()).prop_map(|(group, why)| BrokenReplica { group, why });
    let sum = (any::<u64>().prop_map(LogIndex), any::<u64>());
    let sums = btree_map(group(), vec(sum, 0..3), 0..3);
    (vec(broken, 0..3), vec(group(), 0..3), sums, of(memory())).boxed()
}

fn memory() -> impl Strategy<Value = NodeMemory> {
    let part = any::<[usize; 5]>().prop_map(|[ids, places, rows, indexes, graphs]| Memory {
        ids,
        places,
        rows,
        indexes,
        graphs,
    });
    (any::<[u64; 5]>(), btree_map(text(), part, 0..3)).prop_map(|(numbers, collections)| {
        let [resident, anonymous, pinned, memtables, block_cache] = numbers;
        NodeMemory { resident, anonymous, pinned, memtables, block_cache, collections }
    })
}
