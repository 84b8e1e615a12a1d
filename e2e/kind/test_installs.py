"""The operator by Helm and by kustomize, each after the other: databases do not notice."""

from conftest import COLLECTION, OPERATOR
from documents import ROOT
from load import Load

OVERLAY = str(ROOT / "kustomize/overlays/kind")


def test_kustomize_takes_over_from_helm_and_back(kube, url, gaps, settled):
    with Load(url, COLLECTION) as load:
        kube.run(["helm", "uninstall", "vane-operator", "-n", OPERATOR, "--wait"])
        kube.kubectl("apply", "--server-side", "-k", OVERLAY)
        works(kube)
        settled()
        # What both install is the same; Helm is told that it may have what it did not make.
        install = ["helm", "install", "vane-operator", str(ROOT / "charts/vane-operator"), "-n", OPERATOR, "--wait"]
        kube.run([*install, "--take-ownership"])
        works(kube)
        settled()
    lost = load.lost()
    gaps.add("operator installed anew", load, lost)
    assert not lost


def works(kube):
    """The operator that is there now has the Lease, and writes what it sees."""
    kube.kubectl("-n", OPERATOR, "rollout", "status", "deployment/vane-operator", "--timeout=120s", timeout=130)
    kube.wait(lambda: holder(kube) in pods(kube), "the operator to hold the Lease")


def pods(kube):
    """Operators that are not about to end."""
    found = [it["metadata"] for it in kube.get("-n", OPERATOR, "pods")["items"]]
    return [it["name"] for it in found if "deletionTimestamp" not in it]


def holder(kube):
    leases = kube.get("-n", OPERATOR, "leases")["items"]
    return leases[0]["spec"].get("holderIdentity") or "" if leases else ""
