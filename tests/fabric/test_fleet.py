"""A node of its own beside a fabric: joined by certificate, given what goes live, heard in the facts, serving alone."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness import ACME, Fabric, stop, wait_for

from treadle.control.remote import request

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """`treadle up --join`, and what it takes calls on."""

    def __init__(self, fabric, folder, address):
        self.fabric, self.folder, self.address = fabric, folder, address
        self.port, self.admin_port = free_port(), free_port()
        self.process = None

    def start(self):
        ports = ["--port", str(self.port), "--admin-port", str(self.admin_port)]
        with (self.folder.parent / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "treadle.cli.main",
                    "up",
                    "--join",
                    self.address,
                    "--folder",
                    self.folder,
                    *ports,
                ],
                stdout=log,
                stderr=log,
            )

    def stop(self, by=signal.SIGTERM):
        if self.process:
            self.process.send_signal(by)
            self.process.wait(15)
            self.process = None

    def status(self):
        token = self.fabric.token()
        ca = str(self.folder / "certificates" / "ca.crt")
        url = f"https://127.0.0.1:{self.port}/v1/customers?limit=1"
        try:
            return request("GET", url, headers={"Authorization": f"Bearer {token}"}, ca=ca).status
        except Exception:  # noqa: BLE001 - it is not there yet
            return 0

    def log(self):
        return (self.folder.parent / "node.log").read_text()


@pytest.fixture(scope="module")
def fabric():
    """A fabric that serves nodes."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        address = f"127.0.0.1:{free_port()}"
        root = Path(folder) / "acme"
        shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
        settings = (root / "treadle.yaml").read_text()
        fleet = f"  envoy: {{fleet: {{listen: '{address}'}}, "
        assert "  envoy: {" in settings
        (root / "treadle.yaml").write_text(settings.replace("  envoy: {", fleet, 1))
        running = Fabric(root)
        running.address = address
        running.treadle("demo", "--detach")
        yield running
        stop(running)


@pytest.fixture
def node(fabric, tmp_path):
    folder = tmp_path / "edge-1"
    said = fabric.treadle("up", "--invite", "edge-1", "--folder", str(folder)).stdout
    assert "treadle up --join" in said
    it = Node(fabric, folder, fabric.address)
    yield it
    it.stop()


def nodes(fabric):
    from treadle.cli.apply import ask_control
    from treadle.control.state import State

    return ask_control(State(fabric.root), fabric.run, "GET", "/control/status").json()["nodes"]


def test_a_node_joins_serves_and_is_heard(fabric, node):
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve")
    wait_for(lambda: [each["settled"] for each in nodes(fabric)] == [True], "the node to have said so")
    assert "node edge-1 runs what is live" in fabric.treadle("status").stdout

    file = fabric.root / CUSTOMERS
    file.write_text(re.sub(r"(?m)^(  version: 1\.0\.)\d+$", r"\g<1>9", file.read_text(), count=1))
    fabric.treadle("apply")
    taken = lambda: "rds" in [each["operation"] for each in said(fabric, "CONFIG_TAKEN")]  # noqa: E731
    wait_for(taken, "the fact that the node runs it")
    wait_for(lambda: b"@1.0.9#" in config(node), "the node to run the edit")


def test_a_node_serves_alone_and_comes_back(fabric, node):
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve")
    wait_for((node.folder / "good" / "good.json").exists, "the last good to be kept")
    node.stop()
    node.address = f"127.0.0.1:{free_port()}"  # nobody is there
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve what it had")
    assert "starts with what it had" in node.log()


def test_nobody_else_is_a_node(fabric, tmp_path):
    """A consumer of the same authority has a good certificate, and is none."""
    me = tmp_path / "me"
    fabric.treadle("token", "--client", "demo-app", "--certificate", str(me / "certificates"))
    done = subprocess.run(
        [sys.executable, "-m", "treadle.cli.main", "up", "--join", fabric.address, "--folder", me],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "not-a-node" in done.stderr
    import asyncio

    from treadle.base.errors import EngineError
    from treadle.gateway.ads.client import AdsClient
    from treadle.gateway.ads.tls import Credentials

    folder = me / "certificates"
    credentials = Credentials(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")
    stranger = AdsClient(None, "edge-1", fabric.address, dict, None, credentials)
    with pytest.raises(EngineError, match="not that of a node"):
        asyncio.run(stranger.join(b'{"port": 1, "admin_port": 2}'))


def said(fabric, code):
    done = fabric.treadle("audit", "--limit", "1000", "--format", "json", check=False)
    rows = json.loads(done.stdout) if done.returncode == 0 else {"facts": []}
    return [each for each in rows["facts"] if each["code"] == code]


def config(node):
    return request("GET", f"http://127.0.0.1:{node.admin_port}/config_dump?resource=dynamic_route_configs").body
