"""A service that does not answer as its contract says is found from samples, and nobody's call is different for it."""

import re

import pytest
from harness import wait_for

from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"
ORDERS = "domains/sales/orders.v1.openapi.yaml"


def found(fabric):
    with Trail(fabric.root / ".treadle" / "facts" / "trail.sqlite", readonly=True) as trail:
        return [fact for fact in trail.between(0, 2**62, limit=10_000) if fact.code == "RESPONSE_DRIFT"]


def change(fabric, path, *edits):
    """Edit one contract, as its next minor version whose every answer is looked at."""
    file = fabric.root / path
    text = file.read_text()
    text = re.sub(r"(?m)^(  version: \d+\.)(\d+)\.\d+$", lambda at: f"{at[1]}{int(at[2]) + 1}.0", text, count=1)
    text = re.sub(r"(?m)^    drift_percent: .*\n", "", text)
    text = re.sub(r"(?m)^  x-treadle:\n", "  x-treadle:\n    drift_percent: 100\n", text, count=1)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


def test_a_promise_that_a_service_does_not_keep_becomes_a_fact(own_fabric):
    """Of a read, and of a write through the guard hop; what the hop itself answers is no answer of a service."""
    fabric = own_fabric
    token = fabric.token()
    change(
        fabric,
        CUSTOMERS,
        ("required: [customerId, name,", "required: [customerId, loyaltyTier, name,"),
        (
            "        customerId: {",
            "        loyaltyTier: {type: string, description: How loyal., example: x}\n        customerId: {",
        ),
    )
    change(
        fabric,
        ORDERS,
        ("required: [orderId, status]", "required: [orderId, status, eta]"),
        (
            "        status: {",
            "        eta: {type: string, description: When it comes., example: x}\n        status: {",
        ),
    )
    applied = fabric.treadle("apply", check=False)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    stable = {"x-acme-release": "stable"}  # the other version may not have heard of a customer yet
    read = fabric.call("GET", "/v1/customers?limit=1", token=token, headers=stable)
    assert read.status == 200
    sent = {"Idempotency-Key": "drift-test-0001", "Content-Type": "application/json"}
    refused = fabric.call("POST", "/v1/orders", token=token, headers=sent, body=b"{}")
    assert (refused.status, refused.json()["code"]) == (400, "CONTRACT_VIOLATION")
    order = b'{"customerId": "C-1001", "amount": 12.5, "currency": "EUR"}'
    placed = fabric.call("POST", "/v1/orders", token=token, headers=sent, body=order)
    assert placed.status == 201, placed.body
    facts = {fact.operation: fact for fact in wait_for(lambda: len(found(fabric)) > 1 and found(fabric), "drift")}
    assert {name: fact.detail for name, fact in facts.items()} == {
        "listCustomers": "/items/*: required property loyaltyTier is missing",
        "placeOrder": "required property eta is missing",
    }
    assert facts["listCustomers"].trace_id == read.headers["x-trace-id"]
    assert facts["placeOrder"].trace_id == placed.headers["x-trace-id"]
    assert "RESPONSE_DRIFT" in fabric.treadle("trace", facts["placeOrder"].trace_id).stdout
