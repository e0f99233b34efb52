"""Edits on a running fabric: a good one goes live without a dropped call, a bad one is refused alone."""

import json
import os
import re
import signal
import tempfile
import threading
from pathlib import Path

import pytest
from harness import start, stop, wait_for

from treadle.facts.fact import FactKind, Outcome
from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"
ORDERS = "domains/sales/orders.v1.openapi.yaml"


@pytest.fixture(scope="module")
def fabric():
    """A fabric whose contracts may be changed for good."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)


def raised(text):
    """The same contract with its patch version raised by one."""
    return re.sub(r"(?m)^(  version: \d+\.\d+\.)(\d+)$", lambda found: found[1] + str(int(found[2]) + 1), text, count=1)


def edit(fabric, path, transform=raised):
    file = fabric.root / path
    old = file.read_text()
    new = transform(old)
    assert new != old
    file.write_text(new)
    return old


def applied(fabric, *, code=0):
    done = fabric.treadle("apply", "--format", "json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    said = json.loads(done.stdout)
    return said, {each["contract"]: each for each in said["contracts"]}


def test_an_edit_is_planned_applied_and_live(fabric):
    edit(fabric, CUSTOMERS, lambda text: raised(text).replace("timeout_ms: ", "timeout_ms: 1", 1))
    planned = fabric.treadle("plan").stdout
    assert "customers.v1@1.0.1" in planned
    assert "timeout_ms: " in planned
    said, rows = applied(fabric)
    assert rows["customer.customers.v1"]["action"] == "change"
    assert rows["sales.orders.v1"]["action"] == "keep"
    facts = fabric.facts(said["trace"])["facts"]
    assert {each["kind"] for each in facts} == {"decision"}
    reply = fabric.call("GET", "/v1/customers?limit=1", token=fabric.token())
    (fact,) = fabric.facts(reply.headers["x-trace-id"])["facts"]
    assert "@1.0.1#" in fact["contract"]
    assert fabric.treadle("plan").stderr.strip().endswith("0 changes in the engines")


def test_a_bad_contract_is_refused_alone_and_the_good_one_beside_it_goes_live(fabric):
    kept = edit(fabric, CUSTOMERS, lambda text: text + "\npaths: {}\n")  # a duplicate key
    edit(fabric, ORDERS)
    _, rows = applied(fabric, code=3)
    assert rows["customer.customers.v1"]["action"] == "refuse"
    assert [each["rule"] for each in rows["customer.customers.v1"]["findings"]] == ["duplicate-key"]
    assert rows["sales.orders.v1"]["action"] == "change"
    token = fabric.token()
    assert fabric.call("GET", "/v1/customers?limit=1", token=token).status == 200
    assert fabric.call("GET", "/v1/orders?limit=1", token=token).status == 200
    (fabric.root / CUSTOMERS).write_text(kept)
    applied(fabric)


def test_a_new_channel_is_live_after_apply_and_gone_with_its_file(fabric):
    channel = "sales.order.shipped.v1"
    source = (fabric.root / "domains/sales/order.v1.asyncapi.yaml").read_text()
    path = fabric.root / "domains/sales/shipment.v1.asyncapi.yaml"
    path.write_text(source.replace("sales.order.created.v1", channel))
    applied(fabric)
    event = str(fabric.root / "stories/dlq/mended.json")
    # The guard takes the new law from a file that it looks at five times a second.
    done = wait_for(
        lambda: kept(fabric.treadle("events", "publish", channel, "--data", event, check=False)), "the new channel"
    )
    assert json.loads(done)["channel"] == channel
    tail = fabric.treadle("events", "tail", channel, "--from-start", "--limit", "1", "--format", "json")
    facts = fabric.facts(json.loads(tail.stdout)["trace_id"])["facts"]
    assert "event" in {each["kind"] for each in facts}, "a stream that came later tells its facts too"
    path.unlink()
    _, rows = applied(fabric)
    assert rows["sales.shipment.v1"]["action"] == "remove"


def test_applies_under_traffic_drop_no_call(fabric):
    token = fabric.token()
    seen, end = [], threading.Event()

    def traffic():
        while not end.wait(0.02):
            seen.append(fabric.call("GET", "/v1/orders?limit=1", token=token).status)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        for _ in range(5):
            edit(fabric, CUSTOMERS)
            applied(fabric)
    finally:
        end.set()
        thread.join()
    assert len(seen) > 20
    assert set(seen) == {200}


def test_broken_settings_change_nothing(fabric):
    kept = edit(fabric, "treadle.yaml", lambda text: text + "\ntires: {}\n")
    done = fabric.treadle("apply", check=False)
    (fabric.root / "treadle.yaml").write_text(kept)
    assert done.returncode == 3
    assert "tires" in done.stderr
    assert "tiers" in done.stderr
    assert fabric.call("GET", "/v1/orders?limit=1", token=fabric.token()).status == 200


def test_the_control_api_does_nothing_without_its_token(fabric):
    from treadle.control.remote import request

    url = fabric.run["console"] + "/control/apply"
    for headers in ({}, {"authorization": "Bearer guess"}, {"authorization": "Basic Zm9vOmJhcg=="}):
        assert request("POST", url, headers=headers, body=b"{}").status == 401


def kept(done):
    return done.stdout if done.returncode == 0 else None


def test_a_contract_whose_file_cannot_be_read_survives_a_restart_of_control(fabric):
    file = fabric.root / ORDERS
    kept = file.read_text()
    file.unlink()
    file.symlink_to("/etc/hostname")
    try:
        _, rows = applied(fabric, code=3)
        assert rows["sales.orders.v1"]["action"] == "refuse"
        before = fabric.process("control")
        os.kill(before["pid"], signal.SIGKILL)
        wait_for(lambda: fabric.is_ready() and fabric.process("control")["restarts"] > before["restarts"], "control")
        assert fabric.call("GET", "/v1/orders?limit=1", token=fabric.token()).status == 200
        _, rows = applied(fabric, code=3)
        assert rows["sales.orders.v1"]["live"], "its last good version is still known"
    finally:
        file.unlink()
        file.write_text(kept)
        applied(fabric)


def test_a_stream_that_cannot_change_in_place_refuses_its_contract_alone(fabric):
    """The last-good was lost, so nothing knows of the old partitions but the stream itself."""
    fabric.treadle("down")
    (fabric.root / ".treadle/live/itsm.incident.v1.json").unlink()
    incident = "domains/itsm/incident.v1.asyncapi.yaml"
    kept = edit(fabric, incident, lambda text: re.sub(r"partitions: \d+", "partitions: 3", raised(text)))
    fabric.treadle("demo", "--detach")
    (fabric.root / incident).write_text(kept)
    status = json.loads(fabric.treadle("plan", "--format", "json", "--with", f"{incident}={incident}").stdout)
    rows = {each["contract"]: each["action"] for each in status["contracts"]}
    assert rows.pop("itsm.incident.v1") == "add"
    assert set(rows.values()) == {"keep"}
    with Trail.of_folder(fabric.root / ".treadle/facts") as trail:
        refused = [each.code for each in trail.search(kinds=[FactKind.DECISION], outcomes=[Outcome.REFUSED], limit=9)]
    assert "partitions-fixed" in refused
