"""What goes wrong with pods and machines, while clients write and search through the Service."""

from collections import Counter

import pytest

from conftest import COLLECTION, NAMESPACE, OPERATOR
from load import Load

#: Writes that must be acknowledged before, during and after.
SOME = 50


@pytest.fixture
def under_load(kube, url, gaps, settled):
    """Runs a fault among writes; nothing is lost, and the table gets a line."""

    def run(what, fault):
        with Load(url, COLLECTION) as load:
            go_on(kube, load, f"before {what}")
            fault(load)
            go_on(kube, load, f"after {what}")
            settled()
        lost = load.lost()
        gaps.add(what, load, lost)
        assert not lost, f"{what}: {len(lost)} of {load.writes()} acknowledged writes are lost: {lost[:10]}"

    return run


def go_on(kube, load, when):
    """Waits for writes that began now."""
    wanted = load.writes() + SOME
    kube.wait(lambda: load.writes() >= wanted, f"writes {when} ({Counter(load.failures)})")


def leader(kube):
    """The pod that leads most shards."""
    placements = kube.get("-n", NAMESPACE, "sp")["items"]
    return Counter(it["status"]["leader"] for it in placements).most_common(1)[0][0]


@pytest.mark.smoke
def test_a_pod_is_killed(kube, under_load):
    def fault(load):
        pod = leader(kube)
        # First without a warning: one that is asked hands its leaders over.
        kube.kill_processes(kube.machine_of(NAMESPACE, pod), "vane")
        kube.kubectl("-n", NAMESPACE, "delete", "pod", pod, "--grace-period=0", "--force")
        go_on(kube, load, "without the pod")

    under_load("pod killed", fault)


def test_a_pod_is_asked_to_go(kube, under_load):
    def fault(_):
        kube.kubectl("-n", NAMESPACE, "delete", "pod", leader(kube))

    under_load("pod deleted in order", fault)


def test_a_machine_loses_its_power(kube, under_load):
    under_load("machine without power", lambda load: without_machine(kube, load, kube.stop_machine, kube.start_machine))


def test_a_machine_is_cut_off(kube, under_load):
    under_load("machine cut off", lambda load: without_machine(kube, load, kube.cut_off, kube.reconnect))


def without_machine(kube, load, take, give_back):
    """Writes go on before Kubernetes knows that the machine is away, and since it knows."""
    machine = kube.machine_of(NAMESPACE, leader(kube))
    take(machine)
    go_on(kube, load, "without the machine")
    kube.wait(lambda: not is_ready(kube, machine), f"{machine} to be not ready")
    go_on(kube, load, "since the machine is not ready")
    give_back(machine)
    kube.wait(lambda: is_ready(kube, machine), f"{machine} to be ready")


def test_the_operator_is_away(kube, under_load):
    def fault(load):
        kube.kubectl("-n", OPERATOR, "scale", "deployment/vane-operator", "--replicas=0")
        kube.wait(lambda: not kube.get("-n", OPERATOR, "pods")["items"], "the operator to be gone")
        pod = leader(kube)
        kube.kubectl("-n", NAMESPACE, "delete", "pod", pod, "--grace-period=0", "--force")
        kube.kubectl("-n", NAMESPACE, "wait", "--for=create", f"pod/{pod}", "--timeout=60s")
        kube.kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=180s", timeout=200)
        go_on(kube, load, "without the operator")
        kube.kubectl("-n", OPERATOR, "scale", "deployment/vane-operator", "--replicas=1")
        kube.kubectl("-n", OPERATOR, "rollout", "status", "deployment/vane-operator", "--timeout=120s", timeout=130)

    under_load("pod killed, operator away", fault)


def is_ready(kube, machine):
    conditions = kube.get("node", machine)["status"]["conditions"]
    return any(it["type"] == "Ready" and it["status"] == "True" for it in conditions)
