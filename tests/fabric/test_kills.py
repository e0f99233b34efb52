"""kill -9 of every process in turn while traffic runs: nothing acknowledged is lost, no fact of an answered call is.

Counted from what clients were told. The one allowance: lines that a killed Envoy had not yet handed to the kernel.
"""

import asyncio
import json
import os
import signal
import threading
import time
import uuid
from collections import Counter

import nats
import pytest
from harness import wait_for

from treadle.base.errors import TreadleError
from treadle.facts.fact import FactKind
from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
KILLS = ["nats", "guard", "control", "envoy", "orders-api", "customers-api", "billing"] * 3 + ["crm", "erp", "itsm"]
ORDER = "sales.order.created.v1"
FLUSH_S = 0.25
"""The flush interval of the access log is 10 ms; the rest is for a busy machine between answer and clock."""


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


class Traffic:
    """Clients that note what they were told, and try again where they were told nothing."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.token = fabric.token(scope="customers:read orders:read sales.events:publish")
        self.address = fabric.treadle("token", "--client", "demo-app", "--nats").stdout.strip()
        self.ending = threading.Event()
        self.answered: list[tuple[str, float]] = []
        self.kept: list[str] = []
        self.customers: list[str] = []
        self.threads = [
            threading.Thread(target=each) for each in (self.call, self.publish, self.publish_natively, self.sign_up)
        ]

    def __enter__(self):
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for each in self.threads:
            each.join()

    def call(self):
        while not self.ending.wait(0.03):
            try:
                reply = self.fabric.call("GET", "/v1/orders?limit=1", token=self.token)
            except TreadleError:
                continue
            self.answered.append((reply.headers["x-trace-id"], time.time()))

    def publish(self):
        number = 0
        while not self.ending.wait(0.05):
            data = order(f"H-{number}")
            event = {"specversion": "1.0", "id": data["eventId"], "source": "t", "type": ORDER, "data": data}
            try:
                reply = self.fabric.call(
                    "POST",
                    "/v1/events",
                    token=self.token,
                    headers={"content-type": "application/cloudevents+json"},
                    body=json.dumps(event).encode(),
                )
            except TreadleError:
                continue  # told nothing: the same event again
            self.answered.append((reply.headers["x-trace-id"], time.time()))
            if reply.status == 202:
                self.kept.append(data["orderId"])
                number += 1

    def publish_natively(self):
        asyncio.run(self._publish_natively())

    async def _publish_natively(self):
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
            data = order(f"N-{number}")
            try:
                await js.publish(f"{ORDER}.{data['orderId']}", json.dumps(data).encode(), timeout=1)
            except (nats.errors.Error, OSError):
                await asyncio.sleep(0.05)
                continue
            self.kept.append(data["orderId"])
            number += 1
            await asyncio.sleep(0.05)
        await nc.close()

    def sign_up(self):
        while not self.ending.wait(0.3):
            person = {"name": "K", "email": "k@example.com", "country": "SE", "segment": "consumer"}
            try:
                self.customers.append(self.fabric.system("crm", "POST /api/customers", person)["id"])
            except (TreadleError, AssertionError):
                continue


def kill(fabric, name):
    """kill -9, and watch it come back; `status` must not call it ready while it is gone."""
    before = fabric.process(name)
    os.kill(before["pid"], signal.SIGKILL)
    at = time.time()

    def back():
        row = fabric.process(name)
        return row["restarts"] > before["restarts"] and row["state"] == "ready" and fabric.is_ready()

    done = fabric.treadle("status", "--format", "json", check=False)
    row = next(each for each in json.loads(done.stdout)["processes"] if each["name"] == name)
    assert row["state"] != "ready" or row["pid"] != before["pid"], "status called a dead process ready"
    wait_for(back, f"{name} to be back")
    return at


def test_nothing_acknowledged_is_lost_under_kills(own_fabric):
    fabric = own_fabric
    envoy_deaths = []
    with Traffic(fabric) as traffic:
        time.sleep(1)
        for name in KILLS:
            at = kill(fabric, name)
            if name == "envoy":
                envoy_deaths.append(at)
            time.sleep(0.3)
    assert len(traffic.kept) > 50
    assert len(traffic.answered) > 200
    assert traffic.customers

    # Every acknowledged event reached the read models behind the gateway, whichever door it came through.
    token = fabric.token()
    missing = set(traffic.kept)

    def all_there():
        listed = every(fabric, "/v1/orders", token, "orderId")
        missing.difference_update(listed)
        return not missing

    wait_for(all_there, f"acknowledged events in the Orders API, of {len(traffic.kept)}")
    people = set(traffic.customers)
    wait_for(lambda: people <= every(fabric, "/v1/customers", token, "customerId"), "acknowledged customers")

    # Facts: one for every answered call and one for every event, none twice.
    wanted = {trace for trace, _ in traffic.answered}

    def facts():
        with Trail.of_folder(fabric.root / ".treadle" / "facts") as trail:
            return trail.search(kinds=[FactKind.CALL], limit=10_000), trail.search(kinds=[FactKind.EVENT], limit=10_000)

    lost: set[str] = set()

    def settled():
        calls, _ = facts()
        lost.clear()
        lost.update(wanted - {each.trace_id for each in calls})
        answered_at = dict(traffic.answered)
        return all(any(abs(answered_at[each] - at) < FLUSH_S for at in envoy_deaths) for each in lost)

    wait_for(settled, "facts of answered calls")
    calls, events = facts()
    assert not twice(each.trace_id for each in calls if each.trace_id in wanted)
    assert not twice(each.event_id for each in events)
    assert {order(number)["eventId"] for number in traffic.kept} <= {each.event_id for each in events}
    print(f"{len(KILLS)} kills; {len(wanted)} calls, {len(lost)} without a fact; {len(traffic.kept)} events")


def test_a_killed_supervisor_leaves_nothing_and_the_next_up_works(own_fabric):
    fabric = own_fabric
    pids = fabric.pids()
    os.kill(fabric.run["supervisor"]["pid"], signal.SIGKILL)
    from treadle.control.runfile import alive

    wait_for(lambda: not any(alive(pid) for pid in pids), "the children to be gone")
    done = fabric.treadle("status", check=False)
    assert done.returncode == 4
    assert "not-running" in done.stderr
    fabric.treadle("demo", "--detach")
    assert fabric.call("GET", "/v1/customers?limit=1", token=fabric.token()).status == 200


def twice(ids):
    return [id for id, count in Counter(ids).items() if count > 1]


def every(fabric, path, token, id):
    """All ids of a collection, page by page."""
    found, cursor = set(), ""
    while True:
        reply = fabric.call("GET", f"{path}?limit=100" + (f"&cursor={cursor}" if cursor else ""), token=token)
        if reply.status == 429:
            time.sleep(0.2)
            continue
        assert reply.status == 200, reply.body
        page = reply.json()
        found.update(each[id] for each in page["items"])
        cursor = page.get("nextCursor")
        if not cursor:
            return found
