//! Whatever is sent arrives as it was: every field of every request, answer and failure.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::collection::{hash_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use prost::Message;
use uuid::Uuid;
use vane_filter::{Clause, Condition, Filter, Nested};
use vane_proto::peer;
use vane_raft::{MemberChange, Seen};
use vane_shard::{Frequencies, SearchParams, Want};
use vane_types::limits::FILTER_DEPTH_MAX;
use vane_types::{GroupId, LogIndex, NodeId, PeerId, Term, Vector};

use super::filter_of::filter;
use super::jobs_of::outlook;
use super::rank_of::{drawn, facet, facet_hits, ordered, sample};
use super::value_of::{
    conf, error, info, not_read, page, part_explained, peers, point_id, records, refusal, report,
    score, scored, scroll, search, text, vector, want,
};
use crate::reads::{
    Basis, Count, Explain, Facet, Fetch, FrequenciesOf, Hold, InfoOf, JobsOf, MembersOf, Ordered,
    Resolve, Retrieve, Sample, Scroll, Search, VectorOf,
};
use crate::wire::{self, Header, Unreadable, Wire};
use crate::{
    Answered, Assurance, Freshness, HeldHits, JoinReply, JoinRequest, LeaderRequest, NodeReport,
    NotDone, Outcome, Proposal, Read, ReportRequest,
};

/// As another node would decode it.
fn sent<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

fn header() -> Header {
    let deadline = Instant::now() + Duration::from_secs(9);
    Header { group: GroupId(7), freshness: Freshness::Linearizable, deadline }
}

/// Compared by their text, since not all parts compare, and NaN must be the same too.
fn request_arrives<R: Read + Debug>(read: R) -> Result<(), TestCaseError>
where
    R::Request: Message + Default,
{
    let request = sent(&read.clone().to_wire(header()));
    let header = wire::header_from_wire(R::header(&request)).unwrap();
    prop_assert_eq!((header.group, header.freshness), (GroupId(7), Freshness::Linearizable));
    let left = header.deadline.saturating_duration_since(Instant::now());
    prop_assert!(left > Duration::from_secs(5) && left <= Duration::from_secs(9));
    let arrived = R::from_wire(request).unwrap();
    prop_assert_eq!(format!("{arrived:?}"), format!("{read:?}"));
    Ok(())
}

fn answer_arrives<R: Read>(answered: Answered<R::Answer>) -> Result<(), TestCaseError>
where
    R::Reply: Message + Default,
    R::Answer: Debug,
{
    let before = format!("{answered:?}");
    let reply = sent(&R::reply_to_wire(answered));
    let arrived = R::reply_from_wire(reply).unwrap();
    prop_assert_eq!(format!("{arrived:?}"), before);
    Ok(())
}

proptest! {
    #[test]
    fn requests_of_points_arrive(
        search in search(), scroll in scroll(), want in want(), ids in vec(point_id(), 1..4),
        token in any::<u64>(), places in vec(any::<usize>(), 0..4), using in text(),
        indices in vec(any::<u32>(), 0..4), among in of(filter()),
    ) {
        request_arrives(search.clone())?;
        request_arrives(Hold(search.clone()))?;
        request_arrives(Explain(search))?;
        request_arrives(scroll)?;
        request_arrives(Fetch { token, places, want: want.clone() })?;
        request_arrives(FrequenciesOf { using: using.clone(), indices, filter: among })?;
        request_arrives(VectorOf { id: ids[0], using })?;
        request_arrives(Retrieve { ids, want })?;
    }

    #[test]
    fn what_is_told_of_a_search_arrives(parts in vec(part_explained(), 0..4), index in any::<u64>()) {
        answer_arrives::<Explain>(Ok((parts, LogIndex(index))))?;
    }

    #[test]
    fn what_is_ordered_drawn_and_counted_arrives(
        ordered in ordered(), sample in sample(), facet in facet(), index in any::<u64>(),
        records in records(), drawn in drawn(), hits in facet_hits(),
    ) {
        request_arrives(ordered)?;
        request_arrives(sample)?;
        request_arrives(facet)?;
        let index = LogIndex(index);
        answer_arrives::<Ordered>(Ok((records, index)))?;
        answer_arrives::<Sample>(Ok((drawn, index)))?;
        answer_arrives::<Facet>(Ok((hits, index)))?;
    }

    #[test]
    fn requests_about_a_shard_arrive(all in of(filter()), filter in filter()) {
        request_arrives(Count { filter: all })?;
        request_arrives(Resolve { filter })?;
        request_arrives(InfoOf)?;
        request_arrives(JobsOf { most: 7 })?;
        request_arrives(Basis)?;
        request_arrives(MembersOf)?;
    }

    #[test]
    fn answers_with_points_arrive(
        scored in scored(), records in records(), page in page(), index in any::<u64>(),
        token in any::<u64>(), hits in vec((point_id(), score()), 0..4),
    ) {
        let index = LogIndex(index);
        answer_arrives::<Search>(Ok((scored, index)))?;
        answer_arrives::<Hold>(Ok((HeldHits { token, hits }, index)))?;
        answer_arrives::<Fetch>(Ok((records.clone(), index)))?;
        answer_arrives::<Retrieve>(Ok((records, index)))?;
        answer_arrives::<Scroll>(Ok((page, index)))?;
    }

    #[test]
    fn answers_about_a_shard_arrive(
        info in info(), count in any::<usize>(), vector in vector(), jobs in outlook(),
        ids in vec(point_id(), 0..4), basis in any::<u64>(), index in any::<u64>(),
        conf in conf(), points in any::<u64>(), with in vec(any::<u64>(), 0..4),
    ) {
        let index = LogIndex(index);
        answer_arrives::<FrequenciesOf>(Ok((Frequencies { points, with }, index)))?;
        answer_arrives::<Count>(Ok((count, index)))?;
        answer_arrives::<VectorOf>(Ok((vector, index)))?;
        answer_arrives::<Resolve>(Ok((ids, index)))?;
        answer_arrives::<InfoOf>(Ok((info, index)))?;
        answer_arrives::<JobsOf>(Ok((jobs, index)))?;
        answer_arrives::<Basis>(Ok((LogIndex(basis), index)))?;
        answer_arrives::<MembersOf>(Ok((conf, index)))?;
    }

    #[test]
    fn the_kind_of_a_failure_survives(not_read in not_read()) {
        answer_arrives::<Search>(Err(not_read.clone()))?;
        answer_arrives::<Basis>(Err(not_read))?;
    }

    #[test]
    fn outcomes_arrive(
        refusal in refusal(), why in text(), index in any::<u64>(), leader in of(any::<u64>()),
    ) {
        let outcomes = [
            Outcome::Applied(LogIndex(index)),
            Outcome::Refused(refusal),
            Outcome::NotLeader(leader.map(NodeId)),
            Outcome::Full(why.clone()),
            Outcome::NoSpace(why.clone()),
            Outcome::StaleBasis(LogIndex(index)),
            Outcome::NoReplica(why.clone()),
            Outcome::Unknown(why),
        ];
        for outcome in outcomes {
            let reply = sent(&wire::proposal::outcome_to_wire(outcome.clone()));
            prop_assert_eq!(wire::proposal::outcome_from_wire(reply), outcome);
        }
    }

    #[test]
    fn proposals_arrive(
        group in any::<u64>(), command in vec(any::<u8>(), 0..9), replicas in any::<u32>(),
        basis in of(any::<u64>()), grows in any::<bool>(),
    ) {
        let basis = basis.map(LogIndex);
        let proposal = Proposal { group: GroupId(group), command, replicas, basis, grows };
        let request = wire::proposal::proposal_to_wire(proposal.clone(), header().deadline);
        let (arrived, _) = wire::proposal::proposal_from_wire(sent(&request));
        prop_assert_eq!(arrived, proposal);
    }

    #[test]
    fn requests_of_leaders_arrive(
        learners in peers(), voters in peers(), removed in peers(), why in text(),
        to in any::<u64>(), leader in of(any::<u64>()), seen in of(any::<(u64, u64)>()),
    ) {
        let seen =
            seen.map(|(term, applied)| Seen { term: Term(term), applied: LogIndex(applied) });
        let (group, deadline) = (GroupId(3), header().deadline);
        let change = MemberChange { learners, voters, removed, seen };
        let request = wire::leader_request::change_to_wire(group, change.clone(), deadline);
        let (_, arrived, _) = wire::leader_request::change_from_wire(sent(&request));
        prop_assert_eq!(arrived, LeaderRequest::Change(change));
        let request = wire::leader_request::transfer_to_wire(group, PeerId(to), deadline);
        let (_, arrived, _) = wire::leader_request::transfer_from_wire(sent(&request));
        prop_assert_eq!(arrived, LeaderRequest::Transfer(PeerId(to)));
        let all = [
            Ok(()),
            Err(NotDone::NotLeader { group, leader: leader.map(NodeId) }),
            Err(NotDone::NoReplica(why.clone())),
            Err(NotDone::Refused(why.clone())),
            Err(NotDone::Unknown(why)),
        ];
        for done in all {
            let reply = sent(&wire::leader_request::done_to_wire(done.clone()));
            prop_assert_eq!(wire::leader_request::done_from_wire(group, reply), done);
        }
    }

    #[test]
    fn reports_arrive(report in report(), groups in vec(any::<u64>().prop_map(GroupId), 1..4)) {
        let reply = sent(&report.clone().into_message());
        prop_assert_eq!(NodeReport::from_message(reply), Ok(report));
        let all = [
            ReportRequest::NodeOnly,
            ReportRequest::Groups(groups.clone()),
            ReportRequest::AllLed,
            ReportRequest::Sums(groups),
            ReportRequest::Memory,
        ];
        for request in all {
            let arrived = sent(&request.clone().into_message());
            prop_assert_eq!(ReportRequest::from_message(arrived), Ok(request));
        }
    }

    #[test]
    fn joins_arrive(
        ids in any::<[u128; 2]>(), words in any::<[String; 4]>(), node in any::<u64>(),
        [protocol, feature_level] in any::<[u32; 2]>(), error in error(),
        members in hash_map(any::<u64>().prop_map(NodeId), text(), 0..4),
    ) {
        let [disk_id, cluster_id] = ids.map(Uuid::from_u128);
        let [name, address, rest_address, version] = words;
        let request = JoinRequest {
            disk_id, name, address, rest_address, version, protocol, feature_level,
        };
        let arrived = sent(&request.clone().into_message());
        prop_assert_eq!(JoinRequest::from_message(arrived), Ok(request));
        for admitted in [Ok(JoinReply { cluster_id, node_id: NodeId(node), members }), Err(error)] {
            let reply = sent(&wire::join::admitted_to_wire(admitted.clone()));
            prop_assert_eq!(wire::join::admitted_from_wire(reply), Ok(admitted));
        }
    }
}

/// A filter of so many levels, each inside the other in the way that takes the most messages.
fn deep(levels: usize) -> Filter {
    let key: vane_types::JsonPath = "a".parse().unwrap();
    let mut filter = Filter::default();
    for level in 1..levels {
        let condition = match level % 2 {
            0 => Condition::Filter(filter),
            _ => Condition::Nested { nested: Nested { key: key.clone(), filter: filter.into() } },
        };
        filter = Filter { must: Some(Clause::List(vec![condition])), ..Filter::default() };
    }
    filter
}

#[test]
fn the_deepest_filter_arrives_through_every_decoder() {
    let mut filter = deep(FILTER_DEPTH_MAX);
    let bottom = serde_json::json!({
        "key": "a", "match": {"any": ["x"]}, "range": {"gt": "2024-02-29"},
        "geo_radius": {"center": {"lon": 1.0, "lat": 1.0}, "radius": 1.0}
    });
    // The lowest level, where the deepest messages are.
    let mut level = &mut filter;
    while level.must.is_some() {
        level = match level.must.as_mut() {
            Some(Clause::List(conditions)) => match &mut conditions[0] {
                Condition::Nested { nested } => &mut nested.filter,
                Condition::Filter(filter) => filter,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
    }
    *level = Filter::parse(serde_json::json!({"must": [bottom]})).unwrap();
    filter.validate().unwrap();
    let search = Search {
        using: String::new(),
        sought: Vector::from(vec![1.0]).into(),
        filter: Some(filter),
        params: SearchParams::default(),
        score_threshold: None,
        limit: 1,
        exclude: Vec::new(),
        want: Want::default(),
    };
    request_arrives(search.clone()).unwrap();
    request_arrives(Hold(search)).unwrap();
}

#[test]
fn a_deeper_filter_is_refused() {
    let resolve = Resolve { filter: deep(FILTER_DEPTH_MAX + 1) };
    let request = resolve.to_wire(header());
    assert_eq!(Resolve::from_wire(request).unwrap_err(), Unreadable::TooDeep);
}

fn reply_with(vector: Option<peer::Vector>) -> peer::VectorOfReply {
    let answer = peer::VectorOfAnswer { index: 1, vector };
    peer::VectorOfReply { outcome: Some(peer::vector_of_reply::Outcome::Answer(answer)) }
}

#[test]
fn numbers_that_make_no_vector_are_refused() {
    use peer::vector::Kind;
    for kind in [
        Kind::Sparse(peer::SparseVector { indices: vec![1, 1], values: vec![0.5; 2] }),
        Kind::Multi(peer::MultiVector { dim: 2, values: vec![0.5; 3] }),
    ] {
        let vector = Some(peer::Vector { kind: Some(kind) });
        let read = VectorOf::reply_from_wire(reply_with(vector));
        assert!(matches!(read, Err(Unreadable::Vector(_))), "{read:?}");
    }
}

#[test]
fn how_new_an_answer_must_be_arrives() {
    let second = Duration::from_secs(1);
    for freshness in [
        Freshness::Leader,
        Freshness::Linearizable,
        Freshness::Applied(LogIndex(7)),
        Freshness::Told(Assurance::Leader, Duration::ZERO),
        Freshness::Told(Assurance::Leader, second),
        Freshness::Told(Assurance::Majority, Duration::ZERO),
    ] {
        let sent = Header { freshness, ..header() };
        let header = wire::header_from_wire(Some(wire::header_to_wire(sent))).unwrap();
        assert_eq!(header.freshness, freshness);
    }
}

#[test]
fn what_is_missing_is_named() {
    let nothing = peer::ResolveRequest::default();
    assert!(matches!(Resolve::from_wire(nothing).unwrap_err(), Unreadable::Missing(_)));
    let reply = Basis::reply_from_wire(peer::BasisReply::default());
    assert!(reply.is_err(), "a reply that says nothing is no answer");
    let no_vector = VectorOf::reply_from_wire(reply_with(None));
    assert_eq!(no_vector, Err(Unreadable::Missing("the vector")));
    let unknown = peer::ReadHeader { freshness: 77, ..peer::ReadHeader::default() };
    assert!(wire::header_from_wire(Some(unknown)).is_err());
    let unsaid = peer::ReadHeader::default();
    assert!(wire::header_from_wire(Some(unsaid)).is_err());
}

/// A node that does not know the operators would read a condition that asks nothing.
#[test]
fn conditions_that_came_later_are_none_to_older_nodes() {
    for (json, is_new) in [
        (r#"{"key": "a", "match": {"value": "x"}}"#, false),
        (r#"{"key": "a", "match": {"text": "x"}}"#, true),
        (r#"{"key": "a", "match": {"prefix": "x"}, "range": {"lt": 1}}"#, true),
        (r#"{"slice": {"total": 2, "index": 1}}"#, true),
    ] {
        let filter: Filter = serde_json::from_str(&format!(r#"{{"must": {json}}}"#)).unwrap();
        let message = filter.clone().into_message();
        let condition = message.must.as_ref().and_then(|must| must.conditions.first());
        let what = condition.and_then(|condition| condition.what.as_ref());
        let is_known = matches!(what, Some(peer::condition::What::Field(_)));
        assert_eq!(is_known, !is_new, "{json}");
        assert_eq!(Filter::from_message(message).unwrap(), filter);
    }
}
