//! A node that is called over gRPC with whatever bytes, and what must hold of it.

use std::path::Path;

use prost::Message;
use serde_json::json;
use tempfile::TempDir;
use vane_proto::admin::{GetClusterRequest, Group, ListShardsReply, ListShardsRequest};

use super::rest_bodies::collection;
pub(super) use crate::grpc::peer;
use crate::grpc::{Caller, has_failed};
use crate::node::Node;
use crate::{Budget, Failure, Random, Tally, corpus};

/// Calls between two looks at the process.
const LOOK_EVERY: u64 = 32;

/// A call: a method's path and its messages.
pub(super) type Call = (String, Vec<Vec<u8>>);

/// A node with a collection that has points, and one who calls it.
pub(super) struct Called {
    node: Node,
    dir: TempDir,
    caller: Caller,
    /// One who calls Qdrant's gRPC.
    client: Caller,
    /// Its groups: the meta group and those of the collection.
    pub(super) groups: Vec<Group>,
}

impl Called {
    pub(super) fn start(program: &Path) -> Result<Self, Failure> {
        let dir = tempfile::tempdir().map_err(|error| Failure::of("a directory", error))?;
        let node = Node::start(program, dir.path())?;
        node.send("PUT", "/collections/a", collection().to_string().as_bytes())?;
        let points: Vec<_> = (0..200_u32)
            .map(|id| json!({ "id": id, "vector": [id, 1], "payload": { "n": id } }))
            .collect();
        let body = json!({ "points": points }).to_string();
        node.send("PUT", "/collections/a/points?wait=true", body.as_bytes())?;
        let caller = Caller::new(&node.peer, dir.path())?;
        caller.introduce()?;
        let client = caller.at(&node.grpc)?;
        let shards: ListShardsReply = caller.ask("ListShards", &ListShardsRequest::default())?;
        let cluster: vane_proto::admin::Cluster =
            caller.ask("GetCluster", &GetClusterRequest::default())?;
        let groups = shards.shards.into_iter().filter_map(|shard| shard.group);
        let groups = groups.chain(cluster.meta).collect();
        Ok(Self { node, dir, caller, client, groups })
    }

    /// Makes the calls of the corpus, then drawn ones; afterwards the node runs, and the next
    /// process reads what this one has written.
    pub(super) fn spend(
        mut self,
        program: &Path,
        budget: Budget,
        (door, seed): (&str, u64),
        draw: impl Fn(&[Group], &mut Random) -> Call,
    ) -> Result<Tally, Failure> {
        for case in corpus::cases(door)? {
            let made = self.make((case.place, vec![case.content])).and_then(|()| self.node.check());
            made.map_err(|Failure(what)| Failure(format!("{}: {what}", case.path.display())))?;
        }
        let mut made: u64 = 0;
        let tally = budget.spend(seed, |random| {
            made += 1;
            self.make(draw(&self.groups, random))?;
            match made.is_multiple_of(LOOK_EVERY) {
                true => self.look(),
                false => Ok(()),
            }
        })?;
        self.look()?;
        let Self { node, dir, .. } = self;
        node.stop()?;
        let mut next = Node::launch(program, dir.path())?;
        next.await_opened()?;
        next.check()?;
        next.stop()?;
        Ok(tally)
    }

    fn make(&self, (path, messages): Call) -> Result<(), Failure> {
        let shown: String =
            messages.concat().iter().take(1_000).map(|b| format!("{b:02x}")).collect();
        let is_of_client = path.starts_with("/qdrant.");
        let caller = if is_of_client { &self.client } else { &self.caller };
        match caller.call(&path, messages) {
            Err(status) if has_failed(&status) => {
                Err(Failure(format!("{path}: {status}; the messages: {shown}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether the process is well and answers. What its groups hold is left aside: whoever has
    /// the secret may lead them.
    fn look(&mut self) -> Result<(), Failure> {
        self.node.check()?;
        for path in ["/livez", "/metrics"] {
            let answer = self.node.get(path)?;
            if answer.status != 200 {
                return Err(Failure(format!("{path} answers {}", answer.status)));
            }
        }
        Ok(())
    }
}

/// A call with one message.
pub(super) fn one(path: String, message: &impl Message) -> Call {
    (path, vec![message.encode_to_vec()])
}
