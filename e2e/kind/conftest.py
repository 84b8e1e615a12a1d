"""A Kubernetes with Vane, as the quickstart makes it."""

import contextlib
import urllib.request

import pytest

from documents import Shell, blocks
from kube import Kube
from report import Gaps

QUICKSTART = "docs/quickstart.md"
NAMESPACE = "demo"
CLUSTER = "quickstart"
COLLECTION = "packages"
#: Namespace of the operator.
OPERATOR = "vane-system"
#: What the quickstart does to have a database with points; then it loses a pod, grows, and cleans up.
INSTALLED = ("A Kubernetes", "The operator", "A database and a collection", "Points and a search")


@pytest.fixture(scope="session")
def kube():
    it = Kube()
    it.up()
    return it


@pytest.fixture(scope="session")
def shell(kube):
    return Shell(kube)


@pytest.fixture(scope="session")
def quickstart(shell):
    """What the quickstart printed until its database had points."""
    printed = shell.run(blocks(QUICKSTART, *INSTALLED), timeout=1500)
    print(printed)
    return printed


@pytest.fixture(scope="session")
def url(kube, quickstart):
    return open_service(kube)


def open_service(kube):
    """The clients' Service, from outside: at a port of every machine."""
    change = '{"spec": {"service": {"type": "NodePort"}}}'
    kube.kubectl("-n", NAMESPACE, "patch", "vc", CLUSTER, "--type=merge", "-p", change)
    port = kube.wait(lambda: node_port(kube), "a port of the Service")
    url = f"http://{kube.address()}:{port}"
    # Machines take a moment until they know of it.
    kube.wait(lambda: answers(url), f"{url} to answer")
    return url


def answers(url):
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
        return answer.status == 200
    return False


def node_port(kube):
    return kube.get("-n", NAMESPACE, f"service/{CLUSTER}")["spec"]["ports"][0].get("nodePort")


@pytest.fixture
def settled(kube):
    """Waits until all is as declared: every node there, every replica of every shard in step."""

    def wait():
        kube.wait(lambda: is_settled(kube), "everything to be as declared", seconds=300)

    return wait


def is_settled(kube):
    cluster = kube.get("-n", NAMESPACE, f"vc/{CLUSTER}")
    shards = kube.get("-n", NAMESPACE, "sp")["items"]
    members = cluster["status"].get("members", [])
    return (
        cluster["status"].get("readyNodes") == cluster["status"]["nodes"] == len(members)
        and all(it["alive"] for it in members)
        and all(condition(it, "Ready") == "True" for it in shards)
        and condition(cluster, "Ready") == "True"
    )


def condition(thing, kind):
    found = thing.get("status", {}).get("conditions", [])
    return next((it["status"] for it in found if it["type"] == kind), None)


@pytest.fixture(scope="session")
def gaps():
    it = Gaps()
    yield it
    print(it.table())
