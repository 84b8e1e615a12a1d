"""Three nodes behind the official client: what its users ask of a cluster."""

import contextlib
import http.client
import json
import time

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, ids
from members import founded
from node import wait_until

# Not those of testbed's clusters: both may run at once.
HOSTS = ["127.0.0.31", "127.0.0.32", "127.0.0.33"]
PEER_PORT = 7336


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with founded(tmp_path_factory.mktemp("cluster"), HOSTS, PEER_PORT) as all:
        yield all


@pytest.fixture(scope="module")
def clients(nodes):
    all = [QdrantClient(url=node.url, timeout=60) for node in nodes]
    yield all
    for client in all:
        client.close()


def points(first, last):
    return [m.PointStruct(id=i, vector=[1.0, i, 0.5, 2.0], payload={"n": i}) for i in range(first, last)]


def local_states(client, name):
    return {it.state for it in client.collection_cluster_info(name).local_shards}


def test_the_cluster_and_its_shards_are_described_alike_by_every_node(clients, name):
    create(clients[0], name, shard_number=3, replication_factor=3, write_consistency_factor=2)
    clients[1].upsert(name, points(0, 100))
    leaders = set()
    for client in clients:
        # Two of three acknowledge: the leader may not have heard from the third yet.
        wait_until(lambda: local_states(client, name) == {m.ReplicaState.ACTIVE}, "all replicas to be active")
        status = client.cluster_status()
        assert status.status == "enabled" and len(status.peers) == 3
        assert str(status.peer_id) in status.peers
        info = client.collection_cluster_info(name)
        shards = [it.shard_id for it in info.local_shards]
        assert info.peer_id == status.peer_id and info.shard_count == 3 and sorted(shards) == [0, 1, 2]
        assert local_states(client, name) == {m.ReplicaState.ACTIVE}, "and they stay so"
        assert sorted(it.shard_id for it in info.remote_shards) == [0, 0, 1, 1, 2, 2]
        assert {it.peer_id for it in info.remote_shards} == {int(it) for it in status.peers} - {status.peer_id}
        leaders.add(status.raft_info.leader)
    assert len(leaders) == 1
    params = clients[2].get_collection(name).config.params
    assert (params.shard_number, params.replication_factor, params.write_consistency_factor) == (3, 3, 2)


@pytest.mark.parametrize("consistency", [None, 1, 2, 3, "majority", "quorum", "all"])
def test_what_one_node_acknowledged_every_node_finds(clients, name, consistency):
    create(clients[0], name, shard_number=2, replication_factor=3)
    consistency = m.ReadConsistencyType(consistency) if isinstance(consistency, str) else consistency
    for turn, client in enumerate(clients):
        first = turn * 20
        clients[turn].upsert(name, points(first, first + 20), wait=True)
        for other in clients:
            expected = list(range(first + 20))
            assert ids(other.retrieve(name, expected, consistency=consistency)) == expected
            assert ids(other.scroll(name, limit=100, consistency=consistency)[0]) == expected
            found = other.query_points(name, query=[1.0, 0, 0.5, 2.0], limit=100, consistency=consistency)
            assert sorted(ids(found.points)) == expected


@pytest.mark.parametrize("ordering", list(m.WriteOrdering))
@pytest.mark.parametrize("wait", [True, False])
def test_every_ordering_is_applied_when_it_is_answered(clients, name, ordering, wait):
    create(clients[0], name, shard_number=2, replication_factor=2)
    answer = clients[2].upsert(name, points(0, 10), wait=wait, ordering=ordering)
    assert answer.status == (m.UpdateStatus.COMPLETED if wait else m.UpdateStatus.ACKNOWLEDGED)
    assert clients[1].count(name).count == 10


def test_a_node_answers_by_its_own_replicas_and_misses_nothing(nodes, clients, name):
    create(clients[0], name, shard_number=1, replication_factor=3)
    before = [(node.metric("vane_reads_leading_total"), node.metric("vane_reads_following_total")) for node in nodes]
    for n in range(60):
        clients[n % 3].upsert(name, points(n, n + 1))
        for client in clients:
            assert client.count(name).count == n + 1
            assert ids(client.retrieve(name, [n])) == [n]
    answered = [(node.metric("vane_reads_leading_total") - led, node.metric("vane_reads_following_total") - followed)
                for node, (led, followed) in zip(nodes, before)]
    # Not how many each: a node that hears nothing of its leader in time is passed over for a second.
    assert sum(sum(roles) for roles in answered) >= 360, answered
    assert sum(followed > 0 for _, followed in answered) >= 2, f"one leads, two follow: {answered}"


def test_at_rest_reads_ask_nobody_and_still_miss_nothing(nodes, clients, name):
    create(clients[0], name, shard_number=1, replication_factor=3)
    by_lease = lambda: sum(node.metric("vane_reads_by_lease_total") for node in nodes)
    for n in range(5):
        clients[n % 3].upsert(name, points(n, n + 1))
        before, deadline = by_lease(), time.monotonic() + 30
        while by_lease() < before + 20:
            assert time.monotonic() < deadline, "nobody lends"
            assert [client.count(name).count for client in clients] == [n + 1] * 3
    # A write while leases are out.
    for n in range(5, 60):
        for client in clients:
            client.count(name)
        clients[n % 3].upsert(name, points(n, n + 1))
        assert [client.count(name).count for client in clients] == [n + 1] * 3
        time.sleep(0.35 if n % 5 == 0 else 0)


@pytest.mark.parametrize("header", ["leader", "nearest", "nearest; max-staleness=100ms"])
def test_a_header_says_who_may_answer_and_how_old_the_answer_may_be(nodes, clients, name, header):
    create(clients[0], name, shard_number=2, replication_factor=3)
    clients[0].upsert(name, points(0, 10))
    time.sleep(0.2)
    following = lambda: sum(node.metric("vane_reads_following_total") for node in nodes)
    before = following()
    for node in nodes:
        with contextlib.closing(QdrantClient(url=node.url, timeout=60, headers={"x-vane-read": header})) as client:
            assert client.count(name).count == 10
            assert len(client.query_points(name, query=[1.0, 0, 0.5, 2.0], limit=20).points) == 10
    assert (following() > before) == (header != "leader"), "who leads answers where that is asked for"


def test_a_header_that_is_not_known_is_refused(nodes, clients, name):
    create(clients[0], name)
    with contextlib.closing(QdrantClient(url=nodes[0].url, headers={"x-vane-read": "farthest"},
                                         check_compatibility=False)) as client:
        with pytest.raises(UnexpectedResponse) as refused:
            client.count(name)
    assert refused.value.status_code == 400 and b"max-staleness=2s" in refused.value.content


def test_filters_and_batches_span_the_shards(clients, name):
    create(clients[0], name, shard_number=3, replication_factor=2)
    clients[1].upsert(name, points(0, 60))
    clients[2].create_payload_index(name, "n", m.PayloadSchemaType.INTEGER)
    low = m.Filter(must=[m.FieldCondition(key="n", range=m.Range(lt=25))])
    assert clients[0].count(name, count_filter=low).count == 25
    clients[0].delete(name, points_selector=m.FilterSelector(filter=low))
    assert ids(clients[1].scroll(name, limit=100)[0]) == list(range(25, 60))
    pages, offset = [], None
    while True:
        page, offset = clients[2].scroll(name, limit=7, offset=offset)
        pages += ids(page)
        if offset is None:
            break
    assert pages == list(range(25, 60))


def test_examples_and_their_points_lie_on_other_nodes(clients, name):
    create(clients[0], name, size=3, distance=m.Distance.EUCLID, shard_number=3)
    row = lambda i: [float(i % 13), float(i % 7), float(i % 5)]
    clients[0].upsert(name, [m.PointStruct(id=i, vector=row(i), payload={"n": i % 4}) for i in range(200)])
    like = lambda i, j: -sum((a - b) ** 2 for a, b in zip(row(i), row(j)))
    fold = lambda x: x / (1 + abs(x))
    best = lambda i: max(like(i, 3), like(i, 50)) if max(like(i, 3), like(i, 50)) > like(i, 8) else None
    score = lambda i: (fold(best(i)) + 1) / 2 if best(i) is not None else -(fold(like(i, 8)) + 1) / 2
    sums = lambda i: like(i, 3) + like(i, 50) - like(i, 8)
    for client in clients:
        for strategy, truth in (("best_score", score), ("sum_scores", sums)):
            query = m.RecommendQuery(recommend=m.RecommendInput(positive=[3, 50], negative=[8], strategy=strategy))
            found = client.query_points(name, query=query, limit=20, with_payload=True).points
            expected = sorted((-truth(i), i) for i in range(200) if i not in (3, 50, 8))[:20]
            assert [it.score for it in found] == pytest.approx([-score for score, _ in expected], abs=1e-5)
            assert [it.score for it in found] == pytest.approx([truth(it.id) for it in found], abs=1e-5)
            assert all(it.payload["n"] == it.id % 4 for it in found)
        chosen = client.query_points(name, query=m.NearestQuery(nearest=3, mmr=m.Mmr(candidates_limit=30)), limit=10).points
        assert ids(chosen) == ids(clients[0].query_points(name, query=m.NearestQuery(nearest=row(3), mmr=m.Mmr(candidates_limit=30)), query_filter=m.Filter(must_not=[m.HasIdCondition(has_id=[3])]), limit=10).points)


def test_more_replicas_than_nodes_are_refused(clients, name):
    with pytest.raises(UnexpectedResponse) as refused:
        create(clients[1], name, shard_number=1, replication_factor=4)
    assert refused.value.status_code == 400 and b"4" in refused.value.content
    assert not clients[0].collection_exists(name)


def test_a_node_that_is_away_stops_nobody(nodes, clients, name):
    create(clients[0], name, shard_number=3, replication_factor=3)
    clients[0].upsert(name, points(0, 30))
    nodes[2].kill()
    try:
        wait_until(lambda: written(clients[0], name), "writes to go on")
        assert clients[1].count(name).count == 60
        clients[0].update_collection(name, collection_params=m.CollectionParamsDiff(write_consistency_factor=3))
        with pytest.raises(UnexpectedResponse) as refused:
            clients[0].upsert(name, points(60, 61), timeout=2)
        assert refused.value.status_code in (408, 503), refused.value.content
    finally:
        nodes[2].start()
    wait_until(lambda: clients[2].count(name).count >= 60, "the node to serve again")


def written(client, name):
    try:
        return client.upsert(name, points(30, 60), timeout=5).status == m.UpdateStatus.COMPLETED
    except UnexpectedResponse as failed:
        assert failed.status_code in (408, 503), failed.content
        return False


def states(client, name):
    return {it.peer_id: it.state for it in client.collection_cluster_info(name).remote_shards}


def test_a_replica_that_does_not_answer_is_dead(nodes, clients, name):
    create(clients[0], name, shard_number=1, replication_factor=3)
    away = clients[2].cluster_status().peer_id
    nodes[2].kill()
    try:
        wait_until(lambda: states(clients[0], name)[away] == m.ReplicaState.DEAD, "the replica to be dead")
        failures = lambda: clients[0].cluster_status().message_send_failures
        wait_until(lambda: any(HOSTS[2] in uri for uri in failures()), "the node to be a failure")
    finally:
        nodes[2].start()
    wait_until(lambda: states(clients[0], name)[away] == m.ReplicaState.ACTIVE, "the replica to be back")
    wait_until(lambda: not clients[0].cluster_status().message_send_failures, "no node to be a failure")


def swapping(alias, to, first=False):
    old = [] if first else [{"delete_alias": {"alias_name": alias}}]
    return {"actions": [*old, {"create_alias": {"collection_name": to, "alias_name": alias}}]}


def ask(connection, path, body):
    """On a connection that stays: the official client is too slow to meet a node that lags."""
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    result = json.loads(answer.read())
    assert answer.status == 200, result
    return result["result"]


def test_a_swapped_alias_leads_to_the_new_collection_through_every_node(nodes, clients, name):
    alias, both = f"{name}-alias", [f"{name}-0", f"{name}-1"]
    for i, each in enumerate(both):
        create(clients[0], each)
        clients[0].upsert(each, points(i, i + 1))
    connections = [http.client.HTTPConnection(node.host, node.port, timeout=60) for node in nodes]
    with contextlib.ExitStack() as open_ones:
        for connection in connections:
            open_ones.callback(connection.close)
        follow_an_alias(nodes, clients, connections, alias, both)


def follow_an_alias(nodes, clients, connections, alias, both):
    found = lambda node: [it["id"] for it in ask(connections[node], f"/collections/{alias}/points/scroll", {})["points"]]
    ask(connections[0], "/collections/aliases", swapping(alias, both[0], first=True))
    stale = []
    for turn in range(1, 300):
        ask(connections[turn % 3], "/collections/aliases", swapping(alias, both[turn % 2]))
        for reader in (turn + 1, turn + 2):
            stale += [(turn, reader % 3)] if found(reader % 3) != [turn % 2] else []
    assert not stale, stale
    # One that does not answer is not waited for, and looks for itself when it comes back.
    nodes[2].freeze()
    try:
        ask(connections[0], "/collections/aliases", swapping(alias, both[0]))
    finally:
        nodes[2].thaw()
    assert found(2) == [0]
    clients[1].delete_collection(both[1])
    assert found(2) == [0]


def test_every_node_knows_a_shard_key_once_it_is_made_and_no_more_once_it_is_gone(clients, name):
    custom = {"sharding_method": m.ShardingMethod.CUSTOM, "shard_number": 3, "replication_factor": 3}
    create(clients[0], name, distance=m.Distance.DOT, **custom)
    # More than there are shards, so that each shard has some.
    keys = [f"t{n}" for n in range(12)]
    for n, key in enumerate(keys):
        clients[n % 3].create_shard_key(name, key)
        clients[(n + 1) % 3].upsert(name, points(0, 5), shard_key_selector=key)
        assert clients[(n + 2) % 3].count(name, shard_key_selector=key).count == 5
    for client in clients:
        assert {it.key for it in client.list_shard_keys(name).shard_keys} == set(keys)
        assert client.count(name).count == 60
        found = client.query_points(name, query=[0, 1, 0, 0], limit=3, shard_key_selector=keys[1]).points
        assert ids(found) == [4, 3, 2]
    for n, key in enumerate(keys[:6]):
        clients[n % 3].delete_shard_key(name, key)
        for client in clients:
            with pytest.raises(UnexpectedResponse) as refused:
                client.upsert(name, points(0, 1), shard_key_selector=key)
            assert refused.value.status_code == 404
    assert [client.count(name).count for client in clients] == [30] * 3


def test_telemetry_of_the_cluster_has_every_node_and_replica(nodes, clients, name):
    create(clients[0], name, shard_number=2, replication_factor=3)
    clients[1].upsert(name, points(0, 50))

    def is_whole(told):
        replicas = [it for shard in told.collections[name].shards for it in shard.replicas]
        return len(replicas) == 6 and all(it.state == m.ReplicaState.ACTIVE and it.num_points is not None for it in replicas)

    ask = lambda client: client.http.distributed_api.cluster_telemetry(details_level=2).result
    for client in clients:
        wait_until(lambda: is_whole(ask(client)), "all replicas to answer")
        told = ask(client)
        assert told.cluster.number_of_peers == 3 and all(it.responsive for it in told.cluster.peers.values())
        # A follower may lack the last entries for a moment, and nobody has more.
        wait_until(lambda: sum_of(ask(client), name) == 150, "all replicas to have all points")
        roles = [it.details.role for it in told.cluster.peers.values()]
        assert roles.count(m.StateRole.LEADER) == 1
    told = clients[2].http.service_api.telemetry(details_level=3).result
    (found,) = [it for it in told.collections.collections if it.id == name]
    for shard in found.shards:
        assert len(shard.replicate_states) == 3 and len(shard.remote) == 2 and shard.local is not None


def sum_of(told, name):
    return sum(it.num_points for shard in told.collections[name].shards for it in shard.replicas)


def test_jobs_of_all_shards_are_told_by_every_node(clients, name):
    create(clients[0], name, shard_number=2, replication_factor=2)
    clients[0].upsert(name, points(0, 40))
    for client in clients:
        told = client.http.collections_api.get_optimizations(name, _with="queued,idle_segments").result
        segments = told.idle_segments + [it for job in told.queued for it in job.segments]
        assert sum(it.points_count for it in segments) == 40


def test_limits_of_a_collection_hold_on_every_node_at_once(clients, name):
    create(clients[0], name, shard_number=3, replication_factor=3)
    clients[1].upsert(name, points(0, 30), wait=True)
    limits = m.StrictModeConfig(enabled=True, max_query_limit=5, unindexed_filtering_retrieve=False, max_points_count=30)
    clients[1].update_collection(name, strict_mode_config=limits)
    even = m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gte=0))])
    for client in clients:
        for call in (
            lambda: client.query_points(name, [1.0, 2.0, 3.0, 4.0], limit=6),
            lambda: client.query_points(name, [1.0, 2.0, 3.0, 4.0], limit=5, query_filter=even),
            # Points of all shards count.
            lambda: client.upsert(name, points(30, 31)),
        ):
            with pytest.raises(UnexpectedResponse) as refused:
                call()
            assert refused.value.status_code == 400, refused.value
    clients[2].create_payload_index(name, "n", "integer", wait=True)
    for client in clients:
        assert len(client.query_points(name, [1.0, 2.0, 3.0, 4.0], limit=5, query_filter=even).points) == 5


def test_quotas_are_of_all_nodes(nodes, clients, name):
    create(clients[0], name, shard_number=3, replication_factor=1)
    assert nodes[1].call("PUT", "/quotas", {"enabled": True, "max_disk_usage_percent": 1})[0] == 200
    try:
        for node in nodes:
            status = node.call("GET", "/quotas")[1]["result"]
            assert status["config"] == {"enabled": True, "max_disk_usage_percent": 1}
            assert node.call("PUT", f"/collections/{name}/points", {"points": [{"id": 1, "vector": [1, 2, 3, 4]}]})[0] == 507
        exceeded = lambda: [peer["exceeded"] for peer in nodes[0].call("GET", "/quotas")[1]["result"]["peers"].values()]
        wait_until(lambda: exceeded() == [True] * 3, "all members to say so")
    finally:
        assert nodes[2].call("PUT", "/quotas", {"enabled": False})[0] == 200
    clients[0].upsert(name, points(0, 10), wait=True)


def named(size):
    return m.DenseVectorNameConfig(dense=m.DenseVectorConfig(size=size, distance=m.Distance.DOT))


def with_vector(first, last, size):
    return [m.PointStruct(id=i, vector={"": [1.0, i, 0.5, 2.0], "x": [float(i + 1)] * size}) for i in range(first, last)]


def test_a_vector_is_known_everywhere_once_it_is_added_and_nowhere_once_it_is_removed(clients, name):
    create(clients[0], name, shard_number=3, replication_factor=3)
    for turn in range(12):
        size = 2 + turn % 2
        clients[turn % 3].create_vector_name(name, "x", named(size))
        clients[(turn + 1) % 3].upsert(name, with_vector(0, 30, size))
        for client in clients:
            found = client.query_points(name, query=[1.0] * size, using="x", limit=100, with_vectors=["x"]).points
            assert sorted(ids(found)) == list(range(30)) and all(len(it.vector["x"]) == size for it in found)
        clients[(turn + 2) % 3].delete_vector_name(name, "x")
        for client in clients:
            assert not any("x" in it.vector for it in client.scroll(name, limit=100, with_vectors=True)[0])
            with pytest.raises(UnexpectedResponse) as refused:
                client.upsert(name, with_vector(0, 30, size))
            assert b"Not existing vector name error: x" in refused.value.content


def test_a_node_that_missed_changes_of_vectors_comes_to_the_same(nodes, clients, name):
    create(clients[0], name, shard_number=2, replication_factor=3)
    clients[0].create_vector_name(name, "x", named(2))
    clients[0].upsert(name, with_vector(0, 60, 2))
    nodes[2].kill()
    try:
        wait_until(lambda: written(clients[0], name), "writes to go on")
        clients[0].delete_vector_name(name, "x")
        clients[1].create_vector_name(name, "x", named(3))
        clients[1].create_vector_name(name, "y", m.SparseVectorNameConfig(sparse=m.SparseVectorConfig()))
        clients[0].upsert(name, with_vector(0, 20, 3))
    finally:
        nodes[2].start()
    # Through it, and soon by its replicas alone: another one is away.
    for away in (None, nodes[0]):
        if away:
            away.kill()
        try:
            wait_until(lambda: has_as_many(clients[2], name, 20), "the node to have what it missed")
            clients[2].upsert(name, with_vector(20, 21, 3), timeout=30)
            assert has_as_many(clients[2], name, 21)
            clients[2].delete(name, [20])
        finally:
            if away:
                away.start()


def has_as_many(client, name, expected):
    try:
        found = client.query_points(name, query=[1.0] * 3, using="x", limit=100, with_vectors=["x"], timeout=5).points
    except UnexpectedResponse as failed:
        assert failed.status_code in (408, 503), failed.content
        return False
    return sorted(ids(found)) == list(range(expected)) and all(len(it.vector["x"]) == 3 for it in found)


def test_a_shard_that_was_away_hears_of_a_vector_without_another_call(nodes, clients, name):
    create(clients[0], name, shard_number=3, replication_factor=1)
    clients[0].upsert(name, points(0, 60))
    nodes[2].kill()
    try:
        with pytest.raises(UnexpectedResponse) as failed:
            clients[0].create_vector_name(name, "x", named(2), timeout=3)
        assert failed.value.status_code in (408, 503), failed.value.content
    finally:
        nodes[2].start()

    def taken():
        try:
            return clients[1].upsert(name, with_vector(0, 60, 2), timeout=5).status == m.UpdateStatus.COMPLETED
        except UnexpectedResponse as failed:
            assert failed.status_code in (400, 408, 503), failed.content
            return False

    wait_until(taken, "the shard to know the vector")
    assert len(clients[2].query_points(name, query=[1.0] * 2, using="x", limit=100).points) == 60
