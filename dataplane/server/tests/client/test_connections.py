"""Clients that say nothing, or stop in the middle, keep nobody out."""

import contextlib
import select
import socket
import time
import urllib.request

import pytest

from node import Node, wait_until

VECTORS = {"vectors": {"size": 4, "distance": "Dot"}}


def connect(node):
    return socket.create_connection((node.host, node.port), timeout=10)


def upsert(node, payload_bytes):
    points = [{"id": 1, "vector": [1, 0, 0, 0], "payload": {"text": "x" * payload_bytes}}]
    return node.call("PUT", "/collections/c/points?wait=true", {"points": points})[0]


def test_idle_connections_make_room_for_those_that_ask(tmp_path):
    with Node(tmp_path / "data", open_files=400) as node, contextlib.ExitStack() as open_sockets:
        # Half of the files are for connections, so this is more than there may be.
        idle = [open_sockets.enter_context(connect(node)) for _ in range(300)]
        for path in ["/livez", "/readyz", "/collections"]:
            with urllib.request.urlopen(node.url + path, timeout=20) as answer:
                assert answer.status == 200
        ended = [it for it in idle if select.select([it], [], [], 0)[0]]
        assert ended, "some of them were ended"
        assert len(ended) < len(idle), "those that nobody needed the place of stay"


def test_a_connection_that_is_used_outlives_those_that_are_not(tmp_path):
    with Node(tmp_path / "data", open_files=400) as node, contextlib.ExitStack() as open_sockets:
        used = open_sockets.enter_context(connect(node))
        for _ in range(300):
            open_sockets.enter_context(connect(node))
            used.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            assert used.recv(4096).startswith(b"HTTP/1.1 200"), "it was ended"


@pytest.mark.parametrize("kind", ["chunked", "announced"])
def test_uploads_that_stop_in_the_middle_hold_no_other_up(own_node, kind):
    own_node.start()
    assert own_node.call("PUT", "/collections/c", VECTORS)[0] == 200
    how = {"chunked": "transfer-encoding: chunked", "announced": f"content-length: {30 << 20}"}[kind]
    head = f"PUT /collections/c/points HTTP/1.1\r\nhost: x\r\n{how}\r\n\r\n".encode()
    with contextlib.ExitStack() as open_sockets:
        stalled = [open_sockets.enter_context(connect(own_node)) for _ in range(40)]
        for it in stalled:
            it.sendall(head + (b"10\r\n" if kind == "chunked" else b"") + b'{"points":[{"id"')
        assert upsert(own_node, 2 << 20) == 200
        assert not select.select(stalled, [], [], 0)[0], "none of them had ended when it was done"
        # Given up long before the time of a request is over.
        answer = stalled[0].recv(4096) if select.select(stalled[:1], [], [], 30)[0] else b""
        assert answer.startswith(b"HTTP/1.1 408"), answer


@pytest.mark.parametrize("host", ["[::1]", "::1", "[::]"])
def test_a_node_listens_on_ipv6(tmp_path, host):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    node = Node(tmp_path / "data", host=host)
    try:
        node.start(wait=False)
        node.host = "127.0.0.1" if host == "[::]" else "[::1]"
        wait_until(node.is_ready, "the node to be ready")
        assert node.call("PUT", "/collections/c", VECTORS)[0] == 200
    finally:
        node.__exit__()


@pytest.mark.parametrize("method,path", [("GET", "/collections"), ("DELETE", "/collections/never"),
                                         ("POST", "/collections/never/snapshots"), ("PUT", "/no/such/route")])
def test_a_body_that_nobody_reads_does_not_cost_the_connection(node, method, path):
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n"
    with connect(node) as connection:
        for _ in range(3):
            # As clients send them: two packets, the second a moment later.
            connection.sendall(head.encode())
            time.sleep(0.02)
            connection.sendall(b"null")
            assert connection.recv(65536).startswith(b"HTTP/1.1 "), "it is open"
