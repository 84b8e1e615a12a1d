"""What clients, web UIs and dashboards ask of a running node: telemetry, metrics, issues, jobs, memory."""

import datetime
import re
import urllib.request

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, wait_green
from node import Node, wait_until

ROWS = np.random.default_rng(5).normal(size=(3000, 32)).astype(np.float32)
# From so many payloads on that one request reads, a field without an index is an issue.
PAYLOADS = 10_000


def load(client, name, **more):
    """Points of which a graph is made."""
    create(client, name, size=32, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10), **more)
    client.upsert(name, m.Batch(ids=list(range(len(ROWS))), vectors=ROWS.tolist(), payloads=[{"n": i} for i in range(len(ROWS))]))
    wait_green(client, name)
    # What a job made shows before it has tidied up.
    wait_until(lambda: client.http.collections_api.get_optimizations(name).result.running == [], "all jobs to end")


def telemetry(client, **asked):
    return client.http.service_api.telemetry(**asked).result


def of_collection(client, name, level=3):
    found = [it for it in telemetry(client, details_level=level).collections.collections if it.id == name]
    assert len(found) == 1
    return found[0]


def metrics(node, query=""):
    return urllib.request.urlopen(f"{node.url}/metrics{query}").read().decode()


def samples(text):
    """Values of a scrape by name and labels, by the rules of the format: each family is declared once, and before its samples."""
    types, found = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in types, f"{family} is declared twice"
            types[family] = kind
        elif not line.startswith("#"):
            parsed = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
            assert parsed, line
            name, labels, value = parsed.groups()
            family = re.sub(r"_(total|sum|count|bucket|bytes|seconds)$", "", name)
            assert {name, family, re.sub(r"_(sum|count|bucket)$", "", name)} & set(types), f"{name} is not declared"
            key = (name, tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))))
            assert key not in found, f"{key} is there twice"
            found[key] = float(value)
    return found


def sample(text, name, **labels):
    return samples(text)[(name, tuple(sorted((key, str(value)) for key, value in labels.items())))]


@pytest.mark.parametrize("level", [0, 1, 2, 3, 10])
def test_telemetry_tells_more_with_each_level_and_clients_can_read_it(client, name, level):
    load(client, name)
    told = telemetry(client, details_level=level)
    assert told.collections.number_of_collections >= 1 and told.cluster.enabled
    assert told.app.name == "qdrant" and told.app.startup.date() <= datetime.datetime.now(datetime.timezone.utc).date()
    upserts = told.requests.rest.responses["PUT /collections/{collection_name}/points"]["200"]
    assert upserts.count >= 1 and upserts.avg_duration_micros > 0
    if level == 0:
        assert told.collections.collections is None and told.memory is None
        return
    assert upserts.min_duration_micros <= upserts.avg_duration_micros <= upserts.max_duration_micros
    assert upserts.last_responded.date() == datetime.datetime.now(datetime.timezone.utc).date()
    assert told.memory.resident_bytes > 0 and told.app.system.cores > 0 and told.hardware.collection_data == {}
    assert len(told.collections.snapshots) == told.collections.number_of_collections
    assert told.cluster.status.number_of_peers == 1 and told.cluster.status.is_voter
    if level == 1:
        assert any(it.vectors >= len(ROWS) for it in told.collections.collections)
        return
    found = of_collection(client, name, level)
    assert found.config.params.vectors.size == 32
    if level == 2:
        assert found.shards is None
        return
    (shard,) = found.shards
    assert (shard.local.segments is None, shard.local.payloads_size_bytes > len(ROWS)) == (level == 3, True)
    if level > 3:
        assert sum(it.info.num_points for it in shard.local.segments) == len(ROWS)
        assert any(it.config.vector_data[""].index.type == "hnsw" for it in shard.local.segments)
        assert sum(it.info.is_appendable for it in shard.local.segments) == 1
    assert list(shard.replicate_states.values()) == [m.ReplicaState.ACTIVE] and shard.remote == []
    assert (shard.local.num_points, shard.local.num_vectors_by_name) == (len(ROWS), {"": len(ROWS)})
    assert shard.local.status == m.ShardStatus.GREEN and shard.local.update_queue.length == 0
    assert shard.local.optimizations.optimizations.count >= 1
    assert any(it.name == "indexing" and it.status == "done" for it in shard.local.optimizations.log)
    assert shard.local.total_optimized_points >= len(ROWS)


def test_anonymous_telemetry_and_metrics_have_no_names_of_collections(node, client, name):
    create(client, name)
    told = node.call("GET", "/telemetry?details_level=3&anonymize=true&per_collection=true")[1]
    assert name not in str(told)
    assert telemetry(client, details_level=2, anonymize=True).collections.number_of_collections >= 1
    own_names = [line for line in metrics(node, "?anonymize=true").splitlines() if line.startswith("vane_")]
    others = [line for line in metrics(node, "?anonymize=true").splitlines() if not line.startswith("vane_")]
    assert own_names and name not in "\n".join(others)


def test_requests_are_counted_by_collection_where_there_is_one(client, node, name):
    create(client, name)
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    with pytest.raises(UnexpectedResponse):
        client.upsert("no-such-collection", [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    asked = "PUT /collections/{collection_name}/points"
    of_collections = telemetry(client, per_collection=True).requests.rest.per_collection_responses[asked]
    assert of_collections[name]["200"].count == 1 and "no-such-collection" not in of_collections
    text = metrics(node, "?per_collection=true")
    labels = {"method": "PUT", "endpoint": "/collections/{collection_name}/points", "status": 200, "collection": name}
    assert sample(text, "rest_responses_total", **labels) == 1
    client.delete_collection(name)
    assert name not in (telemetry(client, per_collection=True).requests.rest.per_collection_responses.get(asked) or {})


def test_calls_over_grpc_are_counted_too(node, client, name):
    create(client, name)
    over_grpc = QdrantClient(host=node.host, port=node.port, grpc_port=node.grpc_port, prefer_grpc=True)
    over_grpc.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    told = telemetry(client, per_collection=True).requests.grpc
    assert told.responses["/qdrant.Points/Upsert"]["0"].count >= 1
    assert told.per_collection_responses["/qdrant.Points/Upsert"][name]["0"].count == 1
    assert sample(metrics(node), "grpc_responses_total", endpoint="/qdrant.Points/Upsert", status=0) >= 1
    over_grpc.close()


def test_metrics_have_qdrants_names_beside_our_own(node, client, name):
    load(client, name)
    client.query_points(name, query=ROWS[0].tolist())
    text = metrics(node)
    assert "# TYPE app_info gauge" in text and 'app_info{name="qdrant",version="' in text
    assert sample(text, "collection_points", id=name) == len(ROWS) == sample(text, "vane_points", collection=name)
    assert sample(text, "collection_vectors", collection=name, vector="") == len(ROWS)
    assert sample(text, "collection_indexed_only_excluded_points", id=name, vector="") == 0
    assert sample(text, "collection_running_optimizations", id=name) == 0
    assert sample(text, "collection_update_queue_length", id=name) == 0
    assert sample(text, "collection_active_replicas_min") == sample(text, "collection_active_replicas_max") == 1
    assert sample(text, "collection_dead_replicas") == 0
    assert sample(text, "cluster_peers_total") == sample(text, "cluster_voter") == 1
    assert sample(text, "collections_total") == len(client.get_collections().collections)
    for figure in ("memory_resident_bytes", "process_threads", "process_open_fds", "process_max_fds", "process_open_mmaps"):
        assert sample(text, figure) > 0, figure
    asked = {"method": "POST", "endpoint": "/collections/{collection_name}/points/query", "status": 200}
    count = sample(text, "rest_responses_total", **asked)
    assert count >= 1 and sample(text, "rest_responses_duration_seconds_bucket", le="+Inf", **asked) == count
    shortest, mean, longest = (sample(text, f"rest_responses_{it}_duration_seconds", **asked) for it in ("min", "avg", "max"))
    assert 0 < shortest <= mean <= longest


def test_names_of_metrics_get_the_prefix_of_the_settings(tmp_path):
    with Node(tmp_path / "data", METRICS_PREFIX="qdrant_") as node:
        text = metrics(node)
        assert sample(text, "qdrant_collections_total") == 0 and sample(text, "vane_collections") == 0


def issues(client):
    return client.http.beta_api.get_issues()["result"]["issues"]


def test_a_field_without_an_index_is_an_issue_until_it_has_one(node, client, name):
    create(client, name)
    rows = np.ones((PAYLOADS, 4)).tolist()
    client.upsert(name, m.Batch(ids=list(range(PAYLOADS)), vectors=rows, payloads=[{"color": "red", "n": i} for i in range(PAYLOADS)]))
    client.create_payload_index(name, "n", "integer", wait=True)
    assert client.http.beta_api.clear_issues().result is True
    ours = lambda: [it for it in issues(client) if it["related_collection"] == name]
    # An index answers it.
    client.count(name, count_filter=m.Filter(must=[m.FieldCondition(key="n", range=m.Range(gte=5))]))
    assert ours() == []
    red = m.Filter(must=[m.FieldCondition(key="color", match=m.MatchValue(value="red"))])
    assert client.count(name, count_filter=red).count == PAYLOADS
    client.query_points(name, query=[1, 2, 3, 4], query_filter=red)
    (issue,) = ours()
    assert issue["id"] == f"UNINDEXED_FIELD/{name}/color" and "`color`" in issue["description"]
    action = issue["solution"]["immediate"]["action"]
    assert action["method"] == "PUT" and action["body"] == {"field_name": "color", "field_schema": "keyword"}
    assert node.call(action["method"], action["uri"] + "?wait=true", action["body"])[0] == 200
    assert ours() == []
    client.query_points(name, query=[1, 2, 3, 4], query_filter=red)
    assert ours() == []


def test_issues_are_forgotten_when_told_to(client, name):
    create(client, name)
    rows = np.ones((PAYLOADS, 4)).tolist()
    client.upsert(name, m.Batch(ids=list(range(PAYLOADS)), vectors=rows))
    few = m.Filter(must=[m.FieldCondition(key="a.b", range=m.Range(gte=5))])
    client.scroll(name, scroll_filter=few)
    (issue,) = [it for it in issues(client) if it["related_collection"] == name]
    assert {it["action"]["body"]["field_schema"] for it in issue["solution"]["immediate_choice"]} >= {"integer", "float"}
    client.http.beta_api.clear_issues()
    assert issues(client) == []


def test_jobs_that_made_a_graph_are_told(client, name):
    load(client, name)
    told = client.http.collections_api.get_optimizations(name, _with="queued,completed,idle_segments").result
    assert told.running == [] and told.queued == []
    built = [it for it in told.completed if it.optimizer == "indexing"]
    assert built and all(it.status == "done" for it in told.completed)
    assert built[0].progress.done == built[0].progress.total == sum(it.points_count for it in built[0].segments)
    assert built[0].progress.started_at <= built[0].progress.finished_at
    assert sum(it.points_count for it in told.idle_segments) == len(ROWS)
    assert told.summary.idle_segments == len(told.idle_segments) and told.summary.queued_optimizations == 0
    short = client.http.collections_api.get_optimizations(name).result
    assert short.completed is None and short.queued is None and short.idle_segments is None
    one = client.http.collections_api.get_optimizations(name, _with="completed", completed_limit=1).result
    assert len(one.completed) == 1
    with pytest.raises(UnexpectedResponse) as refused:
        client.http.collections_api.get_optimizations(name, _with="everything")
    assert refused.value.status_code == 400


def test_what_waits_to_be_indexed_is_queued(tmp_path):
    # Nothing pauses long enough to be sealed.
    with Node(tmp_path / "data", STORAGE__IDLE_SEAL_MS=3_600_000) as node:
        client = QdrantClient(url=node.url, timeout=60)
        create(client, "c", size=32, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10))
        client.upsert("c", m.Batch(ids=list(range(500)), vectors=ROWS[:500].tolist()))
        told = client.http.collections_api.get_optimizations("c", _with="queued,idle_segments").result
        assert [it.optimizer for it in told.queued] == ["sealing"]
        assert told.summary.queued_points == 500 == told.queued[0].segments[0].points_count
        assert told.idle_segments == []
        assert client.get_collection("c").status == m.CollectionStatus.YELLOW


def test_memory_is_told_by_vector_and_index(node, client, name):
    vectors = {"d": m.VectorParams(size=32, distance=m.Distance.DOT), "cold": m.VectorParams(size=32, distance=m.Distance.DOT, on_disk=True)}
    client.create_collection(name, vectors_config=vectors, sparse_vectors_config={"s": m.SparseVectorParams()},
                             optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10))
    sparse = m.SparseVector(indices=[1, 5], values=[0.5, 1.0])
    points = [m.PointStruct(id=i, vector={"d": row.tolist(), "cold": row.tolist(), "s": sparse}, payload={"n": i}) for i, row in enumerate(ROWS)]
    client.upload_points(name, points, wait=True)
    client.create_payload_index(name, "n", "integer", wait=True)
    wait_green(client, name)
    status, answer = node.call("GET", f"/collections/{name}/memory")
    assert status == 200
    told = answer["result"]
    by_name = {it["name"]: it for it in told["vectors"]}
    assert set(by_name) == {"d", "cold"} and [it["name"] for it in told["sparse_vectors"]] == ["s"]
    assert by_name["d"]["storage"]["disk_bytes"] >= ROWS.nbytes == by_name["d"]["storage"]["expected_cache_bytes"]
    assert by_name["cold"]["storage"]["expected_cache_bytes"] == 0 < by_name["d"]["index"]["disk_bytes"]
    assert told["payload_index"][0]["name"] == "n" and told["payload_index"][0]["usage"]["ram_bytes"] > 0
    assert told["other"]["id_tracker"]["ram_bytes"] > 0
    parts = [it[part] for it in told["vectors"] + told["sparse_vectors"] for part in ("storage", "index")]
    parts += [it["usage"] for it in told["payload_index"]] + list(told["other"].values())
    for figure in ("disk_bytes", "ram_bytes", "expected_cache_bytes"):
        assert told["total"][figure] == sum(it[figure] for it in parts), figure


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/index.html", "/logger", "/stacktrace", "/profiler/slow_requests", "/collections/c/debug"])
def test_what_there_is_not_says_so(node, path):
    status, answer = node.call("GET", path)
    assert status == 400 and "not supported by this version of Vane" in answer["status"]["error"]
