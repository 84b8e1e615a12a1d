"""kubectl and the machines, with the environment that `kind env` gives."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from documents import ROOT

KIND = ROOT / "e2e/kubernetes/kind"
PAUSE_S = 0.5
SHOWN_CHARS = 6000


class Kube:
    def __init__(self):
        self.name = os.environ["VANE_KIND_CLUSTER"]
        self.env = dict(os.environ)
        # The Python that has the client, under the names that documents use.
        self.env["PATH"] = f"{Path(sys.executable).parent}:{self.env['PATH']}"

    def up(self):
        """Brings the machines up, and takes over the environment for them."""
        self.run([str(KIND), "up"], timeout=1800)
        out = self.run(["bash", "-c", f'eval "$({KIND} env)"; echo "$KUBECONFIG"; echo "$PATH"'], timeout=300)
        self.env["KUBECONFIG"], self.env["PATH"] = out.splitlines()[-2:]

    def run(self, command, timeout=120, cwd=ROOT, text=None):
        """Standard output of a command that must succeed."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            stdin = subprocess.DEVNULL if text is None else subprocess.PIPE
            child = subprocess.Popen(
                command, cwd=cwd, env=self.env, text=True, stdin=stdin, stdout=out, stderr=err, start_new_session=True
            )
            try:
                child.communicate(text, timeout=timeout)
            finally:
                # What it left in the background, too: it has files as output, so nothing waited for that.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            said = [_read(it) for it in (out, err)]
        if child.returncode != 0:
            shown = "\n".join(it[-SHOWN_CHARS:] for it in said)
            raise AssertionError(f"{' '.join(command)[:200]} ended with {child.returncode}:\n{shown}")
        return said[0]

    def kubectl(self, *arguments, timeout=120, text=None):
        return self.run(["kubectl", *arguments], timeout=timeout, text=text)

    def get(self, *arguments):
        """Objects as Python has JSON."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def wait(self, is_so, what, seconds=180):
        """Waits until a function gives something true, and gives that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := is_so():
                return found
            time.sleep(PAUSE_S)
        raise AssertionError(f"{what}: not within {seconds} s\n{self.seen()}")

    def seen(self):
        """What a person would look at first."""
        try:
            return self.kubectl("get", "-A", "nodes,vc,col,sp,pods", "-o", "wide")
        except AssertionError as error:
            return str(error)

    def address(self):
        """The control plane's, where every Service of type NodePort is reached too."""
        return self.run(["docker", "inspect", "-f", "{{.NetworkSettings.Networks.kind.IPAddress}}", f"{self.name}-control-plane"]).strip()

    # Machines are containers: their faults are made from outside, without the API server.

    def machine_of(self, namespace, pod):
        return self.get("-n", namespace, f"pod/{pod}")["spec"]["nodeName"]

    def kill_processes(self, machine, name):
        """Kills what has this name on a machine, in whichever pod."""
        script = f"for it in /proc/[0-9]*; do [ \"$(cat $it/comm 2>/dev/null)\" != {name} ] || kill -9 ${{it#/proc/}}; done"
        self.run(["docker", "exec", machine, "sh", "-c", script])

    def stop_machine(self, machine):
        """Its power is cut: nothing on it ends in order."""
        self.run(["docker", "kill", machine])

    def start_machine(self, machine):
        """It comes back, and so do the ways to its pods."""
        self.run(["docker", "start", machine])
        self.run([str(KIND), "up"], timeout=300)

    def cut_off(self, machine):
        """Nothing goes in or out of it any more; what runs on it goes on."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o"), ("FORWARD", "-i"), ("FORWARD", "-o")):
            self.run(["docker", "exec", machine, "iptables", "-I", chain, way, "eth0", "-j", "DROP"])

    def reconnect(self, machine):
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o"), ("FORWARD", "-i"), ("FORWARD", "-o")):
            self.run(["docker", "exec", machine, "iptables", "-D", chain, way, "eth0", "-j", "DROP"])


def _read(file):
    file.seek(0)
    return file.read()
