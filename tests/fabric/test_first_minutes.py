"""What a new user sees in the first minutes, over real engines."""

import datetime as dt
import json
import re
import subprocess
import uuid

import nats
import nats.errors
import nats.js.errors
import pytest
from harness import wait_for

pytestmark = pytest.mark.fabric
ORDER = "sales.order.created.v1"


def order(number, **changes):
    return {
        "eventId": str(uuid.uuid4()),
        "occurredAt": "2026-11-22T12:00:00Z",
        "partitionKey": number,
        "schemaVersion": "1.0.0",
        "orderId": number,
        "customerId": "C-1001",
        "amount": 12.5,
        "currency": "EUR",
        **changes,
    }


def cloud_event(data, **changes):
    return {"specversion": "1.0", "id": data["eventId"], "source": "test", "type": ORDER, "data": data, **changes}


def publish(fabric, token, document, media="application/cloudevents+json"):
    body = json.dumps(document).encode()
    return fabric.call("POST", "/v1/events", token=token, headers={"content-type": media}, body=body)


def test_the_printed_commands_work_as_they_are_pasted(fabric):
    said = fabric.banner
    curls = re.findall(r"^  (curl .*)$", said, re.MULTILINE)
    assert len(curls) == 2
    get, post = (
        subprocess.run(each, shell=True, cwd=fabric.root, capture_output=True, text=True, check=True).stdout
        for each in curls
    )
    assert get.startswith("HTTP/2 200")
    assert post.startswith("HTTP/2 202")
    assert "events tail" in said


def test_a_call_is_answered_and_becomes_a_fact(fabric):
    reply = fabric.call("GET", "/v1/customers?limit=1", token=fabric.token())
    assert reply.status == 200
    assert int(reply.headers["x-ratelimit-limit"]) == 200
    (fact,) = fabric.facts(reply.headers["x-trace-id"])["facts"]
    assert (fact["kind"], fact["operation"], fact["status"]) == ("call", "listCustomers", 200)
    assert fact["contract"].startswith("customer.customers.v1@1.0.0#")
    assert fact["consumer"] == "demo-app"


@pytest.mark.parametrize(
    ("call", "who", "status", "code"),
    [
        ("GET /v1/customers", None, 401, "UNAUTHENTICATED"),
        ("GET /v1/orders", "customers:read", 403, "FORBIDDEN"),
        ("GET /v1/nothing", "customers:read", 404, "NOT_FOUND"),
        ("DELETE /v1/customers", "customers:read", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_every_refusal_is_in_the_envelope(fabric, call, who, status, code):
    reply = fabric.call(*call.split(), token=fabric.token(scope=who) if who else None)
    assert reply.status == status
    said = reply.json()
    assert said["code"] == code
    assert said["traceId"] == reply.headers["x-trace-id"]
    assert set(said) == {"traceId", "code", "message", "details"}


def test_a_consumer_that_asks_too_much_is_told_when_to_come_back(fabric):
    token = fabric.token("partner")
    replies = [fabric.call("GET", "/v1/orders", token=token) for _ in range(8)]
    refused = [each for each in replies if each.status == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1
    assert refused[0].json()["code"] == "RATE_LIMIT"


def test_an_event_goes_from_producer_to_read_model_in_one_trace(fabric):
    number = f"O-{uuid.uuid4().hex[:8]}"
    token = fabric.token()
    reply = publish(fabric, token, cloud_event(order(number)))
    assert reply.status == 202, reply.body
    wait_for(lambda: fabric.call("GET", f"/v1/orders/{number}", token=token).status == 200, "the read model")

    def whole():
        facts = fabric.facts(reply.headers["x-trace-id"])["facts"]
        kinds = [each["kind"] for each in facts]
        return facts if kinds.count("delivery") == 2 else None

    facts = wait_for(whole, "both deliveries in the trace")
    spans = {each["kind"]: each for each in facts}
    assert spans["event"]["parent_span_id"] == spans["call"]["span_id"]
    assert spans["delivery"]["parent_span_id"] == spans["event"]["span_id"]
    assert {each["consumer"] for each in facts if each["kind"] == "delivery"} == {"orders-api", "billing"}


def test_the_same_event_twice_is_one_event(fabric):
    event = cloud_event(order(f"O-{uuid.uuid4().hex[:8]}"))
    token = fabric.token()
    first, second = publish(fabric, token, event).json(), publish(fabric, token, event).json()
    assert not first["duplicate"]
    assert second["duplicate"]
    assert first["sequence"] == second["sequence"]


def test_a_batch_is_taken_event_by_event(fabric):
    good, bad = order(f"O-{uuid.uuid4().hex[:8]}"), order(f"O-{uuid.uuid4().hex[:8]}", amount="twelve")
    media = "application/cloudevents-batch+json"
    reply = publish(fabric, fabric.token(), [cloud_event(good), cloud_event(bad)], media)
    statuses = [each["status"] for each in reply.json()["results"]]
    assert statuses == [202, 422]


def test_publishing_needs_the_scope_of_the_domain(fabric):
    reply = publish(fabric, fabric.token(scope="orders:read"), cloud_event(order("O-1")))
    assert reply.status == 403


async def test_a_stock_nats_client_publishes_the_contracts_name(fabric):
    address = fabric.treadle("token", "--client", "demo-app", "--nats").stdout.strip()
    refused: list[Exception] = []

    async def note(error):
        refused.append(error)

    nc = await nats.connect(address, inbox_prefix=b"_INBOX.demo-app", error_cb=note)
    try:
        js = nc.jetstream()
        number = f"O-{uuid.uuid4().hex[:8]}"
        ack = await js.publish(f"{ORDER}.{number}", json.dumps(order(number)).encode())
        assert ack.stream == "SALES_ORDER_CREATED_V1"
        bad = json.dumps(order(number, amount="twelve")).encode()
        with pytest.raises(nats.js.errors.APIError, match=r"CONTRACT_VIOLATION /amount"):
            await js.publish(f"{ORDER}.{number}", bad)
        # Around the guard: the broker itself says no.
        with pytest.raises((nats.errors.TimeoutError, nats.js.errors.NoStreamResponseError)):
            await js.publish(f"bus.{ORDER}.0.{number}", bad, timeout=0.5)
        assert any("ermissions" in str(each) for each in refused)
    finally:
        await nc.close()


def test_records_of_the_systems_arrive_as_events(fabric):
    """The CRM tells by webhook, the ERP is polled; both end in the read models behind the gateway."""
    token = fabric.token()
    name = f"Test {uuid.uuid4().hex[:6]}"
    person = {"name": name, "email": "t@example.com", "country": "SE", "segment": "consumer"}
    customer = fabric.system("crm", "POST /api/customers", person)
    bought = {"customer": customer["id"], "total": "99.90", "currency": "EUR"}
    sale = fabric.system("erp", "POST /api/orders", bought)
    fabric.system("erp", f"PATCH /api/orders/{sale['id']}", {"status": "confirmed"})
    found = wait_for(
        lambda: ok(fabric.call("GET", f"/v1/customers/{customer['id']}", token=token)), "the customer's event"
    )
    assert found["name"] == name
    found = wait_for(lambda: ok(fabric.call("GET", f"/v1/orders/{sale['id']}", token=token)), "the order's event")
    assert found["amount"] == 99.9


def test_audit_finds_what_was_about_a_customer(fabric):
    facts = wait_for(
        lambda: json.loads(fabric.treadle("audit", "--subject", "C-1001", "--format", "json").stdout)["facts"],
        "facts about C-1001",
    )
    assert len({each["subject"] for each in facts}) == 1
    assert all("C-1001" not in json.dumps(each) for each in facts), "the log holds a pseudonym, not the id"


def test_status_tells_every_process(fabric):
    status = json.loads(fabric.treadle("status", "--format", "json").stdout)
    names = {row["name"] for row in status["processes"]}
    assert {"nats", "control", "guard", "envoy"} <= names
    assert all(row["state"] == "ready" for row in status["processes"])
    assert status["gateway"].startswith("https://127.0.0.1:")
    assert dt.datetime.fromisoformat(status["certificate_until"]) > dt.datetime.now(dt.UTC)
    needs = {row["need"]: row for row in json.loads(fabric.treadle("doctor", "--format", "json").stdout)}
    certificate = needs["a good certificate of the gateway"]
    assert certificate["met"]
    assert status["certificate_until"] in certificate["seen"]


def test_a_token_is_given_only_for_what_the_consumer_may(fabric):
    done = fabric.treadle("token", "--client", "demo-app", "--scope", "itsm.events:publish", check=False)
    assert done.returncode == 1
    assert "scope-not-registered" in done.stderr
    done = fabric.treadle("token", "--client", "demo-ap", check=False)
    assert "did you mean demo-app" in done.stderr


def test_a_token_that_is_bound_to_a_certificate_is_nothing_without_it(fabric, tmp_path):
    mine = tmp_path / "mine"
    token = fabric.treadle("token", "--client", "demo-app", "--certificate", str(mine)).stdout.strip()
    asked = ["curl", "-sS", "--cacert", mine / "ca.crt", "-H", f"authorization: Bearer {token}"]
    url = fabric.run["gateway"] + "/v1/customers?limit=1"

    def called(*more):
        said = subprocess.run([*asked, *more, url], capture_output=True, text=True, check=True)
        return json.loads(said.stdout)

    assert called("--cert", mine / "tls.crt", "--key", mine / "tls.key")["items"]
    assert called()["code"] == "UNAUTHENTICATED"
    other = tmp_path / "other"
    fabric.treadle("token", "--client", "partner", "--certificate", str(other))
    assert called("--cert", other / "tls.crt", "--key", other / "tls.key")["code"] == "UNAUTHENTICATED"


def ok(reply):
    return reply.json() if reply.status == 200 else None
