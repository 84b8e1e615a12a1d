//! The kinds of read: what each asks, what it answers, how both travel.
//!
//! A new kind is a type and a row of the table here, and an rpc of the protocol.

mod table;

use std::time::Instant;

use tonic::{Response, Status};
use vane_filter::{Filter, Order};
use vane_proto::peer;
use vane_raft::Conf;
use vane_shard::{
    Drawn, FacetHit, Frequencies, Info, Outlook, Page, PartExplained, Record, Scored, Want,
};
use vane_types::{Error, LogIndex, PointId, Recall, Vector};

pub use vane_shard::{Facet, Ordered, Sample, Scroll, Search};

use crate::peers::Client;
use crate::protocol::{Answered, NotRead};
use crate::wire::{Header, Unreadable, Wire, header_to_wire, need, part};
use table::reads;

/// A search whose records are fetched later, from the same view.
#[derive(Debug, Clone)]
pub struct Hold(pub Search);

/// How a search goes, part by part; it is made once more for that.
#[derive(Debug, Clone)]
pub struct Explain(pub Search);

/// Best points of a search whose view is kept, for a [`Fetch`] of their records.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldHits {
    /// Names the view at the node that answered.
    pub token: u64,
    /// Ids and scores, best first. No records: those of most hits are never asked for.
    pub hits: Vec<(PointId, f32)>,
}

/// Records of some points of an earlier [`Hold`], from the view that scored them. Lets the view
/// go.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Names the view; from [`HeldHits`].
    pub token: u64,
    /// Places in the held result, from 0.
    pub places: Vec<usize>,
    /// What to return of each.
    pub want: Want,
}

/// Those of some points that are there.
#[derive(Debug, Clone)]
pub struct Retrieve {
    /// Ids; those that are not there are left out of the answer.
    pub ids: Vec<PointId>,
    /// What to return of each.
    pub want: Want,
}

/// How many points match.
#[derive(Debug, Clone)]
pub struct Count {
    /// All points when absent.
    pub filter: Option<Filter>,
}

/// The vector of a point, for a query that starts from it. Versions ask for it that do not read the
/// vectors of many points at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorOf {
    /// The point.
    pub id: PointId,
    /// Name of the vector; `""` for the unnamed one.
    pub using: String,
}

/// How many points have a number at each of some indices of a sparse vector.
#[derive(Debug, Clone)]
pub struct FrequenciesOf {
    /// Name of the vector.
    pub using: String,
    /// Rising.
    pub indices: Vec<u32>,
    /// Points to count among; all of them when absent. Versions below
    /// [`FeatureLevel::CHANGING`](vane_types::FeatureLevel::CHANGING) count all.
    pub filter: Option<Filter>,
}

/// Ids that match, for a change by filter.
#[derive(Debug, Clone)]
pub struct Resolve {
    /// What the points must match.
    pub filter: Filter,
}

/// Figures of the shard, for people and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InfoOf;

/// What the background jobs of the shard are at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobsOf {
    /// How many of the last that ended are wanted, at most.
    pub most: usize,
}

/// Asks only for an index that the leader has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis;

/// The members of the group, for a node that may have to give its replica up: with
/// [`Freshness::Linearizable`](crate::Freshness) they are as of an entry that was committed after
/// the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembersOf;

/// A read of one shard. The answer's type belongs to the request's, so that a reply of
/// another kind does not compile. Only the reads of this crate are some: the header of a request
/// cannot be made elsewhere.
pub trait Read: Clone + Send + Sync + 'static {
    /// What it answers.
    type Answer: Send + 'static;
    /// Message of the request.
    type Request: Send + 'static;
    /// Message of the answer, or of why there is none.
    type Reply: Send + 'static;

    /// Answers from a replica, whatever that is: the node's own shard, or a simulated one.
    ///
    /// # Errors
    /// Those of the replica's method for this kind of read.
    fn answer<R: Replica>(
        self,
        replica: &R,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;

    /// Sends the request to a node.
    fn call(
        client: &mut Client,
        request: Self::Request,
    ) -> impl Future<Output = Result<Response<Self::Reply>, Status>> + Send;

    /// The request for a shard.
    fn to_wire(self, header: Header) -> Self::Request;

    /// Group, time and freshness of a request.
    fn header(request: &Self::Request) -> Option<peer::ReadHeader>;

    /// Reads the request but for its header.
    ///
    /// # Errors
    /// What of the request this version cannot read.
    fn from_wire(request: Self::Request) -> Result<Self, Unreadable>;

    /// What became of the read.
    fn reply_to_wire(answered: Answered<Self::Answer>) -> Self::Reply;

    /// Reads what became of the read.
    ///
    /// # Errors
    /// What of the reply this version cannot read.
    fn reply_from_wire(reply: Self::Reply) -> Result<Answered<Self::Answer>, Unreadable>;
}

// A row: the replica's method, which is the rpc too; the read as a pattern that binds the fields
// of its request; the answer as one that binds those of its own message.
reads! {
    /// Nearest points with their records.
    search: Search as (search) => SearchRequest { search = "the search" },
        Vec<Scored> as (points) => SearchAnswer { points }, SearchReply of search_reply;

    /// Nearest points, whose records are fetched later from the same view.
    hold: Hold as (Hold(search)) => HoldRequest { search = "the search" },
        HeldHits as (HeldHits { token, hits }) => HoldAnswer { token, hits },
        HoldReply of hold_reply;

    /// How a search goes, part by part.
    explain: Explain as (Explain(search)) => ExplainRequest { search = "the search" },
        Vec<PartExplained> as (parts) => ExplainAnswer { parts }, ExplainReply of explain_reply;

    /// Records of points of an earlier [`Hold`].
    fetch: Fetch as (Fetch { token, places, want }) => FetchRequest { token, places, want },
        Vec<Record> as (records) => FetchAnswer { records }, FetchReply of fetch_reply;

    /// Those of some points that are there.
    retrieve: Retrieve as (Retrieve { ids, want }) => RetrieveRequest { ids, want },
        Vec<Record> as (records) => RetrieveAnswer { records }, RetrieveReply of retrieve_reply;

    /// A page in id order.
    scroll: Scroll as (Scroll { filter, offset, limit, want }) =>
        ScrollRequest { filter, offset, limit, want },
        Page as (Page { records, next }) => ScrollAnswer { records, next },
        ScrollReply of scroll_reply;

    /// Points in the order of a field's values.
    ordered: Ordered as (Ordered { order: Order { by, descending, from }, filter, limit, want }) =>
        OrderedRequest { by, descending, from, filter, limit, want },
        Vec<Record> as (records) => OrderedAnswer { records }, OrderedReply of ordered_reply;

    /// Points drawn at random.
    sample: Sample as (Sample { filter, limit }) => SampleRequest { filter, limit },
        Vec<Drawn> as (drawn) => SampleAnswer { drawn }, SampleReply of sample_reply;

    /// How many points have each value of a field.
    facet: Facet as (Facet { field, filter, limit }) => FacetRequest { field, filter, limit },
        Vec<FacetHit> as (hits) => FacetAnswer { hits }, FacetReply of facet_reply;

    /// How many points match.
    count: Count as (Count { filter }) => CountRequest { filter },
        usize as (count) => CountAnswer { count }, CountReply of count_reply;

    /// The vector of a point.
    vector_of: VectorOf as (VectorOf { id, using }) => VectorOfRequest { id, using },
        Vector as (vector) => VectorOfAnswer { vector = "the vector" },
        VectorOfReply of vector_of_reply;

    /// How many points have a number at each of some indices of a sparse vector.
    frequencies: FrequenciesOf as (FrequenciesOf { using, indices, filter }) =>
        FrequenciesRequest { using, indices, filter },
        Frequencies as (Frequencies { points, with }) => FrequenciesAnswer { points, with },
        FrequenciesReply of frequencies_reply;

    /// Ids that match, for a change by filter. One that got lost would be every point of the shard.
    resolve: Resolve as (Resolve { filter }) => ResolveRequest { filter = "the filter" },
        Vec<PointId> as (ids) => ResolveAnswer { ids }, ResolveReply of resolve_reply;

    /// Figures of the shard.
    shard_info: InfoOf as (InfoOf) => ShardInfoRequest {},
        Info as (Info {
            points, vectors, indexed_vectors, segments, growing_rows, indexes_building,
            indexes_built, optimizing, payload_index_points: payload_indexes, filling_indexes,
            vector_bytes, graph_bytes, job_failure, waiting, unreached_nodes,
            recall: Recall(recall), by_vector, jobs_running, optimized, payload_bytes,
            live_vector_bytes,
        }) => ShardInfoAnswer {
            points, vectors, indexed_vectors, segments, growing_rows, indexes_building,
            indexes_built, optimizing, payload_indexes, filling_indexes, vector_bytes,
            graph_bytes, job_failure, waiting, unreached_nodes, recall, by_vector, jobs_running,
            optimized, payload_bytes, live_vector_bytes,
        },
        ShardInfoReply of shard_info_reply;

    /// What the background jobs of the shard are at.
    jobs: JobsOf as (JobsOf { most }) => JobsRequest { most },
        Outlook as (Outlook { running, ended, queued, idle }) =>
        JobsAnswer { running, ended, queued, idle }, JobsReply of jobs_reply;

    /// An index that the replica has applied.
    basis: Basis as (Basis) => BasisRequest {},
        LogIndex as (basis) => BasisAnswer { basis }, BasisReply of basis_reply;

    /// The members of the group, as the replica has applied them.
    members: MembersOf as (MembersOf) => MembersRequest {},
        Conf as (conf) => MembersAnswer { conf = "the members of a group" },
        MembersReply of members_reply;
}
