"""Access-log lines become facts; what is torn or not ours is refused."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.logs import LINE_BYTES_MAX, TEXT_MAX, fact_of

SENT = st.characters(exclude_categories=["Cs"])
TRACE = "557e5f48e89509768d7ab049bc8a7784"
ROW = {
    "start_us": "1795355668732516",
    "trace": TRACE,
    "span": "5dba0765033d3939",
    "caller": f"00-{TRACE}-2222222222222222-01",
    "request": "d3b7675a-bed9-9496-9744-e9135c260ffb",
    "consumer": "demo-app",
    "subject": "jane",
    "what": "customer.customers.v1@1.0.0#0123456789ab listCustomers 3",
    "method": "GET",
    "status": 200,
    "flags": "-",
    "details": "via_upstream",
    "issuer": "https://idp.example",
    "peer": "spiffe://acme.example/ns/shop/sa/web",
    "upstream": "customers-api",
    "duration_us": 3200,
    "bytes_in": 12,
    "bytes_out": 606,
}

NOTED = ("authz", "over", "checks", "hop", "behind", "replayed", "door", "limited")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(SENT, max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(SENT, max_size=3), inner, max_size=3),
    max_leaves=5,
)


def fact(**changed):
    return fact_of(orjson.dumps(ROW | changed))


def test_a_good_call():
    assert fact() == Fact(
        kind=FactKind.CALL,
        at_us=1_795_355_668_732_516,
        outcome=Outcome.OK,
        trace_id=TRACE,
        span_id="5dba0765033d3939",
        parent_span_id="2222222222222222",
        subject="jane",
        consumer="demo-app",
        domain="customer",
        contract="customer.customers.v1@1.0.0#0123456789ab",
        operation="listCustomers",
        status=200,
        duration_us=3200,
        bytes_in=12,
        bytes_out=606,
        cost_units=3,
        node="gateway",
        issuer="https://idp.example",
        peer="spiffe://acme.example/ns/shop/sa/web",
        upstream="customers-api",
    )


def test_a_call_that_began_its_trace_has_no_parent():
    assert fact(caller=None).parent_span_id == ""


def test_a_caller_of_another_trace_is_no_parent():
    assert fact(caller=f"00-{'1' * 32}-2222222222222222-01").parent_span_id == ""


@pytest.mark.parametrize(
    ("status", "details", "outcome", "code"),
    [
        (304, "via_upstream", Outcome.OK, ""),
        (401, "jwt_authn_access_denied{Jwt_is_missing}", Outcome.REFUSED, "UNAUTHENTICATED"),
        (403, "rbac_access_denied_matched_policy[none]", Outcome.REFUSED, "FORBIDDEN"),
        (404, "direct_response", Outcome.REFUSED, "NOT_FOUND"),
        (405, "direct_response", Outcome.REFUSED, "METHOD_NOT_ALLOWED"),
        (200, "upstream_reset_after_response_started{connection_termination}", Outcome.FAILED, "UPSTREAM_BROKE_OFF"),
        (408, "request_overall_timeout", Outcome.REFUSED, "REQUEST_TIMEOUT"),
        (410, "direct_response", Outcome.REFUSED, "GONE"),
        (413, "request_payload_too_large", Outcome.REFUSED, "PAYLOAD_TOO_LARGE"),
        (429, "local_rate_limited", Outcome.REFUSED, "RATE_LIMIT"),
        (404, "via_upstream", Outcome.REFUSED, "UPSTREAM_4XX"),
        (503, "upstream_reset_before_response_started", Outcome.FAILED, "UPSTREAM_UNAVAILABLE"),
        (504, "response_timeout", Outcome.FAILED, "UPSTREAM_TIMEOUT"),
        (500, "via_upstream", Outcome.FAILED, "UPSTREAM_5XX"),
        (0, "downstream_remote_disconnect", Outcome.FAILED, "CALLER_GONE"),
    ],
)
def test_how_a_call_ended(status, details, outcome, code):
    seen = fact(status=status, details=details)
    assert (seen.outcome, seen.code) == (outcome, code)


def test_a_refusal_says_why():
    assert fact(status=504, details="response_timeout", flags="UT").detail == "GET: response_timeout (UT)"


def test_a_request_that_never_had_a_route():
    nothing = dict.fromkeys(["trace", "request", "span", "caller", "consumer", "subject", "what"])
    seen = fact(**nothing, status=400, details="path_normalization_failed", duration_us="-")
    assert (seen.trace_id, seen.contract, seen.cost_units, seen.duration_us) == ("", "", 0, 0)
    assert seen.code == "BAD_REQUEST"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b'{"start_us": "17953',
        b"{}",
        orjson.dumps(ROW | {"start_us": -1}),
        orjson.dumps(ROW | {"start_us": "1e9"}),
        orjson.dumps(ROW | {"start_us": None}),
        orjson.dumps(ROW | {"operation": "x" * LINE_BYTES_MAX}),
    ],
)
def test_a_line_that_is_not_ours_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011  # a torn line is refused by the JSON reader in its own words
        fact_of(line)


@pytest.mark.parametrize(
    "name",
    [
        "subject",
        "consumer",
        "domain",
        "stamp",
        "operation",
        "method",
        "details",
        "flags",
        "caller",
        "request",
        "issuer",
        "peer",
        "upstream",
        "behind",
        "replayed",
        "over",
    ],
)
@pytest.mark.parametrize(
    "value", [5, True, [], ["a" * 9_000], {"a": {}}, "\x00\r\n\x1b\u2028", "é\U0001f600" * 3_000, -1, 1e300]
)
def test_a_weird_value_costs_itself_and_not_the_fact(name, value):
    seen = fact(**{name: value}, status=403)
    assert (seen.trace_id, seen.status, seen.at_us) == (TRACE, 403, 1_795_355_668_732_516)
    for text in (seen.subject, seen.consumer, seen.domain, seen.contract, seen.operation):
        assert len(text) <= TEXT_MAX
        assert text.isprintable()
    assert seen.detail.isprintable()
    assert len(seen.detail) <= 3 * TEXT_MAX + 8


def test_what_stands_in_for_a_weird_value():
    what = f"a.b.v1@1 {'é' * 300} many"
    seen = fact(consumer=["a"], subject="j\r\nx", what=what, trace=5, span="x", duration_us=-1)
    assert (seen.consumer, seen.subject, seen.operation) == ("?", "j?x", "é" * (TEXT_MAX - 1) + "…")
    assert (seen.trace_id, seen.span_id, seen.parent_span_id, seen.cost_units, seen.duration_us) == ("", "", "", 0, 0)
    assert fact(status=True).status == 0


@pytest.mark.parametrize(
    ("door", "status", "details", "code"),
    [
        ("CONTRACT_VIOLATION", 422, "via_upstream", "CONTRACT_VIOLATION"),
        ("UPSTREAM_UNAVAILABLE", 503, "via_upstream", "UPSTREAM_UNAVAILABLE"),
        ("CONTRACT_VIOLATION", 202, "via_upstream", ""),
        ("CONTRACT_VIOLATION", 429, "local_rate_limited", "RATE_LIMIT"),
        ("not a code", 422, "via_upstream", "UPSTREAM_4XX"),
        (["A"], 500, "via_upstream", "UPSTREAM_5XX"),
        (None, 422, "via_upstream", "UPSTREAM_4XX"),
    ],
)
def test_the_code_of_our_own_doors(door, status, details, code):
    assert fact(door=door, status=status, details=details).code == code


@pytest.mark.parametrize(
    ("noted", "code"),
    [
        ({}, ""),
        ({"authz": "allowed", "checks": "allowed"}, ""),
        ({"authz": "denied", "rule": "4-scope"}, "FORBIDDEN"),
        ({"authz": "denied", "rule": "1-identity", "consumer": None}, "UNAUTHENTICATED"),
        ({"authz": "denied"}, "UNAUTHENTICATED"),
        ({"over": "QUOTA_EXCEEDED"}, "QUOTA_EXCEEDED"),
        ({"checks": "denied"}, "CONTRACT_VIOLATION"),
        ({"hop": "IDEMPOTENCY_KEY_REUSED"}, "IDEMPOTENCY_KEY_REUSED"),
        (
            {"authz": "denied", "rule": "5-condition", "over": "RATE_LIMIT", "checks": "denied", "hop": "LATE"},
            "FORBIDDEN",
        ),
        ({"over": "RATE_LIMIT", "checks": "denied"}, "RATE_LIMIT"),
        ({"authz": ["denied"], "over": "a b", "checks": 1, "hop": {}}, ""),
    ],
)
def test_with_which_code_a_call_would_have_been_refused(noted, code):
    seen = fact(**noted)
    assert (seen.observed, seen.outcome, seen.code) == (code, Outcome.OK, "")


def test_what_answered_behind_the_guard_hop():
    seen = fact(upstream="treadle-guard-hop", behind="customers-api--candidate", replayed="true")
    assert (seen.upstream, seen.replayed) == ("customers-api--candidate", 1)
    assert fact(replayed="truly").replayed == 0


@given(st.dictionaries(st.sampled_from(sorted({*ROW, *NOTED})), JSON))
def test_no_values_cost_the_fact(values):
    assert fact(**values | {"start_us": 7}).at_us == 7


@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes_are_a_fact_or_a_value_error(junk, cut):
    line = orjson.dumps(ROW)
    for each in (junk, line[:cut], line[:cut] + junk):
        with suppress(ValueError):
            assert fact_of(each).kind is FactKind.CALL
