"""A fabric for pages to show: real contracts, a real trail and rollup, and a clock that stands where a test puts it."""

import asyncio
import os
import random
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Enforcement, Enforcements, Place
from treadle.contract.workspace import read_workspace
from treadle.control.metering import Quota
from treadle.control.server import Server
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.trail import IN_MEMORY, Trail
from treadle.gateway.saturation import Saturation
from treadle.insight.attention import RefusedVersion
from treadle.insight.rollup import Rollup
from treadle.insight.sight import groups_of
from treadle.insight.state import Engine, Run
from treadle.web.app import create_app, create_console
from treadle.web.view import View

ACME = Path(__file__).parents[2] / "examples/acme"
NOW_US = 1_795_348_990_000_000
ORDERS = "sales.orders.v1"
ORIGIN = "http://127.0.0.1:8400"


def read_files(root=ACME):
    paths = [path for folder in ("domains", "connectors", "environments") for path in (root / folder).rglob("*.yaml")]
    return {str(path.relative_to(root)): path.read_bytes() for path in [root / "treadle.yaml", *paths]}


@dataclass
class Fabric:
    """The values behind a view. Change them, and the next page shows it."""

    workspace: object
    trail: Trail
    rollup: Rollup = field(default_factory=Rollup)
    now_us: int = NOW_US
    engines: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    seq: int = 0
    saturation: list = field(default_factory=list)
    quotas: list = field(default_factory=list)

    async def full(self):
        return self.saturation

    def view(self):
        return View(
            workspace=lambda: self.workspace,
            engines=lambda: self.engines,
            refused=lambda: self.refused,
            rollup=self.rollup,
            trail=self.trail,
            now_us=lambda: self.now_us,
            saturation=self.full,
            quotas=lambda: self.quotas,
        )

    def stamp(self, id):
        return self.workspace.contract(id).stamp

    def add(self, *facts):
        numbered = [replace(fact, seq=self.seq + at) for at, fact in enumerate(facts, 1)]
        self.seq += len(facts)
        self.trail.add(numbered)
        self.rollup.add(numbered, self.now_us)

    def fail(self, name, *, ago_s=10):
        at_us = self.now_us - ago_s * 1_000_000
        self.engines = [Engine(name, Run.DOWN, at_us, "exit code 1") if e.name == name else e for e in self.engines]

    def contract_of(self, channel):
        return next(each for each in self.workspace.contracts if any(c.name == channel for c in each.channels))


def traffic(fabric, seconds, seed=7):
    """Facts of the last seconds as the engines would report them: mostly well, some refused, a few failed."""
    dice = random.Random(seed)

    def hexa(chars):
        return f"{dice.getrandbits(chars * 4):0{chars}x}"

    facts = []

    def call(at_us, consumer, contract, operation):
        outcome, status, code, detail = Outcome.OK, 200, "", ""
        fate = dice.random()
        if consumer == "partner" and fate < 0.3:
            outcome, status, code = Outcome.REFUSED, 429, "RATE_LIMIT"
            detail = "the bronze tier allows 5 requests each 10 s"
        elif fate < 0.002:
            outcome, status, code, detail = Outcome.FAILED, 503, "UPSTREAM_UNAVAILABLE", "connection refused"
        took = 900 if outcome is Outcome.REFUSED else int(dice.lognormvariate(10.0, 0.55))
        facts.append(
            Fact(
                FactKind.CALL,
                at_us,
                outcome,
                hexa(32),
                hexa(16),
                subject=f"s_{hexa(12)}",
                consumer=consumer,
                domain=contract.partition(".")[0],
                contract=fabric.stamp(contract),
                operation=operation,
                status=status,
                duration_us=took,
                bytes_out=dice.randrange(300, 4_000),
                code=code,
                detail=detail,
            )
        )

    def event(at_us, producer, channel, groups, through_gateway=False):
        contract = fabric.contract_of(channel)
        trace, own, id = hexa(32), hexa(16), f"{hexa(8)}-{hexa(4)}-5{hexa(3)}-a{hexa(3)}-{hexa(12)}"
        shared = {
            "trace_id": trace,
            "event_id": id,
            "domain": contract.domain,
            "contract": contract.stamp,
            "operation": channel,
        }
        parent = ""
        if through_gateway:
            parent = hexa(16)
            facts.append(
                Fact(
                    FactKind.CALL,
                    at_us - 2_600,
                    Outcome.OK,
                    trace,
                    parent,
                    consumer=producer,
                    domain=contract.domain,
                    contract="treadle.platform.v1@1.0.0#5a17c0ffee00",
                    operation="publishEvent",
                    status=202,
                    duration_us=5_400,
                )
            )
        if dice.random() < 0.004:
            facts.append(
                Fact(
                    FactKind.REFUSAL,
                    at_us,
                    Outcome.REFUSED,
                    span_id=own,
                    parent_span_id=parent,
                    consumer=producer,
                    duration_us=210,
                    code="CONTRACT_VIOLATION",
                    detail='/amount: "12,50" is not of type "number"',
                    **shared,
                )
            )
            return
        facts.append(
            Fact(
                FactKind.EVENT,
                at_us,
                Outcome.OK,
                span_id=own,
                parent_span_id=parent,
                consumer=producer,
                duration_us=190,
                **shared,
            )
        )
        for group in groups:
            begin = at_us + int(dice.lognormvariate(8.2, 0.6))
            if dice.random() < 0.01:
                facts.append(
                    Fact(
                        FactKind.DELIVERY,
                        begin,
                        Outcome.FAILED,
                        span_id=hexa(16),
                        parent_span_id=own,
                        consumer=group,
                        duration_us=2_400,
                        code="HANDLER_ERROR",
                        detail="database is locked",
                        **shared,
                    )
                )
                begin += 250_000
            facts.append(
                Fact(
                    FactKind.DELIVERY,
                    begin,
                    Outcome.OK,
                    span_id=hexa(16),
                    parent_span_id=own,
                    consumer=group,
                    duration_us=int(dice.lognormvariate(8.5, 0.5)),
                    **shared,
                )
            )

    start_us = fabric.now_us - seconds * 1_000_000
    for second in range(seconds):
        base = start_us + second * 1_000_000
        for _ in range(6 + int(4 * abs((second % 120) - 60) / 60)):
            at_us = base + dice.randrange(960_000)
            match dice.randrange(10):
                case 0:
                    call(at_us, "partner", "sales.orders.v1", "listOrders")
                case 1 | 2:
                    call(at_us, "billing", "customer.customers.v1", "getCustomer")
                case 3 | 4:
                    call(at_us, "demo-app", "sales.orders.v1", "getOrder")
                case 5:
                    call(at_us, "demo-app", "customer.customers.v1", "listCustomers")
                case _:
                    call(at_us, "demo-app", "customer.customers.v1", "getCustomer")
        for _ in range(2):
            event(base + dice.randrange(900_000), "erp", "sales.order.created.v1", ["orders-api", "billing"])
        event(base + dice.randrange(900_000), "crm", "customer.profile.updated.v1", ["customers-api"])
        if second % 4 == 0:
            event(base + dice.randrange(900_000), "itsm", "itsm.incident.raised.v1", [])
            event(
                base + dice.randrange(900_000),
                "demo-app",
                "sales.order.created.v1",
                ["orders-api", "billing"],
                through_gateway=True,
            )
    # What has not happened yet is not known yet: a fact comes when its hop has ended.
    known = [fact for fact in facts if fact.at_us + fact.duration_us <= fabric.now_us]
    return sorted(known, key=lambda fact: fact.at_us + fact.duration_us)


def broken_version():
    """A newer version of the customers API that was refused, with its reasons."""
    file = "domains/customer/customers.v1.openapi.yaml"
    id = "customer.customers.v1"
    findings = (
        Finding(
            Place(file, 162, 11),
            "response-field-removed",
            Severity.BLOCK,
            "the 200 response of getCustomer no longer has /email, which consumers read",
            "keep the field, or release a new major version beside this one",
            id,
        ),
        Finding(
            Place(file, 4, 12),
            "version-bump-too-small",
            Severity.BLOCK,
            "1.1.0 is a minor version, but the change breaks consumers",
            "release it as 2.0.0 under /v2",
            id,
        ),
    )
    return RefusedVersion(id, "1.1.0", NOW_US - 95_000_000, findings)


def make_fabric(files=None):
    workspace, _ = read_workspace(files or read_files())
    fabric = Fabric(workspace, Trail(IN_MEMORY))
    fabric.rollup.expect(groups_of(workspace))
    fabric.engines = [Engine(name, Run.UP, NOW_US - 3_600_000_000) for name in ("nats", "guard", "envoy", "control")]
    return fabric


@pytest.fixture
def fabric():
    """A fabric with engines and no traffic yet."""
    made = make_fabric()
    yield made
    made.trail.close()


@pytest.fixture
def busy(fabric):
    """The same with a minute of traffic, an API that only watches and is nearly full, and a quota that is used up."""
    adopt(fabric)
    fabric.add(*traffic(fabric, 70))
    fabric.add(*watched(fabric))
    return fabric


def adopt(fabric):
    """The orders API watches who calls it and warns of what they say; its upstreams are full, and so is a quota."""
    how = Enforcements(auth=Enforcement.OBSERVE, validation=Enforcement.WARN)
    contracts = [replace(each, enforcement=how) if each.id == ORDERS else each for each in fabric.workspace.contracts]
    fabric.workspace = replace(fabric.workspace, contracts=tuple(contracts))
    most = {"active_max": 1_024, "pending_max": 1_024, "connections_max": 1_024}
    fabric.saturation = [
        Saturation(ORDERS, "orders-api", active=870, connections=901, endpoints=4, ejected=1, retries=12, **most),
        Saturation(ORDERS, "orders-api--candidate", 1_024, open=("requests",), endpoints=1, turned_away=17, **most),
        Saturation("customer.customers.v1", "customers-api", active=3, connections=8, endpoints=1, **most),
    ]
    until_s = NOW_US // 1_000_000 + 3_600
    fabric.quotas = [
        Quota("partner", "bronze", "day", 1_000, 1_000, until_s),
        Quota("partner", "bronze", "month", 12_345, 20_000, until_s),
    ]


def watched(fabric):
    """Calls that went through and would have been refused, and facts that are missing."""
    call = Fact(FactKind.CALL, NOW_US - 20_000_000, Outcome.OK, contract=fabric.stamp(ORDERS), operation="listOrders")
    return [
        replace(call, status=200, consumer="partner", observed="FORBIDDEN"),
        replace(call, status=200, peer="spiffe://acme.example/ns/jobs/sa/report", observed="UNAUTHENTICATED"),
        replace(call, status=200, consumer="demo-app", replayed=1),
        Fact(FactKind.GAP, NOW_US - 10_000_000, Outcome.FAILED, code="FACTS_MISSING", operation="gateway", missing=3),
    ]


class Site:
    """Asks the application directly, as a browser would."""

    def __init__(self, app):
        self.app = app

    def get(self, path, *, accept="text/html", method="GET", **headers):
        async def ask():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
                names = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers={"accept": accept, **names})

        return asyncio.run(ask())


@pytest.fixture
def site_of():
    """The console over any fabric."""
    return lambda fabric: Site(create_app(create_console(fabric.view())))


@pytest.fixture
def site(busy, site_of):
    return site_of(busy)


@pytest.fixture
def acme_files():
    """The example workspace, as files."""
    return read_files()


@pytest.fixture
def refused_version():
    return broken_version()


@pytest.fixture(name="until", scope="session")
def until_fixture():
    return until


@pytest.fixture(scope="session")
def serve():
    """The real server over any fabric, as a context manager."""
    return serving


@pytest.fixture(scope="session")
def fabric_with_history():
    """Five busy minutes and a refused version, for tests that only look."""
    made = make_fabric()
    adopt(made)
    made.add(*traffic(made, 298))
    made.add(*watched(made))
    made.refused = [broken_version()]
    yield made
    made.trail.close()


def until(condition, *, seconds=10):
    """Wait for a condition, and give what it gave."""
    end = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return seen


@contextmanager
def serving(fabric, *, tick_s=0.1, port=0):
    """The real server on a free port, in a thread of its own. Gives (origin, console, server)."""
    console = create_console(fabric.view(), tick_s=tick_s)
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    config = uvicorn.Config(create_app(console), log_config=None, lifespan="off", timeout_graceful_shutdown=3)
    server = Server(config, console.stream.close)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{port}", console, server
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture
def served(busy):
    with serving(busy) as (origin, console, server):
        yield origin, console, server


CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(config, items):
    """Without a browser its tests do not run here, which the summary says; in CI they run and fail."""
    if CHROMIUM or os.environ.get("CI"):
        return
    missed = [
        item for item in items if item.get_closest_marker("browser") and Path(__file__).parent in item.path.parents
    ]
    if missed:
        config.hook.pytest_deselected(items=missed)
        items[:] = [item for item in items if item not in missed]
        config.stash[MISSED] = len(missed)


MISSED = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter, config):
    missed = config.stash.get(MISSED, 0)
    if missed:
        terminalreporter.write_line(
            f"WARNING: {missed} browser tests did not run: there is no chromium here", yellow=True
        )


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium. In CI a machine without one is a failure.

    It lives no longer than one module: while Playwright drives it from a thread, no other loop can run in that thread.
    """
    if CHROMIUM is None:
        pytest.fail("there is no chromium on this machine: install it, the console is tested in a real browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
