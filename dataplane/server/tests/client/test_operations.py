"""What the people who run a node see: start, stop, restart, health, metrics, a full disk."""

import os
import pathlib
import re
import subprocess
import urllib.error
import urllib.request

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import UnexpectedResponse

from conftest import create, wait_green
from node import Node, binary, wait_until
from volume import Volume, needs_mount

ROWS = np.random.default_rng(3).normal(size=(3000, 32)).astype(np.float32)


def load(client, name):
    create(client, name, size=32, optimizers_config=m.OptimizersConfigDiff(indexing_threshold=10))
    payloads = [{"n": i % 7} for i in range(len(ROWS))]
    client.upsert(name, m.Batch(ids=list(range(len(ROWS))), vectors=ROWS.tolist(), payloads=payloads))
    client.create_payload_index(name, "n", field_schema="integer")
    client.update_collection_aliases([m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name="alias"))])
    wait_green(client, name)


def answers(client, name):
    some = m.Filter(must=[m.FieldCondition(key="n", match=m.MatchValue(value=3))])
    plain = [client.query_points(name, query=ROWS[i].tolist(), limit=5).points for i in range(10)]
    filtered = client.query_points(name, query=ROWS[0].tolist(), query_filter=some, limit=5).points
    return [[(it.id, it.score) for it in found] for found in (*plain, filtered)], client.count(name).count


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_keeps_everything_and_rebuilds_no_index(own_node, how):
    own_node.start()
    client = QdrantClient(url=own_node.url, timeout=60)
    load(client, "c")
    before = answers(client, "c")
    assert own_node.metric("vane_indexes_built_total") >= 1
    getattr(own_node, how)()
    own_node.start()
    wait_green(client, "c")
    assert answers(client, "c") == before == answers(client, "alias")
    assert own_node.metric("vane_indexes_built_total") == 0
    assert client.get_collection("c").indexed_vectors_count == len(ROWS)
    assert client.get_collection("c").payload_schema["n"].points == len(ROWS)


def test_a_stop_answers_what_is_on_its_way(own_node):
    own_node.start()
    client = QdrantClient(url=own_node.url, timeout=60)
    load(client, "c")
    assert own_node.stop() == 0
    assert "stopped" in own_node.tail()


def test_a_start_that_a_disk_holds_up_is_seen_and_ends_at_once_when_told_to(own_node):
    own_node.start()
    assert own_node.stop() == 0
    # A read that does not come back, as of a volume whose server is gone.
    stuck = pathlib.Path(own_node.data_dir) / "raft.db" / "CURRENT"
    stuck.unlink()
    os.mkfifo(stuck)
    own_node.start(wait=False)
    wait_until(lambda: is_alive(own_node), "the listener")
    for path in ["/readyz", "/collections"]:
        status, text = said(own_node, path)
        assert status == 503 and "the node is starting" in text, text
    assert own_node.stop() == 0


def is_alive(node):
    try:
        return said(node, "/livez")[0] == 200
    except OSError:
        return False


def said(node, path):
    try:
        with urllib.request.urlopen(node.url + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_and_metrics(node, client, name):
    create(client, name)
    for path, text in {"/healthz": "healthz check passed", "/livez": "healthz check passed", "/readyz": "all shards are ready"}.items():
        assert urllib.request.urlopen(node.url + path).read().decode() == text
    assert node.call("GET", "/health")[0] == 200
    client.upsert(name, [m.PointStruct(id=1, vector=[1, 2, 3, 4])])
    client.query_points(name, query=[1, 2, 3, 4])
    client.delete(name, points_selector=[1])
    text = urllib.request.urlopen(f"{node.url}/metrics").read().decode()
    families = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
    for wanted in ("search", "insert", "delete", "points", "collections", "memory", "uptime", "segments", "indexes_built"):
        assert any(wanted in it for it in families), f"no metric about {wanted} in {families}"


def test_a_second_node_leaves_the_directory_alone(own_node):
    own_node.start()
    second = Node(own_node.data_dir)
    second.start(wait=False)
    assert second.process.wait(timeout=30) == 1
    assert "in use by another process" in second.tail()


def test_a_disk_of_a_later_version_has_an_exit_code_of_its_own(tmp_path):
    with Node(tmp_path / "data"):
        pass
    marker = tmp_path / "data" / "VANE"
    later = marker.read_text().replace('"format": 2', '"format": 3')
    marker.write_text(later)
    node = Node(tmp_path / "data")
    node.start(wait=False)
    # Whoever restarts it until it stays has to know that it never will.
    assert node.process.wait(timeout=30) == 78
    assert "has format 3" in node.tail() and "run the version that wrote it" in node.tail()
    assert marker.read_text() == later


@pytest.mark.parametrize(
    "arguments,named",
    [
        (["--http-port", "99999"], "99999"),
        (["--config", "/no/such/file.yaml"], "/no/such/file.yaml"),
        (["--no-such-flag"], "--no-such-flag"),
    ],
)
def test_a_bad_configuration_is_one_clear_message(arguments, named):
    result = subprocess.run([binary(), "serve", *arguments], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and named in result.stderr, result
    assert "panicked" not in result.stderr


def test_unknown_keys_in_the_file_are_refused(tmp_path):
    file = tmp_path / "vane.yaml"
    file.write_text("http_prot: 1\n")
    result = subprocess.run([binary(), "serve", "--config", file], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and "http_prot" in result.stderr, result


@needs_mount
def test_a_full_disk_refuses_writes_and_recovers_by_itself(tmp_path):
    settings = {"STORAGE__MIN_FREE_MB": 48, "STORAGE__BALLAST_MB": 8}
    with Volume(tmp_path, megabytes=192) as volume, Node(volume.path / "data", **settings) as node:
        client = QdrantClient(url=node.url, timeout=60)
        create(client, "c", size=32)
        filler = volume.path / "filler"
        points = [m.PointStruct(id=i, vector=row.tolist()) for i, row in enumerate(ROWS[:100])]
        client.upsert("c", points)
        leave_free(filler, volume.path, megabytes=15)
        with pytest.raises(UnexpectedResponse) as refused:
            client.upsert("c", points)
        assert refused.value.status_code == 507, refused.value
        assert client.count("c").count == 100
        assert client.query_points("c", query=ROWS[0].tolist()).points[0].id == 0
        client.delete("c", points_selector=[99])
        assert client.count("c").count == 99, "deletes are still taken"
        filler.unlink()
        client.upsert("c", points)
        assert client.count("c").count == 100
        assert node.stop() == 0


def leave_free(filler, path, megabytes):
    stat = os.statvfs(path)
    size = stat.f_bavail * stat.f_frsize - (megabytes << 20)
    with open(filler, "wb") as it:
        os.posix_fallocate(it.fileno(), 0, size)
    wait_until(lambda: os.statvfs(path).f_bavail * stat.f_frsize < (megabytes + 2) << 20, "the disk to be full")
