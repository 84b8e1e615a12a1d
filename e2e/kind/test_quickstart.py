"""The quickstart, exactly as it stands."""

import pytest

from conftest import CLUSTER, NAMESPACE, QUICKSTART
from documents import blocks

PACKAGES = 5000


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
def test_a_pod_is_lost_and_no_point(quickstart, shell):
    parts = blocks(QUICKSTART, "Points and a search")[:1] + blocks(QUICKSTART, "Lose a pod")
    printed = shell.run(parts, timeout=400)
    print(printed)
    assert f"{PACKAGES} packages" in printed
