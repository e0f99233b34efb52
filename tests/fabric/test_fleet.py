"""A node of its own beside a fabric: joined by certificate, given what goes live, heard in the facts, serving alone."""

import json
import os
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
ORDER = b'{"customerId": "C-1001", "amount": 12.5, "currency": "EUR"}'
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

    def order(self, key):
        """A guarded call."""
        token = self.fabric.token()
        ca = str(self.folder / "certificates" / "ca.crt")
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
        url = f"https://127.0.0.1:{self.port}/v1/orders"
        return request("POST", url, headers=headers, body=ORDER, ca=ca)

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


def invited(fabric, folder):
    said = fabric.treadle("up", "--invite", folder.name, "--folder", str(folder)).stdout
    assert "treadle up --join" in said
    return Node(fabric, folder, fabric.address)


@pytest.fixture
def node(fabric, tmp_path):
    it = invited(fabric, tmp_path / "edge-1")
    yield it
    it.stop()


@pytest.fixture
def other(fabric, tmp_path):
    """One whose name was nobody's before: its logs are the first that are told under it."""
    it = invited(fabric, tmp_path / "edge-4")
    yield it
    it.stop()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A real PostgreSQL of this module's own, over TCP or a socket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pgserver

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


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
    open_to_others = [each.name for each in node.folder.glob("*.*") if each.stat().st_mode & 0o077]
    assert open_to_others == []


def test_a_node_serves_alone_and_comes_back(fabric, node):
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve")
    wait_for((node.folder / "good" / "good.json").exists, "the last good to be kept")
    node.stop()
    node.address = f"127.0.0.1:{free_port()}"  # nobody is there
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve what it had")
    assert "starts with what it had" in node.log()


def test_a_node_guards_calls_also_alone(fabric, node):
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve")
    first = wait_for(lambda: answered(node, "node-key-1"), "the guard hop of the node")
    again = node.order("node-key-1")
    assert (first.status, again.status) == (201, 201), first.body
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    wait_for((node.folder / "good" / "good.json").exists, "the last good to be kept")
    node.stop()

    node.address = f"127.0.0.1:{free_port()}"  # nobody is there
    node.start()
    wait_for(lambda: node.status() == 200, "the node to serve what it had")
    kept = wait_for(lambda: answered(node, "node-key-1"), "the guard hop of the node")
    assert (kept.body, kept.headers["idempotency-replayed"]) == (first.body, "true")
    fresh = node.order("node-key-2")
    assert (fresh.status, fresh.headers.get("idempotency-replayed")) == (201, None)
    assert fresh.body != first.body


def test_what_happens_at_a_node_is_told_once_also_when_control_was_away(fabric, other):
    """Control is killed and comes back, then the node; every call is a fact of the node, and none is one twice."""
    other.start()
    first = wait_for(lambda: answered(other, "told-key-1"), "the guard hop of the node")
    traces = [first.headers["x-trace-id"]]
    told = calls(fabric, traces[0])
    assert [(each["node"], each["operation"], each["consumer"]) for each in told] == [
        ("edge-4", "placeOrder", "demo-app")
    ]
    before = fabric.process("control")["pid"]
    os.kill(before, signal.SIGKILL)
    traces += [other.order(f"told-key-{at}").headers["x-trace-id"] for at in range(2, 5)]
    wait_for(lambda: fabric.is_ready() and fabric.process("control")["pid"] != before, "control to be back")
    traces += [other.order("told-key-5").headers["x-trace-id"]]
    # What Envoy has not written yet dies with it.
    wait_for(lambda: traces[-1] in access_logs(other), "the last line to be on the disk")
    other.stop(signal.SIGKILL)
    other.start()
    wait_for(lambda: other.status() == 200, "the node to be back")
    assert [len(calls(fabric, each)) for each in traces] == [1] * len(traces)
    assert not [each for each in said(fabric, "LOG_LOST") if each["node"] == "edge-4"], "a line was lost"
    assert any(each["node"] == "edge-4/hop" for each in said(fabric, "")), "the processes of the node are told, too"

    old = other.folder / "access.log.1"
    (other.folder / "access.log").rename(old)
    request("POST", f"http://127.0.0.1:{other.admin_port}/reopen_logs")
    last = other.order("told-key-6").headers["x-trace-id"]
    wait_for(lambda: not old.exists(), "what is told to be deleted")
    assert len(calls(fabric, last)) == 1


def test_nodes_with_one_database_share_their_keys(fabric, database, tmp_path):
    settings = fabric.root / "treadle.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("\ngateway:\n", f"\ngateway:\n  idempotency_store: '{database}'\n", 1))
    two = [invited(fabric, tmp_path / name) for name in ("edge-2", "edge-3")]
    try:
        fabric.treadle("apply")
        for each in two:
            each.start()
        first = wait_for(lambda: answered(two[0], "shared-key-1"), "the first node")
        again = wait_for(lambda: answered(two[1], "shared-key-1"), "the second node")
        assert (first.status, first.headers.get("idempotency-replayed")) == (201, None)
        assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
        assert not any((each.folder / "idempotency.sqlite").exists() for each in two)
        assert {(each.folder / "ledger").stat().st_mode & 0o777 for each in two} == {0o600}
    finally:
        for each in two:
            each.stop()
        settings.write_text(text)
        fabric.treadle("apply")


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


def calls(fabric, trace_id):
    """The facts of calls of a node in a trace, as soon as there are any."""

    def found():
        return [each for each in fabric.facts(trace_id)["facts"] if each["node"] == "edge-4"]

    return wait_for(found, f"the call of trace {trace_id} at the node")


def access_logs(node):
    return "".join(path.read_text() for path in node.folder.glob("access.log*"))


def answered(node, key):
    """A reply of a guarded operation, once there is one."""
    try:
        reply = node.order(key)
    except Exception:  # noqa: BLE001 - it is not there yet
        return None
    return reply if reply.status == 201 else None


def config(node):
    return request("GET", f"http://127.0.0.1:{node.admin_port}/config_dump?resource=dynamic_route_configs").body
