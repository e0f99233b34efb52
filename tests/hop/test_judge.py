"""Calls against their contract: what is a fault, where it is, and what a hard case may cost."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hop import conftest as kit

from treadle.contract.model import Enforcement, Idempotency
from treadle.gateway.hop.bodies import BadBodyError, parse
from treadle.gateway.hop.idempotency import KEY_CHARS_MAX, BadKeyError, read_key
from treadle.gateway.hop.judge import FAULTS_MAX, Heavy, UnknownMedia, compile_rule
from treadle.gateway.hop.table import Rule, encode
from treadle.gateway.hop.weight import ENDLESS, WEIGHT_MAX, weight
from treadle.gateway.hop.worker import Worker
from treadle.gateway.ir import ParameterRule

LEAF = {"type": "integer"}


def judge(guard, template="/v1/orders/{orderId}"):
    return compile_rule(Rule("c/op", "POST", template, "c@1", 1_000, Enforcement.ENFORCE, guard))


def parameters(guard, target, **headers):
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    path, _, query = target.partition("?")
    faults = judge(guard).parameters(path, query, given)
    return [(fault.where, fault.pointer) for fault in faults]


PAGE = kit.guard(None, {}, *kit.PAGE)


@pytest.mark.parametrize(
    ("target", "headers", "faults"),
    [
        ("/v1/orders/O-1", {"x_region": "eu"}, []),
        ("/v1/orders/O-1?limit=100&tags=a&tags=b&other=1", {"x_region": "us", "cookie": "a=b; seen=true"}, []),
        ("/v1/orders/O-1", {}, [("header", "/X-Region")]),
        ("/v1/orders/O-1", {"x_region": "mars"}, [("header", "/X-Region")]),
        ("/v1/orders/O-x", {"x_region": "eu"}, [("path", "/orderId")]),
        ("/v1/orders/%4f-1", {"x_region": "eu"}, []),
        ("/v1/orders/O-1?limit=0", {"x_region": "eu"}, [("query", "/limit")]),
        ("/v1/orders/O-1?limit=ten", {"x_region": "eu"}, [("query", "/limit")]),
        ("/v1/orders/O-1?limit=1.5", {"x_region": "eu"}, [("query", "/limit")]),
        ("/v1/orders/O-1?limit=1&limit=2", {"x_region": "eu"}, [("query", "/limit")]),
        ("/v1/orders/O-1?tags=a&tags=toolong", {"x_region": "eu"}, [("query", "/tags")]),
        ("/v1/orders/O-1", {"x_region": "eu", "cookie": "seen=maybe"}, [("cookie", "/seen")]),
        ("/v1/orders/O-1?" + "&".join(["a=1"] * 300), {"x_region": "eu"}, [("query", "")]),
    ],
)
def test_parameters(target, headers, faults):
    assert parameters(PAGE, target, **headers) == faults


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, ["1", "-3", "0"], ["1.5", "a", "", "01", "true"]),
        ({"type": "number"}, ["1", "1.5", "1e3"], ["a", "NaN"]),
        ({"type": "boolean"}, ["true", "false"], ["True", "1"]),
        ({"type": "string", "maxLength": 3}, ["abc", "123", "tru"], ["abcd"]),
        ({"type": ["integer", "null"]}, ["1", "null"], ["a"]),
        ({"oneOf": [{"type": "integer"}, {"const": "all"}]}, ["5", "all"], ["some"]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, ["5"], ["x"]),
        ({"enum": [1, "two"]}, ["1", "two"], ["3"]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 1}, ["5"], ["x"]),
    ],
)
def test_what_text_means_is_for_its_schema_to_say(schema, good, bad):
    guard = kit.guard(None, {}, ParameterRule("q", "query", False, schema))
    assert [each for each in good if parameters(guard, f"/v1/orders/1?q={each}")] == []
    assert [each for each in bad if not parameters(guard, f"/v1/orders/1?q={each}")] == []


def test_lists_in_a_header_are_separated_by_commas():
    rule = ParameterRule("X-Ids", "header", True, {"type": "array", "items": LEAF, "maxItems": 3})
    guard = kit.guard(None, {}, rule)
    assert parameters(guard, "/v1/orders/1", x_ids="1,2,3") == []
    assert parameters(guard, "/v1/orders/1", x_ids="1,2,3,4") == [("header", "/X-Ids")]


def test_the_quotes_of_a_key_are_no_part_of_it():
    rule = ParameterRule("Idempotency-Key", "header", True, {"type": "string", "pattern": "^[a-z]+$"})
    guard = kit.guard(Idempotency(), {}, rule)
    assert parameters(guard, "/v1/orders/1", idempotency_key='"abc"') == []
    assert parameters(guard, "/v1/orders/1", idempotency_key='"ABC"') == [("header", "/Idempotency-Key")]


ORDERS = judge(kit.guard())


def faults_of(body, media="application/json", rules=ORDERS):
    return [(fault.pointer, fault.reason) for fault in rules.body(media, body)]


def test_a_good_body_has_no_fault():
    assert faults_of(b'{"sku":"AB-1","quantity":2}') == []
    assert faults_of(b' {"sku":"AB-1","quantity":2}\n', "Application/JSON; charset=utf-8") == []


@pytest.mark.parametrize(
    ("body", "pointer", "reason"),
    [
        (b"", "", "a body is required"),
        (b"{", "", "not JSON"),
        (b"\xff\xfe", "", "not JSON"),
        (b'{"sku":"AB-1","quantity":NaN}', "", "not JSON"),
        (b"[]", "", "object"),
        (b'{"sku":"AB-1"}', "", "quantity"),
        (b'{"sku":"AB-1","quantity":"2"}', "/quantity", "integer"),
        (b'{"sku":"nothing","quantity":2}', "/sku", "match"),
        (b'{"sku":"AB-1","quantity":2,"a/b~c":1}', "", "unexpected"),
        (b'{"sku":"AB-1","quantity":1,"quantity":2}', "", "twice"),
        (b'{"sku":"AB-1","quantity":1,"quantit\\u0079":2}', "", "twice"),
        (b"[" * 5_000 + b"]" * 5_000, "", ""),
        (b"[" * 65 + b"]" * 65, "", "deep"),
    ],
)
def test_a_fault_says_where_and_why(body, pointer, reason):
    ((at, why),) = faults_of(body)
    assert at == pointer
    assert reason in why


def test_a_fault_quotes_nothing_that_was_sent():
    secret = "4111-1111-1111-1111"
    said = json.dumps(faults_of(json.dumps({"sku": secret, "quantity": secret}).encode()))
    assert "/sku" in said
    assert secret not in said


def test_faults_are_counted_and_cut():
    rules = judge(kit.guard(None, {"application/json": {"items": LEAF}}))
    assert len(faults_of(json.dumps(["x"] * 1_000).encode(), rules=rules)) == FAULTS_MAX
    rules = judge(kit.guard(None, {"application/json": {"additionalProperties": LEAF}}))
    ((pointer, why),) = faults_of(json.dumps({"ü\n" * 500: "x"}).encode(), rules=rules)
    assert max(len(pointer), len(why)) <= 200
    assert pointer.isascii()
    assert pointer.isprintable()


def test_media_types():
    rules = judge(kit.guard(None, {"text/plain": {"type": "string"}, "image/*": {}, "application/a+json": LEAF}))
    assert rules.body("text/plain; charset=x", b"\xff") == []
    assert rules.body("image/png", b"\xff") == []
    assert rules.body("application/a+json", b"1") == []
    assert faults_of(b'"1"', "application/a+json", rules)
    for other in ("application/json", "", "text/html", "image", "application/xml"):
        assert isinstance(rules.body(other, b"1"), UnknownMedia)


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_json_is_read_as_anybody_reads_it(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        if "\\ud" not in text:
            assert parse(text.encode("utf-8", "replace")) == json.loads(text.encode("utf-8", "replace"))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), st.text() | st.lists(st.text()), min_size=1), st.data())
def test_a_name_that_stands_twice_is_seen(value, data):
    name = data.draw(st.sampled_from(sorted(value)))
    twice = json.dumps(value)[:-1] + "," + json.dumps(name) + ':":"}'
    if "\\ud" not in twice:
        with pytest.raises(BadBodyError, match="twice"):
            parse(twice.encode())


def test_long_strings_are_scanned_once():
    """A scan that went back would take minutes for these."""
    for body in (b'"' + b"\\\\" * 400_000 + b'"', b'["' + b'\\"' * 400_000 + b'"]', b'{"' + b"a" * 900_000 + b'":1}'):
        parse(body)


@pytest.mark.parametrize(
    ("schema", "heavy"),
    [
        ({"type": "object", "properties": {"a": LEAF, "b": {"items": LEAF}}}, False),
        (True, False),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"properties": {"kids": {"items": {"$ref": "#/$defs/t"}}}}}}, False),
        ({"items": {"$ref": "#"}}, False),
        ({"anyOf": [LEAF, {"items": {"$ref": "#"}}]}, True),
        ({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}, True),
        ({"$ref": "#/$defs/t", "properties": {"a": {"$ref": "#"}}, "$defs": {"t": {"items": {"$ref": "#"}}}}, True),
        ({"$defs": {"t": {"$dynamicAnchor": "n", "items": {"$dynamicRef": "#n"}}}, "$ref": "#/$defs/t"}, True),
        ({"$ref": "#/$defs/0", "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(30)}
          | {"30": LEAF}}, True),
    ],
)  # fmt: skip
def test_what_a_schema_can_cost(schema, heavy):
    assert (weight(schema) > WEIGHT_MAX) == heavy
    assert weight(schema) <= ENDLESS


def test_what_is_heavy_is_not_checked_in_the_loop():
    rules = judge(kit.guard(None, {"application/json": kit.TREE}))
    assert isinstance(rules.body("application/json", b"[1]"), Heavy)
    assert isinstance(ORDERS.body("application/json", b" " * 20_000), Heavy)


@pytest.mark.parametrize("value", [b"abc", b'"abc"', b' "abc" ', b"8e03978e-40d5-43dd-bc93-6894a57f9324", b"a:b/c=="])
def test_keys(value):
    assert read_key([value]) == value.strip().strip(b'"').decode()


def test_keys_with_escapes():
    assert read_key([rb'"a\"b\\c, d"']) == 'a"b\\c, d'
    assert len(read_key([b"k" * KEY_CHARS_MAX])) == KEY_CHARS_MAX


@pytest.mark.parametrize("values", [[b""], [b'""'], [b'"a'], [b'a"'], [b'"a\\b"'], [b"a b"], [b"a,b"], [b"\xc3\xa9"],
                                    [b"k" * 256], [b"a", b"b"], [b'"a";q=1']])  # fmt: skip
def test_what_is_no_key(values):
    with pytest.raises(BadKeyError):
        read_key(values)


@pytest.mark.anyio
async def test_heavy_bodies_are_checked_elsewhere():
    worker = Worker()
    schema = kit.ORDER
    assert await worker.check(schema, b'{"sku":"AB-1","quantity":2}') == []
    (fault,) = await worker.check(schema, b'{"sku":"AB-1","quantity":"x"}')
    assert (fault.where, fault.pointer) == ("body", "/quantity")
    await worker.close()


LABOUR = {"allOf": [{"contains": {"const": f"x{number}"}} for number in range(20_000)]}
"""Every branch looks through the whole list."""
LIST = b"[" + b",".join(b"%d" % number for number in range(10_000)) + b"]"


@pytest.mark.anyio
async def test_a_check_that_takes_too_long_is_ended():
    worker = Worker(deadline_s=0.3)
    with pytest.raises(TimeoutError):
        await worker.check(LABOUR, LIST)
    await worker.close()
    patient = Worker(deadline_s=30)
    assert await patient.check(LEAF, b"1") == []
    await patient.close()


@pytest.mark.anyio
async def test_a_contract_refuses_through_the_hop(hop):
    said = await hop.call("plain", "/v1/plain", b'{"sku":"AB-1","quantity":"x"}', x_treadle_trace_id="ab" * 16)
    assert (said.status, said["x-treadle-code"], said["content-type"]) == (
        400, "CONTRACT_VIOLATION", "application/json",
    )  # fmt: skip
    assert said.json["traceId"] == "ab" * 16
    (fault,) = said.json["details"]["faults"]
    assert (fault["in"], fault["pointer"]) == ("body", "/quantity")
    said = await hop.call("plain", "/v1/plain", content_type="text/xml")
    assert (said.status, said.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert said.json["details"] == {"accepted": ["application/json"]}
    said = await hop.call("tree", "/v1/tree", b'[1,[2,["x"]]]')
    assert (said.status, said.code) == (400, "CONTRACT_VIOLATION")
    assert (await hop.call("tree", "/v1/tree", b"[1,[2,[3]]]")).status == 201
    said = await hop.call("readOrder", "/v1/orders/O-1?limit=0", None, method="GET", x_region="eu")
    assert [fault["in"] for fault in said.json["details"]["faults"]] == ["query"]
    assert len(hop.upstream.seen) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("operation", ["watched", "warned"])
async def test_a_contract_that_only_watches_lets_pass_and_marks(hop, operation):
    good = await hop.call(operation, f"/v1/{operation}", idempotency_key="k-1")
    assert (good.status, good["x-treadle-observed"]) == (201, None)
    for body, media in ((b"{}", "application/json"), (b"<a/>", "text/xml")):
        bad = await hop.call(operation, f"/v1/{operation}", body, idempotency_key=f"k-{media}", content_type=media)
        assert (bad.status, bad["x-treadle-observed"]) == (201, "CONTRACT_VIOLATION")


@pytest.mark.anyio
async def test_a_key_that_is_missing_is_only_watched_too(hop):
    for key in (None, '"open'):
        said = await hop.order(key, operation="watched", target="/v1/watched")
        assert (said.status, said["x-treadle-observed"]) == (201, "CONTRACT_VIOLATION")


@pytest.mark.anyio
async def test_the_loop_goes_on_while_a_heavy_body_is_checked(hop):
    routes = (hop.route("labour", "POST", "/v1/labour", hop.guard(None, {"application/json": LABOUR})), *kit.ROUTES)
    hop.table.with_suffix(".new").write_bytes(encode(hop.gateway(*routes)))
    hop.table.with_suffix(".new").replace(hop.table)
    while (await hop.call("labour", "/v1/labour", b"")).status == 503:  # noqa: ASYNC110 - a file tells nobody
        await asyncio.sleep(0.02)
    slow = asyncio.create_task(hop.call("labour", "/v1/labour", LIST))
    many = 0
    while not slow.done():
        assert (await hop.call("plain", "/v1/plain")).status == 201
        many += 1
    assert many > 20
    said = await slow
    assert (said.status, said.json["details"]["faults"][0]["reason"]) == (400, "it takes too long to check")
