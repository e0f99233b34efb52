"""The demo's stories: each breaks something on purpose, and shows what the fabric does about it.

A story acts as users do, through the gateway, the command line's own functions and the systems' APIs, and says what it
saw. It ends with StoryError where the fabric did not do what the story tells.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from treadle.base.errors import PolicyError
from treadle.control.credentials import access_token
from treadle.control.remote import Reply, request
from treadle.control.runfile import Run
from treadle.control.state import State
from treadle.facts.fact import Fact
from treadle.facts.trail import Trail
from treadle.facts.tree import draw, grow

PATIENCE_S = 20.0
CLIENT = "demo-app"
ORDER_CHANNEL = "sales.order.created.v1"

Apply = Callable[[Mapping[str, bytes]], dict[str, Any]]
Letters = Callable[[], list[dict[str, Any]]]
Resubmit = Callable[[str, bytes], dict[str, Any]]


class StoryError(PolicyError):
    """The fabric did not do what a story tells."""

    def __init__(self, expected: str, seen: str) -> None:
        """What was expected, and what was seen in its place."""
        super().__init__("story-failed", f"expected {expected}; saw {seen}", "read the logs in .treadle/log")


@dataclass(slots=True)
class Stage:
    """Where a story plays: a running fabric, and the voice that tells it."""

    state: State
    run: Run
    say: Callable[[str], None]
    apply: Apply
    letters: Letters
    resubmit: Resubmit
    _token: str = field(default="")

    def step(self, text: str) -> None:
        """A headline."""
        self.say(f"\n>> {text}")

    def see(self, text: str) -> None:
        """What came of it, indented."""
        for line in text.splitlines():
            self.say(f"   {line}")

    def expect(self, expected: str, seen: Any, *, holds: bool) -> None:
        """Go on only if it holds."""
        if not holds:
            raise StoryError(expected, str(seen))

    def call(self, method: str, path: str, body: Any = None, media: str = "application/json") -> Reply:
        """A call through the gateway, as the demo's own client."""
        if not self._token:
            self._token = access_token(self.state, self.run, CLIENT)
        headers = {"authorization": f"Bearer {self._token}", "content-type": media}
        data = orjson.dumps(body) if body is not None else None
        url, tls = self.run["gateway"] + path, {key: self.run.get(key) for key in ("ca", "certificate")}
        return request(method, url, headers=headers, body=data, **tls)

    def until(self, expected: str, look: Callable[[], Any]) -> Any:
        """What `look` gives, as soon as it gives something."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise StoryError(expected, f"nothing of it in {PATIENCE_S:g} s")
            time.sleep(0.05)

    def facts(self, trace_id: str, enough: Callable[[tuple[Fact, ...]], bool]) -> tuple[Fact, ...]:
        """The facts of a trace, once there are enough of them."""

        def look() -> tuple[Fact, ...]:
            with Trail.of_folder(self.state.facts) as trail:
                found = trail.by_trace(trace_id)
            return found if enough(found) else ()

        facts: tuple[Fact, ...] = self.until(f"the facts of trace {trace_id}", look)
        return facts

    def show(self, reply: Reply) -> None:
        """A reply as one would see it with curl."""
        self.see(f"HTTP {reply.status}\n{reply.body.decode(errors='replace')}")

    def url_of(self, process: str) -> str:
        """Where a process of the demo listens."""
        return next(str(row["url"]) for row in self.run["processes"] if row["name"] == process)


def break_contract(stage: Stage) -> None:
    """A team ships a version that would break its consumers, and calls it a minor one."""
    file = "domains/customer/customers.v1.openapi.yaml"
    breaking = (stage.state.root / "stories" / "break" / "customers.v1.openapi.yaml").read_bytes()

    stage.step("The Customer API serves, and its consumers rely on what it returns.")
    before = stage.call("GET", "/v1/customers?limit=1")
    stage.show(before)
    stage.expect("the Customer API to answer 200", before.status, holds=before.status == 200)

    stage.step("The customer team applies a version that takes something away and calls it minor.")
    said = stage.apply({file: breaking})
    row = next(each for each in said["contracts"] if each["contract"] == "customer.customers.v1")
    stage.see(f"{row['contract']}: {row['action']} {row['wanted']}; {row['live']} goes on serving")
    for finding in row["findings"]:
        stage.see(f"{finding['severity']} {finding['rule']}: {finding['message']}\n    hint: {finding['hint']}")
    stage.expect("the breaking version to be refused", row["action"], holds=row["action"] == "refuse")
    blocking = [each for each in row["findings"] if each["severity"] != "warn"]
    stage.expect("reasons for the refusal", blocking, holds=bool(blocking))

    stage.step("Nothing changed for anybody: the last good version answers, the other contracts were not touched.")
    after = stage.call("GET", "/v1/customers?limit=1")
    stage.show(after)
    stage.expect("the same answer as before", after.status, holds=after.status == 200)
    others = [each for each in said["contracts"] if each["contract"] != row["contract"] and each["action"] == "refuse"]
    stage.expect("no other contract to be refused", others, holds=not others)

    stage.step("The decision is a fact, with its reasons.")
    facts = stage.facts(said["trace"], lambda found: any(each.outcome == "refused" for each in found))
    stage.see(draw(grow(facts)))


def dead_letter(stage: Stage) -> None:
    """A producer sends an event that breaks its contract; it is kept with its reason, mended and sent again."""
    folder = stage.state.root / "stories" / "dlq"
    # A fresh order for each telling: an event id that was seen before would be taken for the same event.
    nth = f"O-STORY-{time.time_ns() // 1_000_000}"
    bad = _renamed(orjson.loads((folder / "bad.json").read_bytes()), nth)
    mended = _renamed(orjson.loads((folder / "mended.json").read_bytes()), nth)

    stage.step("A producer publishes an order whose amount is a word.")
    reply = stage.call("POST", "/v1/events", _cloud_event(bad), "application/cloudevents+json")
    stage.show(reply)
    said = reply.json()
    stage.expect("422 with reason and pointer", reply.status, holds=reply.status == 422)
    pointer = said.get("details", {}).get("pointer")
    stage.expect("the pointer /amount", pointer, holds=pointer == "/amount")

    stage.step("It is not on the channel. It is kept whole among the dead letters, with its reason.")

    def mine() -> dict[str, Any] | None:
        return next((each for each in stage.letters() if each["event_id"] == bad["eventId"]), None)

    letter = stage.until("the dead letter", mine)
    stage.see("\n".join(f"{name}: {letter[name]}" for name in ("id", "channel", "reason", "pointer", "detail")))

    stage.step("Somebody mends it and resubmits it. It goes through the same guard.")
    receipt = stage.resubmit(letter["id"], orjson.dumps(mended))
    stage.see(f"kept as {receipt['stream']}:{receipt['sequence']}")

    stage.step("The Orders API has learned of the order from the event.")
    found = stage.until("the order in the Orders API", lambda: _ok(stage.call("GET", f"/v1/orders/{nth}")))
    stage.show(found)

    stage.step("One trace tells all of it: the refusal, the resubmission, who got it.")
    facts = stage.facts(
        said["traceId"], lambda seen: {"refusal", "event", "delivery"} <= {each.kind.value for each in seen}
    )
    stage.see(draw(grow(facts)))


def incident(stage: Stage) -> None:
    """A service fails; the gateway answers in one envelope, the facts say whose fault it was, and it heals."""
    admin = stage.url_of("orders-api") + "/admin/faults"

    stage.step("The Orders API answers.")
    before = stage.call("GET", "/v1/orders?limit=1")
    stage.show(before)
    stage.expect("200", before.status, holds=before.status == 200)

    stage.step("Its service begins to fail.")
    _post(admin, {"status": 503})
    try:
        broken = stage.call("GET", "/v1/orders?limit=1")
        stage.show(broken)
        stage.expect("503 from a service that fails", broken.status, holds=broken.status == 503)
        trace_id = broken.headers.get("x-trace-id", "")
        stage.expect("a trace id on the answer", trace_id, holds=len(trace_id) == 32)

        stage.step("The fact of that call says who was called, under which contract, and how it failed.")
        facts = stage.facts(trace_id, lambda found: any(each.outcome == "failed" for each in found))
        stage.see(draw(grow(facts)))

        stage.step("Other APIs do not feel it.")
        other = stage.call("GET", "/v1/customers?limit=1")
        stage.expect("200 from the Customer API", other.status, holds=other.status == 200)
        stage.see(f"GET /v1/customers: HTTP {other.status}")
    finally:
        _post(admin, {"status": None})

    stage.step("The service is mended, and the gateway lets calls through again.")
    healed = stage.until("200 again", lambda: _ok(stage.call("GET", "/v1/orders?limit=1")))
    stage.show(healed)


STORIES: Mapping[str, Callable[[Stage], None]] = {
    "break": break_contract,
    "dlq": dead_letter,
    "incident": incident,
}


def _ok(reply: Reply) -> Reply | None:
    return reply if reply.status == 200 else None


def _post(url: str, body: Any) -> Reply:
    return request("POST", url, headers={"content-type": "application/json"}, body=orjson.dumps(body))


def _renamed(event: dict[str, Any], order: str) -> dict[str, Any]:
    return {**event, "orderId": order, "partitionKey": order, "eventId": str(uuid.uuid5(uuid.NAMESPACE_URL, order))}


def _cloud_event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event["eventId"],
        "source": "treadle/demo",
        "type": ORDER_CHANNEL,
        "time": event["occurredAt"],
        "partitionkey": event["partitionKey"],
        "data": event,
    }
