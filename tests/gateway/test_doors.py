"""The platform contract: our own doors, on Unix sockets, behind the same gateway."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from treadle.check.run import check_contract
from treadle.contract.finding import Severity
from treadle.facts.fact import Outcome
from treadle.gateway.build import build
from treadle.gateway.ir import PLATFORM, InvalidGatewayError, Upstream, faults
from treadle.gateway.logs import fact_of
from treadle.gateway.platform import platform_contract


def test_it_is_a_contract_like_any_other(settings, issuer):
    contract = platform_contract()
    assert contract.id == PLATFORM
    assert [finding for finding in check_contract(contract) if finding.severity is not Severity.WARN] == []
    doors = {each.id: Upstream(each.id, socket=f"/run/{each.id}.sock") for each in contract.operations}
    gateway = build([contract], settings, [issuer], doors)
    assert faults(gateway) == ()
    by_name = {route.operation: route for route in gateway.apis[0].routes}
    assert (by_name["publishEvents"].method, by_name["publishEvents"].template) == ("POST", "/v1/events")
    assert not by_name["publishEvents"].public
    assert by_name["deliverWebhook"].public
    assert not any(route.idempotency_key for route in by_name.values())


def test_a_door_that_nothing_serves_is_named(settings, issuer):
    with pytest.raises(InvalidGatewayError, match="publishEvents"):
        build([platform_contract()], settings, [issuer], {"deliverWebhook": Upstream("w", "127.0.0.1", 1)})


@pytest.mark.engine
def test_doors_are_reached_through_the_gateway(fresh, echo, settings):
    folder = Path(tempfile.mkdtemp(prefix="t-"))  # a socket's path is short: pytest's folders are not
    door = echo(str(folder / "door.sock"))
    try:
        doors = {each.id: Upstream("door", socket=str(folder / "door.sock")) for each in platform_contract().operations}
        gateway = build([platform_contract()], settings, fresh.base.issuers, doors)
        fresh.push(replace(fresh.base, apis=(*fresh.base.apis, *gateway.apis)))
        with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
            assert client.post("/v1/events", json={}).status_code == 401
            accepted = client.post("/v1/events", json={}, headers=fresh.bearer("nobody"))
            assert accepted.json()["headers"]["x-treadle-consumer"] == "nobody"
            hook = client.post("/v1/webhooks/crm", content=b"{}", headers={"x-treadle-consumer": "root"})
            assert (hook.status_code, hook.json()["path"], hook.json()["body"]) == (200, "/v1/webhooks/crm", "{}")
            assert "x-treadle-consumer" not in hook.json()["headers"]
            assert client.get("/v1/webhooks/crm").status_code == 405
            refused = client.post("/v1/webhooks/refused", content=b"{}")
            assert (refused.status_code, "x-treadle-code" in refused.headers) == (422, False)
            fact = fact_of(fresh.line_of(refused.headers["x-trace-id"]))
            assert (fact.outcome, fact.code, fact.status) == (Outcome.REFUSED, "CONTRACT_VIOLATION", 422)
            other = client.get("/v1/customers/refused", headers=fresh.bearer())
            assert (other.status_code, other.headers["x-treadle-code"]) == (422, "CONTRACT_VIOLATION")
            fact = fact_of(fresh.line_of(other.headers["x-trace-id"]))
            assert fact.code == "UPSTREAM_4XX", "only our own doors are believed"
    finally:
        door.stop()
        shutil.rmtree(folder)
