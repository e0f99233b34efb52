"""A service that does not answer as its contract says is found from samples, and nobody's call is different for it."""

import re

import pytest
from harness import wait_for

from treadle.facts.trail import Trail

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"


def found(fabric):
    with Trail(fabric.root / ".treadle" / "facts" / "trail.sqlite", readonly=True) as trail:
        return [fact for fact in trail.between(0, 2**62, limit=10_000) if fact.code == "RESPONSE_DRIFT"]


def test_a_promise_that_the_service_does_not_keep_becomes_a_fact(own_fabric):
    fabric = own_fabric
    token = fabric.token()
    file = fabric.root / CUSTOMERS
    text = file.read_text()
    text = re.sub(r"(?m)^(  version: \d+\.)(\d+)\.\d+$", lambda at: f"{at[1]}{int(at[2]) + 1}.0", text, count=1)
    text = re.sub(r"drift_percent: [0-9.]+", "drift_percent: 100", text, count=1)
    text = text.replace(
        "[customerId, name, email, country, segment, updatedAt]",
        "[customerId, loyaltyTier, name, email, country, segment, updatedAt]",
    )
    text = text.replace(
        "        customerId: {type: string,",
        "        loyaltyTier: {type: string, description: How loyal they are., example: gold}\n"
        "        customerId: {type: string,",
        1,
    )
    file.write_text(text)
    applied = fabric.treadle("apply", check=False)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    reply = fabric.call("GET", "/v1/customers?limit=1", token=token)
    assert reply.status == 200
    facts = wait_for(lambda: found(fabric), "drift")
    assert [fact.operation for fact in facts] == ["listCustomers"]
    assert facts[0].detail == "/items/*: required property loyaltyTier is missing"
    assert facts[0].trace_id == reply.headers["x-trace-id"]
    assert "RESPONSE_DRIFT" in fabric.treadle("trace", facts[0].trace_id).stdout
