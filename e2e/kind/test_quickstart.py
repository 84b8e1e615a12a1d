"""The quickstart, exactly as it stands."""

import pytest
from qdrant_client import QdrantClient

import dataset
from conftest import CLUSTER, COLLECTION, NAMESPACE, QUICKSTART
from documents import blocks

PACKAGES = 5000
NEAREST = 10
#: Share of the exact nearest that a search through graphs must find.
RECALL_MIN = 0.95


@pytest.mark.smoke
def test_its_lines_lead_to_a_search(quickstart, kube):
    assert f"{PACKAGES} packages" in quickstart
    answers = quickstart.split(f"{PACKAGES} packages")[1]
    # Three questions, each with three answers out of the data.
    assert answers.count("\n\n") == 3, answers
    assert len([it for it in answers.splitlines() if it.startswith("  0.")]) == 9, answers
    zones = {it["zone"] for it in kube.get("-n", NAMESPACE, f"vc/{CLUSTER}")["status"]["members"]}
    assert zones == {"a", "b", "c"}


@pytest.mark.smoke
def test_the_service_finds_what_is_nearest(url):
    client, found = QdrantClient(url, timeout=60), 0
    queries, truth = dataset.queries(), dataset.truth()
    for query, nearest in zip(queries, truth):
        points = client.query_points(COLLECTION, query=query, limit=NEAREST).points
        found += len({it.id for it in points} & set(nearest[:NEAREST].tolist()))
    recall = found / (NEAREST * len(queries))
    print(f"recall of the best {NEAREST}: {recall:.3f}")
    assert recall >= RECALL_MIN
    client.close()


@pytest.mark.smoke
def test_a_pod_is_lost_and_no_point(quickstart, shell):
    parts = blocks(QUICKSTART, "Points and a search")[:1] + blocks(QUICKSTART, "Lose a pod")
    printed = shell.run(parts, timeout=400)
    print(printed)
    assert f"{PACKAGES} packages" in printed
