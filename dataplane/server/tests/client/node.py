"""A real `vane serve` process: start, stop, kill, ask."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

DEADLINE_S = 60


def binary():
    """Path of the node binary under test."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.expanduser("~/.cache/vane/target"))
    path = os.environ.get("VANE_BIN", f"{target}/debug/vane")
    assert pathlib.Path(path).exists(), f"{path} is not there: run `make build`"
    return path


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """Waits for a condition; fails with `what` when it does not come true."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"waited {deadline_s} s in vain: {what}"
        time.sleep(0.01)


class Node:
    """One process on a data directory that outlives it."""

    def __init__(self, data_dir, port=None, host="127.0.0.1", peer_port=0, open_files=None, **settings):
        self.data_dir = pathlib.Path(data_dir)
        self.host = host
        self.port = port or free_port()
        self.grpc_port = free_port()
        self.peer_port = peer_port
        self.open_files = open_files
        self.settings = settings
        self.process = None
        self.log = self.data_dir.parent / f"{self.data_dir.name}.log"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def start(self, wait=True):
        env = dict(os.environ, **{f"VANE_{key}": str(value) for key, value in self.settings.items()})
        command = [binary(), "serve", "--data-dir", self.data_dir, "--host", self.host, "--http-port", str(self.port)]
        command += ["--grpc-port", str(self.grpc_port), "--peer-port", str(self.peer_port)]
        if self.open_files:
            command = ["prlimit", f"--nofile={self.open_files}:{self.open_files}", *command]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        if wait:
            try:
                wait_until(self.is_ready, "the node to be ready")
            except BaseException:
                # `with` does not end what it has not begun.
                self.__exit__()
                raise
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"the node ended: {self.tail()}"
        try:
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:]

    def kill(self):
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        """Stops every thread where it is; `thaw` and `kill` go on from here."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        states = lambda: {it.read_text().rsplit(")", 1)[1].split()[0] for it in tasks.glob("*/stat")}
        # A thread in the middle of a system call stops on its way out of it.
        wait_until(lambda: states() == {"T"}, "all threads to stop")

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)

    def call(self, method, path, body=None, raw=None, encoding=None):
        """Status and JSON of one request; `raw` is sent as it stands."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if encoding:
            request.add_header("Content-Encoding", encoding)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def metric(self, name):
        """Sum of a metric over its labels."""
        text = urllib.request.urlopen(f"{self.url}/metrics", timeout=5).read().decode()
        values = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
        assert values, f"there is no metric {name}"
        return sum(map(float, values))
