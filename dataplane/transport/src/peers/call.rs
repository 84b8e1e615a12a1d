//! Everything that is asked of another node, with the caller's deadline, and what a failed
//! call tells about it.

use std::io;
use std::time::{Duration, Instant};

use tonic::{Code, Status};
use vane_types::{Error, GroupId, NodeId};

use super::{Client, Peers};
use crate::auth::met_another;
use crate::wire::leader_request::{change_to_wire, done_from_wire, transfer_to_wire};
use crate::wire::{self, Header, Wire};
use crate::{
    Answered, Freshness, Introduction, JoinReply, JoinRequest, LeaderRequest, NodeReport, NotDone,
    NotRead, Outcome, Proposal, Read, ReportRequest,
};

impl Peers {
    /// Reads from a node's replica of a group.
    ///
    /// # Errors
    /// [`NotRead::NoReplica`] also where the node was not reached or does not speak this
    /// protocol, [`NotRead::Failed`] with a timeout after the deadline. A read changes nothing.
    pub async fn read<R: Read>(
        &self,
        node: NodeId,
        group: GroupId,
        read: R,
        freshness: Freshness,
        deadline: Instant,
    ) -> Answered<R::Answer> {
        let mut client =
            self.client(node).map_err(|error| NotRead::NoReplica(error.to_string()))?;
        let request = read.to_wire(Header { group, freshness, deadline });
        match tokio::time::timeout_at(deadline.into(), R::call(&mut client, request)).await {
            // Not `NoReplica`: there is one, and it answered.
            Ok(Ok(reply)) => R::reply_from_wire(reply.into_inner()).unwrap_or_else(|error| {
                let detail = format!("the answer of a shard could not be read: {error}");
                Err(NotRead::Failed(Error::internal(detail)))
            }),
            // Whatever it was, a read may be asked of another node.
            Ok(Err(status)) => Err(NotRead::NoReplica(does_not_answer(node, &status))),
            Err(_) => Err(NotRead::Failed(Error::timeout(not_in_time(node)))),
        }
    }

    /// Has a command logged and applied by a node, if it leads the group.
    pub async fn propose(&self, node: NodeId, proposal: Proposal, deadline: Instant) -> Outcome {
        let mut client = match self.client(node) {
            Ok(client) => client,
            Err(error) => return Outcome::NoReplica(error.to_string()),
        };
        let request = wire::proposal::proposal_to_wire(proposal, deadline);
        match tokio::time::timeout_at(deadline.into(), client.propose(request)).await {
            Ok(Ok(reply)) => wire::proposal::outcome_from_wire(reply.into_inner()),
            // Another node may be asked only where this one cannot have logged it.
            Ok(Err(status)) if never_arrived(&status) => {
                Outcome::NoReplica(does_not_answer(node, &status))
            }
            Ok(Err(status)) => {
                Outcome::Unknown(format!("node {node} did not answer: {}", status.message()))
            }
            // It may be in the log: time is up here, and not there.
            Err(_) => Outcome::Unknown(not_in_time(node)),
        }
    }

    /// Asks a node what it knows of itself and of groups that it leads.
    ///
    /// # Errors
    /// Unavailable where it was not reached, a conflict where another node answers at its
    /// address, a timeout after the time given, internal where its answer could not be read. A
    /// report changes nothing.
    pub async fn report(
        &self,
        node: NodeId,
        request: ReportRequest,
        timeout: Duration,
    ) -> Result<NodeReport, Error> {
        let mut client =
            self.client(node).map_err(|error| Error::unavailable(error.to_string()))?;
        match tokio::time::timeout(timeout, client.report(request.into_message())).await {
            Ok(Ok(reply)) => NodeReport::from_message(reply.into_inner())
                .map_err(|error| Error::internal(error.to_string())),
            Ok(Err(status)) if met_another(&status) => Err(Error::conflict(status.message())),
            Ok(Err(status)) => Err(Error::unavailable(status.message())),
            Err(_) => Err(Error::timeout("no answer in time")),
        }
    }

    /// Tells a node which start of this one speaks; what it says of itself.
    ///
    /// # Errors
    /// A conflict where it refuses this start for good; whatever else fails may be tried again.
    pub async fn introduce(
        &self,
        node: NodeId,
        own: Introduction,
        timeout: Duration,
    ) -> Result<Introduction, Error> {
        let client = self.client(node).map_err(|error| Error::unavailable(error.to_string()))?;
        introduce(client, own, timeout).await
    }

    /// The same to whoever listens at an address.
    ///
    /// # Errors
    /// Those of [`Peers::introduce`].
    pub async fn introduce_at(
        &self,
        address: &str,
        own: Introduction,
        timeout: Duration,
    ) -> Result<Introduction, Error> {
        let client = tokio::time::timeout(timeout, self.client_at(address)).await;
        let client = client.map_err(|_| Error::timeout("no answer in time"))?;
        introduce(client.map_err(|error| Error::unavailable(error.to_string()))?, own, timeout)
            .await
    }

    /// Has a group's leader, on a node, hand over or change the group's members.
    ///
    /// # Errors
    /// Why it is not done, or is not known to be.
    pub async fn ask_leader(
        &self,
        node: NodeId,
        group: GroupId,
        request: LeaderRequest,
        deadline: Instant,
    ) -> Result<(), NotDone> {
        let mut client =
            self.client(node).map_err(|error| NotDone::NoReplica(error.to_string()))?;
        let call = async {
            match request {
                LeaderRequest::Transfer(to) => {
                    client.transfer_leader(transfer_to_wire(group, to, deadline)).await
                }
                LeaderRequest::Change(change) => {
                    client.change_members(change_to_wire(group, change, deadline)).await
                }
            }
        };
        match tokio::time::timeout_at(deadline.into(), call).await {
            Ok(Ok(reply)) => done_from_wire(group, reply.into_inner()),
            Ok(Err(status)) if never_arrived(&status) => {
                Err(NotDone::NoReplica(status.message().to_owned()))
            }
            Ok(Err(status)) => Err(NotDone::Unknown(status.message().to_owned())),
            Err(_) => Err(NotDone::Unknown(format!("node {node} did not answer in time"))),
        }
    }

    /// Asks whoever listens at an address to make this node's disk a member's. May be asked
    /// again: a disk is admitted once.
    ///
    /// # Errors
    /// Those of the member that refuses; else unavailable, or a timeout after the time given.
    /// No detail names the address.
    pub async fn join(
        &self,
        address: &str,
        request: JoinRequest,
        timeout: Duration,
    ) -> Result<JoinReply, Error> {
        // With the time to connect: an address may swallow everything, and others are to be tried.
        let call = async {
            let mut client = self
                .client_at(address)
                .await
                .map_err(|error| Error::unavailable(error.to_string()))?;
            let reply = client.join(request.into_message()).await;
            // A refusal of the member's is an answer; a status comes from what stands before it.
            let reply = reply.map_err(|status| Error::unavailable(status.message()))?;
            wire::join::admitted_from_wire(reply.into_inner())
                .unwrap_or_else(|error| Err(Error::internal(error.to_string())))
        };
        tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| {
            Err(Error::timeout(format!("no answer within {} s", timeout.as_secs())))
        })
    }
}

async fn introduce(
    mut client: Client,
    own: Introduction,
    timeout: Duration,
) -> Result<Introduction, Error> {
    match tokio::time::timeout(timeout, client.introduce(own.into_message())).await {
        Ok(Ok(reply)) => wire::introduction::answer_from_wire(reply.into_inner())
            .unwrap_or_else(|error| Err(Error::internal(error.to_string()))),
        Ok(Err(status)) => Err(Error::unavailable(status.message())),
        Err(_) => Err(Error::timeout("no answer in time")),
    }
}

fn does_not_answer(node: NodeId, status: &Status) -> String {
    format!("node {node} does not answer: {}", status.message())
}

fn not_in_time(node: NodeId) -> String {
    format!("node {node} did not answer within the time limit")
}

/// Whether a call failed before the other node could have acted on it.
fn never_arrived(status: &Status) -> bool {
    use std::error::Error as _;
    // With these the service refuses a call, or lets its size be refused, before it looks at
    // the message; `Unimplemented` comes from a node of another protocol. `Unavailable` is not
    // among them: a connection that breaks says it too, when the call was long on its way.
    let refused_by_service = matches!(
        status.code(),
        Code::FailedPrecondition | Code::Unauthenticated | Code::OutOfRange | Code::Unimplemented
    );
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            // Nobody listened, so that nothing was sent.
            return true;
        }
        source = error.source();
    }
    refused_by_service
}
