"""The database grows, is deleted, and is taken over with everything in it."""

import json

from qdrant_client import QdrantClient

from conftest import CLUSTER, COLLECTION, NAMESPACE, QUICKSTART, condition, open_service
from documents import blocks
from load import Load

GROWN = 4


def test_it_grows_under_writes(kube, shell, url, gaps, settled):
    with Load(url, COLLECTION) as load:
        shell.run(blocks(QUICKSTART, "Grow"), timeout=400)
        settled()
    lost = load.lost()
    gaps.add(f"3 nodes become {GROWN}", load, lost)
    assert not lost
    apply(kube, collection("wide", shards=8, replicas=1))
    kube.kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "col/wide", "--timeout=60s")
    new = f"{CLUSTER}-{GROWN - 1}"
    kube.wait(lambda: new in nodes_of(kube, "wide"), f"the new collection to use {new}")


def test_volumes_stay_and_are_taken_over(kube, url, settled):
    with Load(url, COLLECTION) as load:
        kube.wait(lambda: load.writes() > 100, "writes")
    before = QdrantClient(url, timeout=60).count(COLLECTION).count
    identity = kube.get("-n", NAMESPACE, f"vc/{CLUSTER}")["status"]["clusterId"]
    kube.kubectl("-n", NAMESPACE, "delete", "vc", CLUSTER, "--timeout=120s", timeout=130)
    kube.wait(lambda: not kube.get("-n", NAMESPACE, "pods")["items"], "its pods to be gone")
    assert len(kube.get("-n", NAMESPACE, "pvc")["items"]) == GROWN
    # As in the beginning, with three nodes: the volume of the fourth may have what the others lack.
    kube.kubectl("apply", "-n", NAMESPACE, "-f", "e2e/examples/quickstart.yaml")
    ready = ["--for=condition=Ready", f"vc/{CLUSTER}", f"col/{COLLECTION}", "--timeout=180s"]
    kube.kubectl("wait", "-n", NAMESPACE, *ready, timeout=200)
    cluster = kube.get("-n", NAMESPACE, f"vc/{CLUSTER}")
    assert (cluster["status"]["clusterId"], cluster["status"]["nodes"]) == (identity, GROWN)
    assert condition(cluster, "Accepted") == "False"
    settled()
    # The file says nothing of the Service's type.
    load.url = open_service(kube)
    assert QdrantClient(load.url, timeout=60).count(COLLECTION).count == before
    assert not load.lost()


def nodes_of(kube, name):
    """Pods that have a copy of a shard of a collection."""
    shards = [it for it in kube.get("-n", NAMESPACE, "sp")["items"] if it["spec"]["collection"] == name]
    return {copy["node"] for it in shards for copy in it.get("status", {}).get("replicas", [])}


def apply(kube, it):
    kube.kubectl("apply", "-n", NAMESPACE, "-f", "-", text=json.dumps(it))


def collection(name, shards, replicas):
    spec = {"clusterRef": {"name": CLUSTER}, "shards": shards, "replicationFactor": replicas}
    spec["vectors"] = [{"size": 4, "distance": "Dot"}]
    return {"apiVersion": "vanedb.io/v1alpha1", "kind": "Collection", "metadata": {"name": name}, "spec": spec}
