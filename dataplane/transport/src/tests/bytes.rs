//! Whatever another node sends is read or refused; nothing panics.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use vane_proto::peer;
use vane_types::{GroupId, LogIndex};

use super::filter_of::filter;
use super::value_of::{info, report, scored, search};
use crate::reads::{
    Basis, Count, Explain, Fetch, FrequenciesOf, Hold, InfoOf, MembersOf, Resolve, Retrieve,
    Scroll, Search, VectorOf,
};
use crate::wire::{self, Header, Wire};
use crate::{Freshness, JoinRequest, NodeReport, Read};

/// Reads the bytes as request and reply of one kind; that it returns is the claim.
fn read_as<R: Read>(bytes: &[u8])
where
    R::Request: Message + Default,
    R::Reply: Message + Default,
{
    if let Ok(request) = R::Request::decode(bytes) {
        let _header = wire::header_from_wire(R::header(&request));
        let _read = R::from_wire(request);
    }
    if let Ok(reply) = R::Reply::decode(bytes) {
        let _answered = R::reply_from_wire(reply);
    }
}

fn read_as_all(bytes: &[u8]) {
    read_as::<Search>(bytes);
    read_as::<Hold>(bytes);
    read_as::<Explain>(bytes);
    read_as::<Fetch>(bytes);
    read_as::<Retrieve>(bytes);
    read_as::<Scroll>(bytes);
    read_as::<Count>(bytes);
    read_as::<VectorOf>(bytes);
    read_as::<FrequenciesOf>(bytes);
    read_as::<Resolve>(bytes);
    read_as::<InfoOf>(bytes);
    read_as::<Basis>(bytes);
    read_as::<MembersOf>(bytes);
    if let Ok(request) = peer::ProposeRequest::decode(bytes) {
        let _proposal = wire::proposal::proposal_from_wire(request);
    }
    if let Ok(reply) = peer::ProposeReply::decode(bytes) {
        let _outcome = wire::proposal::outcome_from_wire(reply);
    }
    if let Ok(request) = peer::ChangeMembersRequest::decode(bytes) {
        let _change = wire::leader_request::change_from_wire(request);
    }
    if let Ok(reply) = peer::LeaderReply::decode(bytes) {
        let _done = wire::leader_request::done_from_wire(GroupId(1), reply);
    }
    if let Ok(reply) = peer::ReportReply::decode(bytes) {
        let _report = NodeReport::from_message(reply);
    }
    if let Ok(request) = peer::JoinRequest::decode(bytes) {
        let _request = JoinRequest::from_message(request);
    }
    if let Ok(reply) = peer::JoinReply::decode(bytes) {
        let _admitted = wire::join::admitted_from_wire(reply);
    }
}

fn header() -> Header {
    Header { group: GroupId(1), freshness: Freshness::Leader, deadline: Instant::now() }
}

/// Sets some bytes anew: most of the message still decodes, to values that nobody sends.
fn damaged(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    for (place, byte) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        read_as_all(&bytes);
    }

    #[test]
    fn damaged_messages_are_read_or_refused(
        search in search(), filter in filter(), scored in scored(), info in info(),
        report in report(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let messages = [
            search.to_wire(header()).encode_to_vec(),
            Resolve { filter }.to_wire(header()).encode_to_vec(),
            Search::reply_to_wire(Ok((scored, LogIndex(1)))).encode_to_vec(),
            InfoOf::reply_to_wire(Ok((info, LogIndex(1)))).encode_to_vec(),
            report.into_message().encode_to_vec(),
        ];
        for message in messages {
            read_as_all(&damaged(message, &changes));
        }
    }
}
