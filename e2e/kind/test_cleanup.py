"""What the quickstart says of cleaning up leaves nothing."""

import os

import pytest

from conftest import QUICKSTART
from documents import blocks


@pytest.mark.smoke
@pytest.mark.skipif("VANE_E2E_KEEP" in os.environ, reason="VANE_E2E_KEEP is set")
def test_nothing_stays(quickstart, shell, kube):
    print(shell.run(blocks(QUICKSTART, "Clean up"), timeout=400))
    label = f"label=io.x-k8s.kind.cluster={kube.name}"
    assert not kube.run(["docker", "ps", "-a", "-q", "--filter", label])
