"""Nodes that are one cluster, for tests of several."""

import contextlib
import pathlib
import subprocess

from node import Node, binary, wait_until

TOKEN = "test"


def control(host, peer_port, *arguments):
    """Runs vanectl against the node of a host."""
    command = [pathlib.Path(binary()).with_name("vanectl"), "--endpoint", f"{host}:{peer_port}", "--token", TOKEN]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def founded(dir, hosts, peer_port):
    """A node on each of these hosts, all of one cluster and ready."""
    seeds = ",".join(f"{host}:{peer_port}" for host in hosts)
    settings = {"CLUSTER__SEEDS": seeds, "CLUSTER__TOKEN": TOKEN}
    all = [Node(dir / host, host=host, peer_port=peer_port, **settings) for host in hosts]
    try:
        for node in all:
            node.start(wait=False)
        control(hosts[0], peer_port, "bootstrap", "--timeout", "30s")
        for node in all:
            wait_until(node.is_ready, "the node to be ready")
        yield all
    finally:
        for node in all:
            node.__exit__()
