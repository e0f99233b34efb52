"""How full an upstream is, as Envoy tells it and as the breakers in force say."""

import threading
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest

from treadle.contract.model import Breaker
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.saturation import Saturation, saturations

NAME = "customers-api"
CONTRACT = "customer.customers.v1"


@pytest.mark.engine
def test_a_full_upstream_says_so(fresh):
    (api,) = fresh.base.apis
    (upstream,) = api.upstreams
    slow = fresh.route("slow", "GET", "/v1/slow", public=True, scopes=(), timeout_ms=20_000)
    narrow = replace(api, upstreams=(replace(upstream, breaker=Breaker(requests=1)),), routes=(*api.routes, slow))
    snapshot = compile_gateway(replace(fresh.base, apis=(narrow,)), fresh.node)
    fresh.push_snapshot(snapshot)

    def seen():
        (row,) = saturations((narrow,), snapshot.clusters, fresh.run(fresh.engine.gauges(fresh.node)))
        return row

    idle = seen()
    assert (idle.contract, idle.upstream, idle.active, idle.active_max, idle.open) == (CONTRACT, NAME, 0, 1, ())
    assert (idle.pending_max, idle.connections_max, idle.endpoints, idle.share) == (1_024, 1_024, 1, 0.0)

    def call():
        # The gateway ends before there is an answer: what the caller is told is no question here.
        with suppress(httpx.HTTPError), httpx.Client(base_url=fresh.url, trust_env=False, timeout=30) as client:
            client.get("/v1/slow")

    busy = threading.Thread(target=call)
    busy.start()
    full = fresh.until(lambda: (row := seen()).active == 1 and row)
    assert (full.open, full.share, full.connections) == (("requests",), 1.0, 1)
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/slow").status_code == 503
    assert seen().turned_away == 1
    fresh.stop()
    busy.join(20)


def test_what_is_not_told_is_nought(fresh_api):
    (row,) = saturations((fresh_api,), {}, {f"cluster.{NAME}.upstream_rq_active": "many"})
    assert row == Saturation(CONTRACT, NAME)


def test_the_nearest_breaker_counts():
    row = Saturation("c", "u", active=1, active_max=10, pending=9, pending_max=10, connections=5, connections_max=0)
    assert row.share == 0.9


@pytest.fixture
def fresh_api(running):
    (api,) = running.base.apis
    return api


@pytest.mark.engine
def test_no_other_statistics_are_asked_for(running):
    found = running.run(EnvoyEngine.gauges(running.engine, running.node))
    assert {name.partition(".")[0] for name in found} == {"cluster"}
    assert len([name for name in found if f".{NAME}." in name]) == 12
