"""Clients of a fabric that note all they were told: how long it took, what came, what they may rely on."""

import asyncio
import http.client
import json
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

import nats
from harness import wait_for

from treadle.facts.fact import FactKind
from treadle.facts.trail import Trail

ORDER = "sales.order.created.v1"
SCOPES = "customers:read orders:read sales.events:publish"
LITTLE_S = 5.0
"""What a busy machine may add to an operation's timeout."""
GIVEN_UP_S = 45.0
"""When a client gives up: far beyond everything that a contract promises, so that a hang is seen as one."""


def order(number):
    return {
        "eventId": str(uuid.uuid5(uuid.NAMESPACE_URL, number)),
        "occurredAt": "2026-11-22T12:00:00Z",
        "partitionKey": number,
        "schemaVersion": "1.0.0",
        "orderId": number,
        "customerId": "C-1001",
        "amount": 12.5,
        "currency": "EUR",
    }


def cloud_event(number):
    data = order(number)
    return json.dumps(
        {"specversion": "1.0", "id": data["eventId"], "source": "soak", "type": ORDER, "data": data}
    ).encode()


@dataclass(frozen=True, slots=True)
class Told:
    """How one call ended. `status` is 0 where the connection ended without an answer, -1 where nobody answered."""

    what: str
    began: float
    took_s: float
    status: int
    body: bytes = b""
    trace: str = ""

    @property
    def code(self):
        """The code of the error envelope. An error that is none fails the test here."""
        envelope = json.loads(self.body)
        assert envelope.keys() == {"traceId", "code", "message", "details"}, self
        return envelope["code"]


def connect(url, ca=None):
    """A connection; over TLS to whom `ca` certifies."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=GIVEN_UP_S)
    context = ssl.create_default_context(cafile=ca)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=GIVEN_UP_S, context=context)


def call(what, url, *, method="GET", headers=None, body=None, ca=None):
    """One call on a connection of its own."""
    parts = urlsplit(url)
    began = time.time()
    connection = connect(url, ca)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        reply = connection.getresponse()
        said = reply.read()
        return Told(what, began, time.time() - began, reply.status, said, reply.headers.get("x-trace-id", ""))
    except TimeoutError:
        return Told(what, began, time.time() - began, -1)
    except (OSError, http.client.HTTPException):
        return Told(what, began, time.time() - began, 0)
    finally:
        connection.close()


@dataclass
class Traffic:
    """A few calls and events a second, through every door, until the block ends.

    `limits_s` says how long each kind of call may take, as its contract has it.
    """

    fabric: object
    name: str
    told: list[Told] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    limits_s: ClassVar = {"call": 1.0, "event": 10.0, "page": GIVEN_UP_S}

    def __enter__(self):
        run = self.fabric.run
        self.gateway, self.console, self.ca = run["gateway"], run["console"], run.get("ca")
        self.auth = {"authorization": f"Bearer {self.fabric.token(scope=SCOPES)}"}
        self.address = self.fabric.treadle("token", "--client", "demo-app", "--nats").stdout.strip()
        self.ending = threading.Event()
        self.failures = []
        self.threads = [
            threading.Thread(target=self.guarded, args=(each,))
            for each in (self.calls, self.events, self.natively, self.pages)
        ]
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for each in self.threads:
            each.join()
        assert not self.failures, self.failures

    def guarded(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a client that died would make every later count a lie
            self.failures.append(error)

    def calls(self):
        while not self.ending.wait(0.1):
            self.told.append(call("call", f"{self.gateway}/v1/orders?limit=1", headers=self.auth, ca=self.ca))

    def pages(self):
        while not self.ending.wait(0.5):
            self.told.append(call("page", f"{self.console}/overview.json"))

    def events(self):
        """The same event again until it is known to be kept, as a producer with an outbox does."""
        headers = {**self.auth, "content-type": "application/cloudevents+json"}
        number = 0
        while not self.ending.wait(0.1):
            id = f"{self.name}-H-{number}"
            url, body = f"{self.gateway}/v1/events", cloud_event(id)
            said = call("event", url, method="POST", headers=headers, body=body, ca=self.ca)
            self.told.append(said)
            if said.status == 202:
                self.kept.append(id)
                number += 1

    def natively(self):
        asyncio.run(self._natively())

    async def _natively(self):
        async def quiet(_):
            pass

        nc = await nats.connect(
            self.address,
            inbox_prefix=b"_INBOX.demo-app",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            error_cb=quiet,
        )
        js = nc.jetstream()
        number = 0
        while not self.ending.is_set():
            data = order(f"{self.name}-N-{number}")
            try:
                await js.publish(f"{ORDER}.{data['orderId']}", json.dumps(data).encode(), timeout=2)
            except (nats.errors.Error, OSError):
                await asyncio.sleep(0.1)
                continue
            self.kept.append(data["orderId"])
            number += 1
            await asyncio.sleep(0.1)
        await nc.close()

    def of(self, what, since=0.0):
        return [each for each in self.told if each.what == what and each.began >= since]

    def assert_bounded(self, more_s=0):
        """Nobody waited longer than the contract of the call says, and each refusal was an envelope."""
        for each in self.told:
            assert each.status >= 0, f"nobody ever answered: {each}"
            assert each.took_s <= self.limits_s[each.what] + LITTLE_S + more_s, each
            if each.what != "page" and each.status >= 400:
                assert (each.status, each.code) in {
                    (503, "UPSTREAM_UNAVAILABLE"),
                    (504, "UPSTREAM_TIMEOUT"),
                    (429, "RATE_LIMIT"),
                }, each


def orders_of(fabric):
    """Every order that the Orders API knows, page by page."""
    auth = {"authorization": f"Bearer {fabric.token(scope=SCOPES)}"}
    found, cursor = set(), ""
    while True:
        url = f"{fabric.run['gateway']}/v1/orders?limit=100" + (f"&cursor={cursor}" if cursor else "")
        said = call("call", url, headers=auth, ca=fabric.run.get("ca"))
        if said.status in (429, 503):
            time.sleep(0.2)
            continue
        assert said.status == 200, said
        page = json.loads(said.body)
        found.update(each["orderId"] for each in page["items"])
        cursor = page.get("nextCursor")
        if not cursor:
            return found


def journal(fabric):
    lines = (fabric.root / ".treadle" / "processes.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def assert_all_kept(fabric, traffic):
    missing = set(traffic.kept)

    def all_there():
        missing.difference_update(orders_of(fabric))
        return not missing

    wait_for(all_there, f"{len(traffic.kept)} acknowledged events in the Orders API")
    assert traffic.kept


def assert_facts_of_answered_calls(fabric, traffic):
    wanted = {each.trace for each in traffic.told if each.status >= 200 and each.what != "page"}
    assert wanted

    def all_there():
        with Trail.of_folder(fabric.root / ".treadle" / "facts") as trail:
            known = {fact.trace_id for fact in trail.search(kinds=[FactKind.CALL], limit=10_000)}
        return wanted <= known

    wait_for(all_there, "facts of every answered call")
