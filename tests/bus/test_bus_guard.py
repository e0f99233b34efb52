"""The law: what passes, what is refused, and with which words."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.bus import headers as h
from treadle.bus.guard import Accepted, compile_guard
from treadle.bus.ir import Bus, Producer
from treadle.bus.partition import KEY_BYTES_MAX, decode_key, encode_key, partition_of
from treadle.bus.reason import Reason, Refused
from treadle.bus.snapshot import decode, encode
from treadle.contract.model import Enforcement

CASES = sorted((Path(__file__).parents[1] / "cases" / "bus").glob("guard-*.case"))


@pytest.fixture
def guard(small):
    return compile_guard(small.bus())[0]


@pytest.fixture
def judge(guard, small):
    def judge(body, headers=None, key="k1", channel=small.ORDERS):
        token = encode_key(key)
        return guard.judge(f"ingress.{partition_of(token, 8)}.{channel}.{token}", headers or {}, body)

    return judge


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_verdicts(case, check_case, guard):
    """Above the line one message a line: subject, headers, body. Below it what the guard says."""

    def say(text):
        said = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            subject, headers, body = line.split(" ", 2)
            verdict = guard.judge(subject, orjson.loads(headers), body.encode())
            if isinstance(verdict, Refused):
                said.append(f"{verdict.text}\n    detail: {verdict.detail}")
            else:
                kept = " ".join(f"{name}={value!r}" for name, value in sorted(verdict.headers.items()))
                said.append(f"-> {verdict.subject}\n    {kept}")
        return "\n".join(said) + "\n"

    assert CASES
    check_case(case, say)


def test_good_event_keeps_its_own_headers_and_none_of_ours(judge, small):
    given_ = {
        "X-Mine": "yes",
        "Treadle-Producer": "somebody-else",
        "treadle-contract": "forged",
        "Nats-Rollup": "all",
        "nats-ttl": "1s",
        "Nats-Expected-Last-Sequence": "4",
        "traceparent": "junk",
        "X-Evil": "a\r\nTreadle-Producer: forged\x00\x1b",
        "bad name": "x",
        "": "x",
    }
    verdict = judge(small.body(), given_)
    assert isinstance(verdict, Accepted)
    assert verdict.headers == {
        "X-Mine": "yes",
        "X-Evil": "a Treadle-Producer: forged",
        "Nats-Expected-Last-Sequence": "4",
        "Nats-Msg-Id": "e1",
        "Treadle-Contract": small.topic().stamp,
    }


@pytest.mark.parametrize("enforcement", [Enforcement.OBSERVE, Enforcement.WARN])
def test_softer_enforcement_marks_and_passes(small, enforcement):
    guard, _ = compile_guard(small.bus(topics=(small.topic(enforcement=enforcement),)))
    subject = f"ingress.{partition_of('k1', 8)}.{small.ORDERS}.k1"
    verdict = guard.judge(subject, {}, small.body(amount="x"))
    assert isinstance(verdict, Accepted)
    assert verdict.headers[h.VIOLATION] == 'CONTRACT_VIOLATION /amount: the value is not of type "number"'
    assert h.VIOLATION not in guard.judge(subject, {}, small.body()).headers
    # What keeps the log itself in order is never soft.
    assert guard.judge(subject, {}, b"[]").reason is Reason.NOT_JSON
    assert guard.judge("ingress.9." + subject.split(".", 2)[2], {}, small.body()).reason is Reason.WRONG_PARTITION


def test_any_partition_key_of_the_contract(small):
    guard, _ = compile_guard(small.bus(topics=(small.topic(partition_key="/customerId"),)))
    subject = f"ingress.{partition_of('c-7', 8)}.{small.ORDERS}.c-7"
    assert isinstance(guard.judge(subject, {}, small.body(key="c-7")), Accepted)
    refused = guard.judge(subject, {}, small.body(key="c-7", customerId="c-8"))
    assert (refused.reason, refused.pointer) == (Reason.KEY_MISMATCH, "/customerId")
    assert guard.judge(subject, {}, small.body(key="k1")).pointer == "/partitionKey"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * 2000 + b"]" * 2000,
        b'{"a":' * 1100 + b"1" + b"}" * 1100,
        b'{"eventId": "\\ud800"}',
        b"NaN",
        b'"' + b"x" * 1000,
    ],
)
def test_bodies_that_are_not_json_objects(judge, body):
    assert judge(body).reason is Reason.NOT_JSON


def test_budgets(judge, small):
    assert judge(b" " * (1024 * 1024 + 1)).reason is Reason.TOO_LARGE
    assert judge(small.body(), {f"X-{n}": "x" for n in range(65)}).reason is Reason.TOO_LARGE
    assert judge(small.body(), {"X": "x" * 9000}).reason is Reason.TOO_LARGE
    assert isinstance(judge(small.body(customerId="c" * 1_000_000)), Accepted)


def test_refusal_is_short_whatever_the_event_holds(judge, small):
    for data in ({"amount": "x" * 500_000}, {"amount": {"deep": ["y"] * 1000}}, {"note": "A\r\nB" * 100}):
        refused = judge(small.body(**data))
        assert refused.reason is Reason.CONTRACT_VIOLATION
        assert len(refused.text) < 320
        assert "\n" not in refused.text
        assert "\r" not in refused.text
        assert "xx" not in refused.detail


class FirstErrorOnly:
    """A validator that must not be asked for every violation."""

    def __init__(self, real):
        self.is_valid = real.is_valid
        self.validate = real.validate

    def iter_errors(self, _document):
        pytest.fail("a megabyte can hold so many violations that listing them takes seconds")


def test_a_megabyte_of_violations_is_not_listed(guard, small):
    law = guard.laws[small.ORDERS]
    guard = replace(guard, laws={small.ORDERS: replace(law, validator=FirstErrorOnly(law.validator))})
    body = small.body(lines=[{"sku": 1}] * 90_000)
    refused = guard.judge(f"ingress.{partition_of('k1', 8)}.{small.ORDERS}.k1", {}, body)
    assert (refused.reason, refused.pointer.rpartition("/")[2]) == (Reason.CONTRACT_VIOLATION, "sku")


def test_patterns_run_in_linear_time(small):
    schema = {"type": "object", "properties": {"note": {"type": "string", "pattern": "^(a+)+$"}}}
    guard, problems = compile_guard(small.bus(topics=(small.topic(schema=schema),)))
    assert problems == ()
    subject = f"ingress.{partition_of('k1', 8)}.{small.ORDERS}.k1"
    assert guard.judge(subject, {}, small.body(note="a" * 50_000 + "!")).pointer == "/note"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "(?=look)ahead"}}},
        {"$ref": "https://example.com/schema.json"},
        {"type": "no such type"},
        {"$ref": "#/nowhere"},
    ],
)
def test_one_bad_schema_closes_one_channel(small, schema):
    bad = small.topic(small.PROFILES, schema=schema)
    guard, problems = compile_guard(small.bus(topics=(small.topic(), bad)))
    assert [*guard.laws] == [small.ORDERS]
    assert len(problems) == 1
    assert problems[0].startswith(f"{small.PROFILES} is closed")
    before, _ = compile_guard(small.bus())
    after, problems = compile_guard(small.bus(topics=(small.topic(), bad)), before)
    assert after.laws[small.PROFILES] is before.laws[small.PROFILES]
    assert problems[0].startswith(f"{small.PROFILES} keeps its last good contract")


def test_unchanged_schema_is_not_compiled_again(small):
    before, _ = compile_guard(small.bus())
    after, _ = compile_guard(small.bus(topics=(small.topic(stamp="sales.thing.v1@1.3.0#1"),)), before)
    assert after.laws[small.ORDERS].validator is before.laws[small.ORDERS].validator
    assert after.topic(small.ORDERS).stamp.endswith("@1.3.0#1")


@pytest.mark.parametrize(
    ("reply", "client"),
    [
        ("_INBOX.demo-app.x.1", "demo-app"),
        ("_INBOX.control.x", "control"),
        ("_INBOX.stranger.x", ""),
        ("_INBOX.demo-app", ""),
        ("_INBOX.demo-app.", ""),
        ("bus.demo-app.x", ""),
        ("", ""),
    ],
)
def test_caller(guard, reply, client):
    assert guard.caller(reply) == client


@given(st.text(min_size=1).filter(lambda key: len(key.encode()) <= KEY_BYTES_MAX))
def test_every_key_has_one_token(key):
    token = encode_key(key)
    assert decode_key(token) == key
    assert token.isascii()
    assert not set(token) & set(". *>\r\n\t")


@given(st.text(alphabet="ab%0123456789ABCDEFabcdef.*> é", max_size=12))
def test_no_key_has_two_tokens(token):
    try:
        key = decode_key(token)
    except ValueError:
        return
    assert encode_key(key) == token


@given(st.text(min_size=1, max_size=20), st.integers(1, 64))
def test_partition_is_in_range_and_steady(key, partitions):
    token = encode_key(key)
    assert 0 <= partition_of(token, partitions) < partitions
    assert partition_of(token, partitions) == partition_of(token, partitions)


def test_fnv_1a_reference_values():
    # Source: http://www.isthe.com/chongo/src/fnv/test_fnv.c
    whole = 1 << 32
    assert [partition_of(text, whole) for text in ("a", "foobar")] == [0xE40C292C, 0xBF9CF968]


def test_snapshot_comes_back_whole(small):
    assert decode(encode(small.bus())) == small.bus()
    assert encode(decode(encode(small.bus()))) == encode(small.bus())


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"format": "treadle.bus/2"}', b'{"format":"treadle.bus/1","topics":[{}]}']
)
def test_snapshot_that_is_not_ours(data):
    with pytest.raises(Exception, match="snapshot-unreadable"):
        decode(data)


def test_a_client_of_no_domain_may_ask_nothing(small):
    guard, _ = compile_guard(replace(small.bus(), producers=()))
    assert guard.caller("_INBOX.demo-app.x") == ""
    assert compile_guard(Bus((), (), (Producer("crm", ("customer",)),)))[0].domains == ("customer",)
