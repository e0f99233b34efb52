"""The demo's programs as real processes, and a real bus that holds the demo's contracts."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from treadle.bus.backends.nats import NatsBackend
from treadle.bus.build import build
from treadle.bus.guard import compile_guard
from treadle.bus.intake import Intake
from treadle.bus.jetstream import connect
from treadle.bus.nats_conf import Server, render, users
from treadle.bus.server import NatsEngine
from treadle.bus.service import GuardService
from treadle.contract.workspace import read_workspace

ROOT = Path(__file__).parents[2] / "examples" / "acme"


def files():
    found = {}
    for path in sorted(ROOT.rglob("*")):
        if path.is_file() and ".treadle" not in path.parts and "__pycache__" not in path.parts:
            found[str(path.relative_to(ROOT))] = path.read_bytes()
    return found


@pytest.fixture(scope="session")
def acme_files():
    """Every file of the workspace, by its path in it."""
    return files()


@pytest.fixture(scope="session")
def acme(acme_files):
    """The workspace, read: (workspace, findings)."""
    return read_workspace(acme_files)


@pytest.fixture
def start(tmp_path):
    """`start("systems/erp.py", …)` runs a program until the test ends; gives its address."""
    with contextlib.ExitStack() as running:

        def run(script, *arguments, env=None, data=None):
            folder = tmp_path / (data or Path(script).stem)
            command = [sys.executable, str(ROOT / script), "--data", str(folder), *map(str, arguments)]
            process = running.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
            )
            running.callback(process.terminate)
            name, url = process.stdout.readline().split()
            return SimpleNamespace(name=name, url=url, process=process)

        yield run


@pytest.fixture
def until():
    """Poll a condition of another process, for as long as it may take on a busy machine."""

    def wait(condition, wait_s=20):
        ends = time.monotonic() + wait_s
        while not (found := condition()):
            assert time.monotonic() < ends, "it did not come true"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def http():
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def nats(tmp_path, acme, until):
    """A NATS server with the demo's streams and users; `guarded()` puts a guard to work in the test's own loop."""
    bus = build(acme[0].contracts, acme[0].settings)
    engine = NatsEngine.find({})
    port, monitor = free_port(), free_port()
    folder = tmp_path / "nats"
    folder.mkdir()
    conf = render(bus, Server("acme", port, monitor, str(folder / "js")), {user: f"pw-{user}" for user in users(bus)})
    (folder / "nats.conf").write_text(conf)
    url = f"nats://127.0.0.1:{port}"

    @contextlib.asynccontextmanager
    async def guarded():
        control = await connect(url, "control", "pw-control", name="control")
        nc = await connect(url, "guard", "pw-guard", name="guard")
        backend = NatsBackend(control)
        await backend.ensure(bus)
        service = GuardService(nc, Intake(NatsBackend(nc), compile_guard(bus)[0]))
        await service.start()
        try:
            yield backend
        finally:
            await service.stop()
            await control.close()

    def env(group):
        return {
            "TREADLE_NATS_URL": url,
            "TREADLE_NATS_USER": f"group_{group}",
            "TREADLE_NATS_PASSWORD": f"pw-group_{group}",
        }

    with (folder / "log").open("ab") as log, subprocess.Popen(engine.argv(folder), stderr=log) as process:
        try:
            until(lambda: asyncio.run(engine.ready(f"http://127.0.0.1:{monitor}")))
            yield SimpleNamespace(url=url, env=env, guarded=guarded, bus=bus)
        finally:
            process.terminate()
