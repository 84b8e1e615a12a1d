"""Four nodes behind the official client: replicas that move, members that go, what a cluster keeps."""

import contextlib
import threading

import grpc
import pytest
from qdrant_client import QdrantClient
from qdrant_client import grpc as wire
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create
from members import founded
from node import wait_until

# Not those of other tests with several nodes: all may run at once.
HOSTS = ["127.0.0.41", "127.0.0.42", "127.0.0.43", "127.0.0.44"]
PEER_PORT = 7337
ACTIVE, DEAD, PARTIAL = m.ReplicaState.ACTIVE, m.ReplicaState.DEAD, m.ReplicaState.PARTIAL


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with founded(tmp_path_factory.mktemp("cluster"), HOSTS, PEER_PORT) as all:
        yield all


@pytest.fixture(scope="module")
def clients(nodes):
    all = [QdrantClient(url=node.url, timeout=60) for node in nodes]
    wait_until(lambda: len(all[0].cluster_status().peers) == 4, "all to be members")
    yield all
    for client in all:
        client.close()


@pytest.fixture(scope="module")
def peers(clients):
    """Numbers of the nodes, in the order of the clients."""
    return [client.cluster_status().peer_id for client in clients]


def points(first, last):
    return [m.PointStruct(id=i, vector=[1.0, i, 0.5, 2.0], payload={"n": i}) for i in range(first, last)]


def states(client, name, shard=0):
    """States of a shard's replicas by node."""
    info = client.collection_cluster_info(name)
    found = {it.peer_id: it.state for it in info.remote_shards if it.shard_id == shard}
    return found | {info.peer_id: it.state for it in info.local_shards if it.shard_id == shard}


def transfers(client, name):
    return client.collection_cluster_info(name).shard_transfers


def settled(client, name, *nodes):
    """Waits until a shard's replicas are on these nodes alone, and active."""
    is_so = lambda: not transfers(client, name) and states(client, name) == {node: ACTIVE for node in nodes}
    wait_until(is_so, f"{name} to be on {nodes}: {states(client, name)}, {transfers(client, name)}")


def ask(client, name, **operation):
    """One operation of `POST /collections/{name}/cluster` by the parts of its body."""
    kinds = {
        "move_shard": (m.MoveShardOperation, m.MoveShard),
        "replicate_shard": (m.ReplicateShardOperation, m.ReplicateShard),
        "abort_transfer": (m.AbortTransferOperation, m.AbortShardTransfer),
        "restart_transfer": (m.RestartTransferOperation, m.RestartTransfer),
        "drop_replica": (m.DropReplicaOperation, m.Replica),
    }
    [(word, parts)] = operation.items()
    outer, inner = kinds[word]
    return client.cluster_collection_update(name, outer(**{word: inner(shard_id=0, **parts)}), timeout=30)


def way(of, to, **more):
    return {"from_peer_id": of, "to_peer_id": to, **more}


def elsewhere(client, name, peers):
    """A node that has no replica of a collection of one shard."""
    return next(peer for peer in peers if peer not in states(client, name))


@contextlib.contextmanager
def frozen(nodes, peers, peer):
    node = nodes[peers.index(peer)]
    node.freeze()
    try:
        yield
    finally:
        node.thaw()


class Writer(threading.Thread):
    """Upserts one point after the other, each through another node, until it is told to stop."""

    def __init__(self, urls, name):
        super().__init__()
        self.urls, self.name, self.written, self.enough, self.failed = urls, name, 0, threading.Event(), None

    def run(self):
        clients = [QdrantClient(url=url, timeout=60) for url in self.urls]
        try:
            while not self.enough.is_set():
                clients[self.written % len(clients)].upsert(self.name, points(self.written, self.written + 1))
                self.written += 1
        except Exception as failed:
            self.failed = failed
        finally:
            for client in clients:
                client.close()


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_replica_moves_under_writes_and_nothing_is_lost(nodes, clients, peers, name, replicas):
    create(clients[0], name, shard_number=1, replication_factor=replicas)
    clients[0].upsert(name, points(0, 500))
    writer = Writer([node.url for node in nodes], name)
    writer.start()
    try:
        for turn in range(4):
            before = states(clients[turn % 4], name)
            leaving, coming = sorted(before)[turn % replicas], elsewhere(clients[0], name, peers)
            assert ask(clients[turn % 4], name, move_shard=way(leaving, coming, method=list(m.ShardTransferMethod)[turn % 3]))
            # The same once more, through another node, whether it is on its way or done.
            assert ask(clients[(turn + 1) % 4], name, move_shard=way(leaving, coming))
            settled(clients[2], name, *(set(before) - {leaving} | {coming}))
            written = writer.written
            wait_until(lambda: writer.written > written + 5 or writer.failed, "writes to go on")
    finally:
        writer.enough.set()
        writer.join()
    assert writer.failed is None, writer.failed
    for client in clients:
        assert client.count(name).count == max(500, writer.written)
        assert {it.id for it in client.scroll(name, limit=10_000)[0]} == set(range(max(500, writer.written)))


def test_a_replica_is_added_and_dropped(clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=1)
    clients[0].upsert(name, points(0, 100))
    [first] = states(clients[0], name)
    others = [peer for peer in peers if peer != first]
    for n, other in enumerate(others):
        assert ask(clients[n], name, replicate_shard=way(first, other))
        assert ask(clients[n + 1], name, replicate_shard=way(first, other)), "it is asked for already"
        settled(clients[n], name, first, *others[:n + 1])
    for n, other in enumerate([first, *others[:2]]):
        assert ask(clients[n], name, drop_replica={"peer_id": other})
        wait_until(lambda: other not in states(clients[0], name), "the replica to be gone")
    settled(clients[0], name, others[2])
    for client in clients:
        assert client.count(name).count == 100


def test_a_transfer_to_a_node_that_is_away_is_seen_and_aborted(nodes, clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=2)
    before = sorted(states(clients[0], name))
    away = elsewhere(clients[0], name, peers)
    asks = next(client for client, peer in zip(clients, peers) if peer != away)
    for operation, sync in (("replicate_shard", True), ("move_shard", False)):
        with frozen(nodes, peers, away):
            assert ask(asks, name, **{operation: way(before[0], away)})
            [seen] = wait_until(lambda: transfers(asks, name), "the transfer to be seen")
            assert (seen.shard_id, seen.to, seen.sync) == (0, away, sync)
            assert seen.from_ == before[0] or sync
            wait_until(lambda: "away" in transfers(asks, name)[0].comment, "it to say what it waits for")
            for wrong in (way(away, before[0]), way(before[1 if not sync else 0], 99)):
                with pytest.raises(UnexpectedResponse) as refused:
                    ask(asks, name, abort_transfer=wrong)
                assert refused.value.status_code == 404 and b"does not exist" in refused.value.content
            assert ask(asks, name, abort_transfer=way(seen.from_, seen.to))
            settled(asks, name, *before)
            with pytest.raises(UnexpectedResponse) as refused:
                ask(asks, name, abort_transfer=way(seen.from_, seen.to))
            assert refused.value.status_code == 404
    settled(clients[0], name, *before)


def test_a_transfer_begins_anew(nodes, clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=2)
    clients[0].upsert(name, points(0, 200))
    before, away = sorted(states(clients[0], name)), elsewhere(clients[0], name, peers)
    asks = next(client for client, peer in zip(clients, peers) if peer != away)
    with frozen(nodes, peers, away):
        assert ask(asks, name, move_shard=way(before[0], away))
        for _ in range(2):
            assert ask(asks, name, restart_transfer=way(before[0], away, method=m.ShardTransferMethod.SNAPSHOT))
    settled(clients[0], name, before[1], away)
    assert [client.count(name).count for client in clients] == [200] * 4


def test_two_who_decide_at_once_overwrite_nobody(clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=2)
    for _ in range(5):
        before = sorted(states(clients[0], name))
        free = [peer for peer in peers if peer not in before]
        results = []
        move = lambda client, of, to: results.append(ask(client, name, move_shard=way(of, to)))
        threads = [threading.Thread(target=move, args=args) for args in zip(clients[1:], before, free)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True, True]
        settled(clients[0], name, *free)


def test_what_cannot_be_is_refused_and_changes_nothing(nodes, clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=2)
    one, two = sorted(states(clients[0], name))
    three, four = [peer for peer in peers if peer not in (one, two)]
    post = lambda body: nodes[3].call("POST", f"/collections/{name}/cluster", body)
    move = lambda **parts: {"move_shard": {"shard_id": 0, "from_peer_id": one, "to_peer_id": three, **parts}}
    for body, status, text in [
        (move(shard_id=1), 400, f"Bad request: Shard 1 of {name} does not exist"),
        (move(to_peer_id=99), 400, "Bad request: Peer 99 does not exist"),
        (move(from_peer_id=99), 400, "Bad request: Peer 99 does not exist"),
        (move(from_peer_id=three, to_peer_id=four), 400, f"Bad request: Shard 0 is not active on peer {three}"),
        (move(to_peer_id=two), 400, f"Bad request: Peer {two} has a replica of shard 0 already"),
        (move(to_peer_id=one), 422, "must not match"),
        (move(method="by_mail"), 400, "by_mail"),
        (move(to_shard_id=1), 400, "Target shard 1 can only be set"),
        ({"drop_replica": {"shard_id": 0, "peer_id": three}}, 400, f"Bad request: Peer {three} has no replica of shard 0"),
        ({"drop_replica": {"shard_id": 0, "peer_id": one, "min_other_active_replicas": 2}}, 400, "at least 2 are required"),
        ({"abort_transfer": {"shard_id": 0, "from_peer_id": one, "to_peer_id": three}}, 404, f"Not found: Shard transfer {one} -> {three} for collection {name}:0 does not exist"),
        ({"start_resharding": {"direction": "up"}}, 400, "not supported"),
        ({"abort_resharding": {}}, 400, f"Bad request: resharding is not in progress for collection {name}"),
        ({"replicate_points": {"from_shard_key": "a", "to_shard_key": "b"}}, 400, "not supported"),
        ({"create_sharding_key": {"shard_key": "a"}}, 400, "cannot be created with Auto sharding method"),
        ({}, 400, "Format error in JSON body"),
    ]:
        found, answer = post(body)
        assert found == status and text in answer["status"]["error"], (body, found, answer)
    assert nodes[0].call("POST", "/collections/none/cluster", move())[0] == 404
    settled(clients[0], name, one, two)
    ask(clients[0], name, drop_replica={"peer_id": one})
    settled(clients[0], name, two)
    found, answer = post({"drop_replica": {"shard_id": 0, "peer_id": two}})
    assert found == 400 and f"Shard 0 must have at least one active replica after removing {two}" in answer["status"]["error"]


def test_a_collection_gets_more_replicas_and_fewer(nodes, clients, peers, name):
    create(clients[0], name, shard_number=2, replication_factor=1)
    clients[0].upsert(name, points(0, 100))
    resize = lambda client, **params: client.update_collection(name, collection_params=m.CollectionParamsDiff(**params))
    # Once all members have agreed that they can read it.
    wait_until(lambda: nodes[0].call("PATCH", f"/collections/{name}", {"params": {"replication_factor": 3}})[0] == 200, "the feature level to be raised")
    all_active = lambda n: all(len(states(clients[1], name, shard)) == n and set(states(clients[1], name, shard).values()) == {ACTIVE} for shard in (0, 1))
    wait_until(lambda: all_active(3) and not transfers(clients[1], name), "three replicas each")
    assert resize(clients[2], replication_factor=2, write_consistency_factor=2)
    wait_until(lambda: all_active(2) and not transfers(clients[1], name), "two replicas each")
    params = clients[3].get_collection(name).config.params
    assert (params.replication_factor, params.write_consistency_factor) == (2, 2)
    for wrong, status in [({"replication_factor": 5}, 400), ({"replication_factor": 10}, 422), ({"replication_factor": 1, "write_consistency_factor": 2}, 422)]:
        found, answer = nodes[3].call("PATCH", f"/collections/{name}", {"params": wrong})
        assert found == status, answer
    params = clients[3].get_collection(name).config.params
    assert (params.replication_factor, params.write_consistency_factor) == (2, 2)
    for client in clients:
        assert client.count(name).count == 100


def test_shard_keys_come_and_go_by_the_same_way(clients, name):
    create(clients[0], name, sharding_method=m.ShardingMethod.CUSTOM, shard_number=2)
    make = m.CreateShardingKeyOperation(create_sharding_key=m.CreateShardingKey(shard_key="a"))
    assert clients[1].cluster_collection_update(name, make)
    clients[2].upsert(name, points(0, 5), shard_key_selector="a")
    drop = m.DropShardingKeyOperation(drop_sharding_key=m.DropShardingKey(shard_key="a"))
    assert clients[3].cluster_collection_update(name, drop)
    assert clients[0].count(name).count == 0 and clients[0].list_shard_keys(name).shard_keys == []


def test_messages_ask_for_the_same(nodes, clients, peers, name):
    create(clients[0], name, shard_number=1, replication_factor=1)
    [first], free = states(clients[0], name), elsewhere(clients[0], name, peers)
    with grpc.insecure_channel(f"{nodes[1].host}:{nodes[1].grpc_port}") as channel:
        collections = wire.CollectionsStub(channel)
        setup = lambda **parts: collections.UpdateCollectionClusterSetup(
            wire.UpdateCollectionClusterSetupRequest(collection_name=name, timeout=30, **parts))
        assert setup(replicate_shard=wire.ReplicateShard(shard_id=0, from_peer_id=first, to_peer_id=free)).result
        settled(clients[0], name, first, free)
        assert setup(drop_replica=wire.Replica(shard_id=0, peer_id=first)).result
        settled(clients[0], name, free)
        for parts, code in [
            ({"move_shard": wire.MoveShard(shard_id=7, from_peer_id=free, to_peer_id=first)}, grpc.StatusCode.INVALID_ARGUMENT),
            ({"abort_transfer": wire.AbortShardTransfer(shard_id=0, from_peer_id=free, to_peer_id=first)}, grpc.StatusCode.NOT_FOUND),
            ({"replicate_points": wire.ReplicatePoints()}, grpc.StatusCode.UNIMPLEMENTED),
            ({}, grpc.StatusCode.INVALID_ARGUMENT),
        ]:
            with pytest.raises(grpc.RpcError) as refused:
                setup(**parts)
            assert refused.value.code() == code, refused.value


def test_what_is_kept_for_the_cluster_is_the_same_everywhere(nodes, clients):
    keys = lambda node: node.call("GET", "/cluster/metadata/keys")[1]["result"]
    put = lambda node, key, value: node.call("PUT", f"/cluster/metadata/keys/{key}", value)
    # Once all members have agreed that they can read it.
    wait_until(lambda: put(nodes[0], "text", "a")[0] == 200, "the feature level to be raised")
    for n, (key, value) in enumerate([("list", [None, 1337, 42.69, "b"]), ("object", {"a": None, "b": 0.1})]):
        assert put(nodes[n + 1], key, value)[0] == 200
        for node in nodes:
            assert node.call("GET", f"/cluster/metadata/keys/{key}")[1]["result"] == value
    assert [keys(node) for node in nodes] == [["list", "object", "text"]] * 4
    status, refused = put(nodes[0], "large", "x" * (1 << 20))
    assert status == 400 and "the limit is" in refused["status"]["error"]
    for key in ("list", "object", "text", "none"):
        assert nodes[3].call("DELETE", f"/cluster/metadata/keys/{key}")[1]["result"] is True
    assert [keys(node) for node in nodes] == [[]] * 4
    assert nodes[1].call("GET", "/cluster/metadata/keys/text")[1]["result"] is None


def watched(node, heard):
    """Reads what a node's health is until it says nothing more."""
    with grpc.insecure_channel(f"{node.host}:{node.grpc_port}") as channel:
        with contextlib.suppress(grpc.RpcError):
            for message in channel.unary_stream("/grpc.health.v1.Health/Watch")(b""):
                heard.append(message[1] if message else 0)
    heard.append("end")


def test_health_is_watched_until_the_node_stops(own_node):
    heard = []
    own_node.start()
    watcher = threading.Thread(target=watched, args=(own_node, heard))
    watcher.start()
    wait_until(lambda: heard == [1], "the node to be serving")
    assert own_node.stop() == 0
    watcher.join()
    assert heard == [1, 2, "end"]


def test_a_member_that_is_dead_is_seen_and_taken_away(nodes, clients, peers, name):
    create(clients[0], name, shard_number=2, replication_factor=3)
    clients[0].upsert(name, points(0, 50))
    assert clients[0].recover_current_peer() is True
    status = clients[1].cluster_status()
    assert not status.message_send_failures
    assert status.consensus_thread_status.consensus_thread_status == "working"
    assert status.raft_info.term > 0 and status.raft_info.commit > 0 and status.raft_info.leader in peers
    with pytest.raises(UnexpectedResponse) as refused:
        clients[0].remove_peer(99)
    assert b"Peer 99 does not exist" in refused.value.content
    gone = next(peer for peer in peers[1:] if peer in states(clients[0], name))
    with pytest.raises(UnexpectedResponse) as refused:
        clients[0].remove_peer(gone)
    expected = f"Cannot remove peer {gone} as there are shards on it".encode()
    assert refused.value.status_code == 400 and expected in refused.value.content
    nodes[peers.index(gone)].kill()
    wait_until(lambda: states(clients[0], name)[gone] == DEAD, "the replica to be dead")
    failed = lambda: clients[0].cluster_status().message_send_failures
    [failure] = wait_until(lambda: failed(), "the node to be a failure").values()
    assert failure.count > 0 and failure.latest_error and failure.latest_error_timestamp
    # Whatever other tests left there goes too.
    for collection in clients[0].get_collections().collections:
        if collection.name != name:
            clients[0].delete_collection(collection.name)
    away = lambda: nodes[0].call("DELETE", f"/cluster/peer/{gone}?force=true&timeout=20")
    wait_until(lambda: away()[0] == 200, "the member to be taken away")
    assert str(gone) not in clients[0].cluster_status().peers
    assert away()[1]["result"] is True, "it is gone already"
    assert gone not in states(clients[0], name) and clients[0].count(name).count == 50
    assert not failed()
