"""Changing a running gateway: no call fails, a bad change is refused with its reason, equal content changes nothing."""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import orjson
import pytest

from treadle.base.errors import EngineError
from treadle.contract.model import Limit
from treadle.gateway.engine import RefusedSnapshotError
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, Upstream

pytestmark = pytest.mark.engine
PUSHES = 20


def other(world, version, upstream="other", **fields):
    """A second contract, whose stamp changes with every version."""
    contract = "other.other.v1"
    stamp = f"{contract}@1.0.{version}#0123456789ab"
    route = world.route("other", "GET", "/v1/other", contract=contract, upstream=upstream, stamp=stamp, **fields)
    return Api(contract, (route,), (Upstream(upstream, "127.0.0.1", world.upstream.port),))


def test_pushes_under_traffic_fail_no_call(carried):
    """Keep-alive connections call two contracts while upstreams come and go and one contract changes 20 times."""
    carried.push(replace(carried.base, apis=(*carried.base.apis, other(carried, 0, "other-0"))))
    stop, statuses, broken = threading.Event(), [], []

    def call(path):
        try:
            with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
                while not stop.is_set():
                    statuses.append(client.get(path, headers=token).status_code)
                    time.sleep(0.001)  # leaves the other threads of this process some of its one interpreter
        except httpx.HTTPError as error:
            broken.append(repr(error))

    token = carried.bearer()
    callers = [threading.Thread(target=call, args=[path]) for path in ("/v1/other", "/v1/customers", "/v1/other")]
    for caller in callers:
        caller.start()
    try:
        for version in range(1, PUSHES + 1):
            seen = len(statuses)
            carried.push(
                replace(carried.base, apis=(*carried.base.apis, other(carried, version, f"other-{version % 2}")))
            )
            carried.until(lambda seen=seen: len(statuses) > seen + 10 or broken)
    finally:
        stop.set()
        for caller in callers:
            caller.join(20)
    assert not broken
    assert len(statuses) > 10 * PUSHES
    assert set(statuses) == {200}


def test_what_changed_is_live_when_push_returns(carried):
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/other", headers=carried.bearer()).status_code == 404
        both = replace(carried.base, apis=(*carried.base.apis, other(carried, 1)))
        live = carried.push(both).live_ms
        assert client.get("/v1/other", headers=carried.bearer()).status_code == 200
        assert list(live) == ["cds/all", "rds/treadle"], "upstreams before the routes to them"
        assert list(carried.push(carried.base).live_ms) == ["rds/treadle", "cds/removed"]
        assert client.get("/v1/other", headers=carried.bearer()).status_code == 404


def test_a_call_in_flight_outlives_every_push(carried):
    """Its route and its upstream are taken away while the upstream thinks; the answer still arrives."""
    answers, taken, answer = [], threading.Event(), threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            taken.set()
            answer.wait(30)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")

    def call():
        with httpx.Client(base_url=carried.url, trust_env=False, timeout=30) as client:
            answers.append(client.post("/v1/slow", headers=token))

    token = carried.bearer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fields = {"contract": "slow.slow.v1", "upstream": "slow", "timeout_ms": 20_000}
        route = carried.route("slow", "POST", "/v1/slow", **fields)
        slow = Api("slow.slow.v1", (route,), (Upstream("slow", "127.0.0.1", listener.getsockname()[1]),))
        carried.push(replace(carried.base, apis=(*carried.base.apis, slow)))
        threads = [threading.Thread(target=serve, args=[listener]), threading.Thread(target=call)]
        for thread in threads:
            thread.start()
        assert taken.wait(10)
        carried.push(carried.base)
        for version in range(5):
            apis = (*carried.base.apis, other(carried, version, f"other-{version % 2}"))
            carried.push(replace(carried.base, apis=apis))
        assert answers == []
        answer.set()
        for thread in threads:
            thread.join(30)
    assert [(each.status_code, each.text) for each in answers] == [(200, "done")]


def test_equal_content_is_not_written_and_keeps_the_buckets(carried):
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        take = lambda: client.get("/v1/customers", headers=carried.bearer("partner"))  # noqa: E731  # three short calls
        assert take().headers["x-ratelimit-remaining"] == "2"
        times = {path: path.stat().st_mtime_ns for path in carried.folder.glob("*/**/*.json")}
        assert carried.push(carried.base).live_ms == {}
        assert {path: path.stat().st_mtime_ns for path in times} == times
        assert take().headers["x-ratelimit-remaining"] == "1"
        carried.push(replace(carried.base, apis=(*carried.base.apis, other(carried, 1))))
        assert take().headers["x-ratelimit-remaining"] == "0", "a change of routes refills no bucket"


def test_a_changed_tier_holds_at_once(carried):
    consumers = tuple(
        replace(one, limit=Limit(9, 3600)) if one.consumer == "partner" else one for one in carried.base.consumers
    )
    live = carried.push(replace(carried.base, consumers=consumers)).live_ms
    assert "ecds/tier" in live
    assert {part.partition("/")[0] for part in live} == {"ecds"}, "limits move without a route"
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        answer = client.get("/v1/customers", headers=carried.bearer("partner"))
        assert answer.headers["x-ratelimit-limit"] == "9"


def refusable(world):
    """A gateway that our own validation passes and Envoy does not: a path in which its regex program is too large."""
    return replace(other(world, 1), upstreams=(Upstream("other", "127.0.0.1", 1),), routes=(huge(world),))


def huge(world):
    template = "/v1/" + "/".join(f"{{p{index}}}" for index in range(40_000))
    return world.route("huge", "GET", template, contract="other.other.v1", upstream="other")


def test_a_snapshot_that_envoy_refuses_changes_nothing(carried):
    bad = replace(carried.base, apis=(*carried.base.apis, refusable(carried)))
    before = {path: path.read_bytes() for path in carried.folder.glob("*/**/*.json")}
    with pytest.raises(RefusedSnapshotError) as refusal:
        carried.push(bad)
    assert "regex" in refusal.value.reason
    assert {path: path.read_bytes() for path in before} == before
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/customers", headers=carried.bearer()).status_code == 200


def test_the_contract_at_fault_is_found_and_the_rest_can_be_served(carried):
    bad = replace(carried.base, apis=(*carried.base.apis, refusable(carried)))
    (fault,) = carried.engine.judge(bad, carried.node)
    assert fault.contract == "other.other.v1"
    assert "regex" in fault.message
    good = bad.only({api.contract for api in bad.apis} - {fault.contract})
    assert carried.engine.judge(good, carried.node) == ()
    carried.push(good)


def test_what_is_refused_at_run_time_only_is_taken_back(carried):
    """Envoy judged something else than it was given: the files say again what it serves."""
    good = compile_gateway(carried.base, carried.node)
    routes = {**good.routes, "treadle": {**good.routes["treadle"], "virtual_hosts": [{"name": "nameless"}]}}
    file = Path(carried.node.file("rds", "treadle"))
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(RefusedSnapshotError, match=r"resources\.json|VirtualHostValidationError\.Domains"):
        carried.push_snapshot(replace(good, routes=routes))
    assert (file.read_bytes() if file.exists() else None) == before
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/customers", headers=carried.bearer()).status_code == 200
    carried.push(replace(carried.base, apis=(*carried.base.apis, other(carried, 1))))


def test_a_changed_bootstrap_needs_a_restart(carried):
    carried.node = replace(carried.node, body_bytes_max=7)
    with pytest.raises(EngineError) as refusal:
        carried.push(carried.base)
    assert refusal.value.code == "engine-restart-needed"


def test_an_engine_that_is_gone_says_so(carried):
    carried.stop()
    assert asyncio.run(carried.engine.ready(carried.node)) is False
    with pytest.raises(EngineError) as refusal:
        carried.push(replace(carried.base, apis=(*carried.base.apis, other(carried, 1))))
    assert refusal.value.code == "engine-unreachable"


def test_a_restarted_engine_serves_what_was_pushed(carried):
    carried.push(replace(carried.base, apis=(*carried.base.apis, other(carried, 1))))
    carried.stop()
    carried.start()
    with httpx.Client(base_url=carried.url, trust_env=False, timeout=10) as client:
        assert client.get("/v1/other", headers=carried.bearer()).status_code == 200


def test_a_killed_engine_loses_the_last_lines_at_most(fresh):
    """Lines are written in groups: what was written stays, in order, and only the last group can be missing."""
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        early = [client.get("/v1/customers", headers=fresh.bearer()).headers["x-trace-id"] for _ in range(100)]
        fresh.until(lambda: len(fresh.lines()) == 100)
        late = [client.get("/v1/customers", headers=fresh.bearer()).headers["x-trace-id"] for _ in range(100)]
        fresh.stop()
    written = [orjson.loads(line)["trace"] for line in fresh.lines()]
    assert written[:100] == early
    assert written[100:] == late[: len(written) - 100]


def test_a_renamed_log_is_begun_again(fresh):
    log = Path(fresh.node.access_log)
    with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
        client.get("/v1/customers", headers=fresh.bearer())
        fresh.until(log.read_bytes)
        log.rename(log.with_suffix(".old"))
        asyncio.run(fresh.engine.reopen_log(fresh.node))
        fresh.until(log.exists)
        answer = client.get("/v1/customers", headers=fresh.bearer())
        assert fresh.line_of(answer.headers["x-trace-id"])


def test_nobody_stops_the_gateway_through_its_admin_port(fresh):
    answer = httpx.post(f"http://127.0.0.1:{fresh.node.admin_port}/quitquitquit", trust_env=False)
    assert answer.status_code == 403
    assert asyncio.run(fresh.engine.ready(fresh.node)) is True
