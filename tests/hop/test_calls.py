"""What becomes of a call at the guard hop, with an upstream that writes everything down."""

import asyncio

import pytest

from treadle.gateway.hop.idempotency import State

pytestmark = pytest.mark.anyio


async def test_a_call_passes_unchanged(hop):
    said = await hop.call("plain", "/v1/plain?a=%20b", x_request_id="r-1", connection="close, x-own", x_own="1")
    assert said.status == 201
    assert said["x-upstream"] == "yes"
    assert [value for name, value in said.headers if name == "set-cookie"] == ["a=1", "b=2"]
    (seen,) = hop.upstream.seen
    assert (seen["method"], seen["target"], seen["body"]) == ("POST", "/v1/plain?a=%20b", b'{"sku":"AB-1","quantity":2}')
    assert seen["headers"]["x-request-id"] == "r-1"
    assert seen["headers"]["x-treadle-operation"] == "sales.orders.v1/plain"
    assert not {"connection", "x-own", "transfer-encoding"} & seen["headers"].keys()


async def test_a_reply_is_given_again(hop):
    first = await hop.order("k-1")
    again = await hop.order("k-1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert [each for each in again.headers if each[0] != "idempotency-replayed"] == first.headers
    assert (first["idempotency-replayed"], again["idempotency-replayed"]) == (None, "true")
    assert hop.upstream.keys() == ["k-1"]
