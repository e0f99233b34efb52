"""A small bus, and a real NATS server that holds it."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from treadle.bus.backends.nats import NatsBackend
from treadle.bus.door import door
from treadle.bus.guard import compile_guard
from treadle.bus.intake import Intake
from treadle.bus.ir import Bus, Group, Producer, Topic
from treadle.bus.jetstream import connect
from treadle.bus.nats_conf import Server, render, users
from treadle.bus.producer import Producer as Client
from treadle.bus.server import NatsEngine
from treadle.bus.service import GuardService
from treadle.bus.snapshot import encode
from treadle.contract.model import Enforcement

ORDERS = "sales.order.created.v1"
PROFILES = "customer.profile.updated.v1"
SCHEMA = {
    "type": "object",
    "required": ["amount", "customerId"],
    "properties": {
        "amount": {"type": "number", "minimum": 0},
        "customerId": {"type": "string"},
        "note": {"type": "string", "pattern": "^[a-z ]*$"},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}


def topic(channel=ORDERS, **changes):
    domain = channel.partition(".")[0]
    made = Topic(
        channel=channel,
        domain=domain,
        contract=f"{domain}.thing.v1",
        stamp=f"{domain}.thing.v1@1.2.0#0123456789ab",
        version="1.2.0",
        partitions=8,
        partition_key="/partitionKey",
        retention_days=7,
        compaction=False,
        enforcement=Enforcement.ENFORCE,
        subject_pointer="/customerId",
        schema=SCHEMA,
    )
    return replace(made, **changes)


def bus(**changes):
    made = Bus(
        topics=(topic(), topic(PROFILES)),
        groups=(Group("billing", ORDERS, 3), Group("customers-api", PROFILES, 5)),
        producers=(Producer("demo-app", ("sales",)), Producer("crm", ("customer",))),
    )
    return replace(made, **changes)


def event(id="e1", key="k1", **data):
    return {
        "eventId": id,
        "occurredAt": "2026-11-22T10:00:00Z",
        "partitionKey": key,
        "schemaVersion": "1.2.0",
        "amount": 12.5,
        "customerId": "c-7",
        **data,
    }


def body(id="e1", key="k1", **data):
    return orjson.dumps(event(id, key, **data))


async def until(condition, what="the condition", wait_s=15.0):
    """Poll until an async or plain condition is truthy; its value."""
    ends = time.monotonic() + wait_s
    while True:
        found = condition()
        found = await found if asyncio.iscoroutine(found) else found
        if found:
            return found
        if time.monotonic() > ends:
            pytest.fail(f"{what} did not come true within {wait_s} s")
        await asyncio.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Nats:
    """One server in a folder of its own."""

    folder: Path
    bus: Bus
    port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)
    engine: NatsEngine = field(default_factory=lambda: NatsEngine.find({}))
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor(self):
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def conf(self):
        return self.folder / "nats.conf"

    @property
    def snapshot(self):
        return self.folder / "topics.json"

    def write(self, bus=None):
        self.bus = bus or self.bus
        where = Server("test", self.port, self.monitor_port, str(self.folder / "jetstream"))
        self.conf.write_text(render(self.bus, where, {user: f"pw-{user}" for user in users(self.bus)}))
        self.snapshot.write_bytes(encode(self.bus))

    def start(self):
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(self.engine.argv(self.folder), stderr=log)
        asyncio.run(until(lambda: self.engine.ready(self.monitor), "nats-server is ready"))

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(30)

    @contextlib.asynccontextmanager
    async def client(self, user, **more):
        nc = await connect(self.url, user, f"pw-{user}", name=f"test {user}", **more)
        try:
            yield nc
        finally:
            await nc.close()

    @contextlib.asynccontextmanager
    async def guarded(self):
        """Streams made and a guard at work in this process; gives control's backend and the guard's intake."""
        async with self.client("control") as control:
            backend = NatsBackend(control, ack_wait_s=1.5, pin_s=1.0)
            await backend.ensure(self.bus)
            nc = await connect(self.url, "guard", "pw-guard", name="test guard")
            intake = Intake(NatsBackend(nc), compile_guard(self.bus)[0])
            service = GuardService(nc, intake)
            await service.start()
            try:
                yield SimpleNamespace(backend=backend, intake=intake, service=service, door=door(intake))
            finally:
                await service.stop()

    def guard_process(self):
        """A guard in a process of its own."""
        script = (
            "import asyncio, sys\nfrom pathlib import Path\nfrom treadle.bus.process import run_guard\n"
            "asyncio.run(run_guard(url=sys.argv[1], password='pw-guard', snapshot=Path(sys.argv[2]),"
            " socket=Path(sys.argv[3])))"
        )
        with (self.folder / "guard.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", script, self.url, str(self.snapshot), str(self.folder / "door.sock")], stderr=log
            )


@pytest.fixture
def nats(tmp_path):
    """A running server that holds the small bus (streams are made by `guarded`)."""
    server = Nats(tmp_path, bus())
    server.write()
    server.start()
    yield server
    server.end()


@pytest.fixture
def small():
    """The parts of the small bus, for tests."""
    return SimpleNamespace(
        bus=bus, topic=topic, event=event, body=body, until=until, free_port=free_port, Client=Client, Nats=Nats,
        ORDERS=ORDERS, PROFILES=PROFILES, SCHEMA=SCHEMA, kill=os.kill,
    )  # fmt: skip
