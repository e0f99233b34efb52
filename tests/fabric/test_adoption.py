"""A contract is adopted on a running fabric: watched, warned of, enforced; and what `status` tells of the gateway."""

import json
import re

import pytest
from harness import wait_for

pytestmark = pytest.mark.fabric
CUSTOMERS = "domains/customer/customers.v1.openapi.yaml"
CONTRACT = "customer.customers.v1"


def enforcing(how):
    """The customers API as it is, one version further, with another enforcement of tokens and rights."""

    def transform(text):
        text = re.sub(
            r"(?m)^(  version: \d+\.\d+\.)(\d+)$", lambda found: found[1] + str(int(found[2]) + 1), text, count=1
        )
        text = re.sub(r"(?m)^    enforcement: .*\n", "", text, count=1)
        return text.replace("  x-treadle:\n", f"  x-treadle:\n    enforcement: {{auth: {how}}}\n", 1)

    return transform


def applied(fabric, how):
    file = fabric.root / CUSTOMERS
    file.write_text(enforcing(how)(file.read_text()))
    fabric.treadle("apply")


def planned(fabric):
    done = fabric.treadle("plan", "--enforce", "--contract", CONTRACT, "--format", "json", check=False)
    return done.returncode, json.loads(done.stdout)["contracts"]


def test_a_contract_is_watched_then_warned_of_then_enforced(own_fabric):
    fabric = own_fabric
    assert planned(fabric) == (0, [])

    applied(fabric, "observe")
    reply = fabric.call("GET", "/v1/customers?limit=1")
    assert (reply.status, reply.headers.get("treadle-warning")) == (200, None)
    (fact,) = fabric.facts(reply.headers["x-trace-id"])["facts"]
    assert (fact["outcome"], fact["observed"], fact["upstream"]) == ("ok", "UNAUTHENTICATED", "customers-api")

    applied(fabric, "warn")
    reply = fabric.call("GET", "/v1/customers?limit=1")
    assert (reply.status, reply.headers.get("treadle-warning")) == (200, "UNAUTHENTICATED")
    known = fabric.call("GET", "/v1/customers?limit=1", token=fabric.token())
    assert (known.status, known.headers.get("treadle-warning")) == (200, None)
    fabric.facts(reply.headers["x-trace-id"])

    code, (contract,) = planned(fabric)
    (aspect,) = contract["aspects"]
    assert (code, aspect["aspect"], aspect["now"], aspect["refused"]) == (1, "auth", "warn", 2)
    assert {who["code"] for who in aspect["who"]} == {"UNAUTHENTICATED"}

    applied(fabric, "enforce")
    assert fabric.call("GET", "/v1/customers?limit=1").status == 401
    assert planned(fabric) == (0, [])


def test_status_tells_how_full_the_upstreams_are_and_that_no_fact_is_missing(fabric):
    said = json.loads(fabric.treadle("status", "--format", "json").stdout)
    assert said["facts_missing"] == 0
    rows = {(row["contract"], row["upstream"]): row for row in said["saturation"]}
    row = rows[CONTRACT, "customers-api"]
    assert (row["endpoints"], row["ejected"], row["open"]) == (1, 0, [])
    assert row["active_max"] > row["active"] >= 0
    page = json.loads(wait_for(lambda: console(fabric, f"/contracts/{CONTRACT}.json"), "the page of a contract"))
    assert [each["upstream"] for each in page["saturation"]] == [up for id, up in rows if id == CONTRACT]


def console(fabric, path):
    from treadle.control.remote import request

    reply = request("GET", fabric.run["console"] + path)
    return reply.body if reply.status == 200 else None
