"""Traces that callers bring: one that can be read is continued, else the request id stands for it. A real Envoy."""

import re

import pytest

from treadle.base.ids import NO_TRACE
from treadle.gateway.logs import LINE_BYTES_MAX, fact_of

pytestmark = pytest.mark.engine
HEX = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
GOOD = f"00-{HEX}-{SPAN}-01"
STATE = "vendor=1,other=a b"


def call(client, *headers):
    """A public call; what the client and what the upstream saw of its trace."""
    answer = client.get("/v1/public", headers=[(name.encode(), value) for name, value in headers])
    assert answer.status_code == 200, answer.text
    return answer.headers["x-trace-id"], answer.json()["headers"]


@pytest.mark.parametrize(
    "traceparent",
    [
        b"",
        b"garbage",
        b"0" * 55,
        b"-" * 55,
        f"00-{NO_TRACE}-{SPAN}-01".encode(),
        f"00-{HEX}-{'0' * 16}-01".encode(),
        GOOD[:-1].encode(),
        f"{GOOD}0".encode(),
        f"{GOOD}-x".encode(),
        f"00-{HEX}0-{SPAN}-01".encode(),
        f"00-{HEX[:-1]}-{SPAN}-01".encode(),
        f"00-{HEX[:-1]}-{SPAN}0-01".encode(),
        f"00-{HEX}-{SPAN}-0g".encode(),
        f"00_{HEX}_{SPAN}_01".encode(),
        "é".encode() * 28,
        b"\xff" * 28_000,
        b"a" * 28_000,
    ],
    ids=lambda value: f"{value[:24]!r}x{len(value)}",
)
def test_the_request_id_stands_for_a_trace_that_cannot_be_read(running, client, traceparent):
    request_id, _ = call(client, ("traceparent", traceparent), ("tracestate", STATE.encode()))
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
    fact = fact_of(running.line_of(request_id))
    assert (fact.trace_id, fact.parent_span_id) == (request_id.replace("-", ""), "")


def test_a_trace_in_upper_case_is_told_in_lower_case(running, client):
    answered, _ = call(client, ("traceparent", GOOD.upper().replace("4BF", "5BF").encode()))
    assert fact_of(running.line_of(answered)).trace_id == answered.lower() == HEX.replace("4bf", "5bf")


@pytest.mark.parametrize(("version", "flags"), [("00", "01"), ("00", "00"), ("cc", "03")])
def test_a_well_formed_trace_is_continued(running, client, version, flags):
    trace_id = f"{version}{flags}".rjust(32, "a")
    given = f"{version}-{trace_id}-{SPAN}-{flags}".encode()
    answered, seen = call(client, ("traceparent", given), ("tracestate", STATE.encode()))
    assert (answered, int(seen["traceparent"][-2:]) & 1) == (trace_id, int(flags) & 1)
    fact = fact_of(running.line_of(trace_id))
    assert (fact.trace_id, fact.parent_span_id) == (trace_id, SPAN)


def test_the_state_of_a_good_trace_goes_on(client):
    trace_id, seen = call(client, ("traceparent", GOOD.encode()), ("tracestate", STATE.encode()))
    assert (trace_id, seen["tracestate"]) == (HEX, STATE)


def test_what_is_kept_cannot_be_forged(running, client):
    trace_id, _ = call(client, ("x-treadle-parent", GOOD.encode()))
    assert trace_id not in {HEX, NO_TRACE}
    assert fact_of(running.line_of(trace_id)).parent_span_id == ""


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", [("x-request-id", b"\xff" * 28_000)]),
        ("GET", [("traceparent", b"\xff" * 14_000), ("x-request-id", b"\xff" * 14_000)]),
        ("GET", [("user-agent", b"\x80" * 28_000), ("x-forwarded-for", b"\xff")]),
        ("M" * 20_000, []),
    ],
)
def test_no_client_makes_a_line_that_gives_no_fact(running, client, method, headers):
    before = len(running.lines())
    client.request(method, "/v1/public", headers=[(name.encode(), value) for name, value in headers])
    running.until(lambda: len(running.lines()) > before)
    line = running.lines()[before]
    assert len(line) < LINE_BYTES_MAX // 16
    assert fact_of(line).at_us
