"""How fast a fleet comes to one edit, and what it costs: simulated nodes over delta ADS, and a real Envoy.

    python bench/fleet.py [--json] [--nodes 200] [--edits 5] [--pushes 20]

Simulated nodes hold what they are given and answer as Envoy does; they share one other process. "converged" is from
`publish` until the last node has said that it runs the edit, "joined" from nothing. The real Envoy is asked over HTTP
until the edit answers; compiling and encoding are told apart from the push.
"""

import argparse
import asyncio
import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from treadle.contract.model import Limit
from treadle.gateway.ads.carrier import AdsCarrier
from treadle.gateway.ads.catalog import NOTHING, encode
from treadle.gateway.ads.client import AdsClient
from treadle.gateway.ads.server import AdsServer
from treadle.gateway.ads.wire import Wire
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, compile_gateway
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.ir import Api, ConsumerLimit, Gateway, Issuer, Route, Upstream
from treadle.gateway.schema import Schema

PATIENCE_S = 60.0
# A key of nobody (RFC 7517, appendix A.1): no token is shown here.
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "alg": "ES256",
    "kid": "1",
}
ISSUER = Issuer("http://127.0.0.1/issuer", "bench", json.dumps({"keys": [KEY]}))


def route(contract, index, edit):
    return Route(
        operation=f"op{index}",
        method="GET",
        template=f"/v1/{contract}/res{index}/{{id}}",
        upstream="service",
        contract=f"bench.{contract}.v1",
        timeout_ms=1_000,
        public=False,
        scopes=("bench:read",),
        limit=None,
        idempotency_key=False,
        cost_weight=1,
        domain="bench",
        stamp=f"bench.{contract}.v1@1.0.{edit}#0123456789ab",
    )


def gateway(contracts, operations, edit):
    """`contracts` APIs of `operations` each; the edit changes the first one."""
    upstream = Upstream("service", "127.0.0.1", 9)
    apis = []
    for number in range(contracts):
        version = 0 if number else edit
        routes = tuple(route(f"api{number}", index, version) for index in range(operations))
        apis.append(Api(f"bench.api{number}.v1", routes, (upstream,)))
    probe = replace(route("probe", 0, edit), method="POST", template=f"/live/{edit}", public=True, scopes=())
    return Gateway(
        apis=(*apis, Api("bench.probe.v1", (probe,), (upstream,))),
        consumers=(ConsumerLimit("demo", "gold", Limit(100)),),
        default_limit=Limit(10),
        issuers=(ISSUER,),
        edge_limit=Limit(100_000),
    )


def resident_mb(pid="self"):
    with Path(f"/proc/{pid}/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


async def follow(path, count):
    """The simulated nodes: until they are ended."""
    wire = Wire(Schema.of(EnvoyEngine.find({}).binary))

    def node(index):
        held = {kind: {} for kind in Moving}

        async def judge(response):
            held[response.kind] |= {each.name: each.version for each in response.put}
            for name in response.gone:
                held[response.kind].pop(name, None)
            return ""

        return AdsClient(wire, f"node-{index}", f"unix:{path}", lambda: held, judge)

    await asyncio.gather(*(node(index).run() for index in range(count)))


async def fleet(folder, nodes, edits, schema):
    settings = NodeSettings(folder=".", port=1, admin_port=1, carrier="ads")
    compiled = [compile_gateway(gateway(10, 10, edit), settings) for edit in range(edits + 1)]
    catalogs = [encode(compiled[0], schema)]
    for each in compiled[1:]:
        catalogs.append(encode(each, schema, catalogs[-1]))
    server = AdsServer(schema)
    server.publish(catalogs[0])
    await server.start(unix=folder / "fleet.sock")
    alone = resident_mb()
    everyone = lambda: sum(server.settled().values()) == nodes  # noqa: E731
    asked = ["--follow", str(folder / "fleet.sock"), "--nodes", str(nodes)]
    others = await asyncio.create_subprocess_exec(sys.executable, __file__, *asked)
    converged = []
    try:
        assert await server.until(lambda: bool(server.nodes), PATIENCE_S), "no node came"
        began = time.perf_counter()
        assert await server.until(everyone, PATIENCE_S), "not every node joined"
        joined = time.perf_counter() - began
        for catalog in catalogs[1:]:
            await asyncio.sleep(0.2)
            began = time.perf_counter()
            server.publish(catalog)
            assert await server.until(everyone, PATIENCE_S), "not every node has the edit"
            converged.append(time.perf_counter() - began)
        found = {
            "fleet_nodes": nodes,
            "fleet_joined_s": round(joined, 3),
            "fleet_converged_s": round(statistics.median(converged), 3),
            "fleet_converged_s_max": round(max(converged), 3),
            "fleet_edit_bytes": sum(len(each.entry) for kind in Moving for each in changed(kind, *catalogs[-2:])),
            "fleet_server_mb_a_node": round((resident_mb() - alone) / nodes, 3),
            "fleet_server_mb": round(resident_mb(), 1),
            "fleet_nodes_mb": round(resident_mb(others.pid), 1),
        }
    finally:
        others.kill()
        await others.wait()
        await server.stop()
    return found


def changed(kind, old, new):
    return [each for name, each in new.of(kind).items() if old.of(kind).get(name) != each]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until_live(port, path):
    """Ask until the path is known; by another method than it has, that is 405 from the gateway itself."""
    deadline = time.perf_counter() + 10
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    while time.perf_counter() < deadline:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 405:
                return
        except (OSError, http.client.HTTPException):
            connection.close()
        await asyncio.sleep(0.0005)
    sys.exit(f"{path} did not go live")


async def pushes(folder, operations, count, schema, engine):
    folder.mkdir()
    settings = NodeSettings(folder=str(folder), port=free_port(), admin_port=free_port(), carrier="ads")
    carrier = AdsCarrier(engine, AdsServer(schema), schema)
    await carrier.server.start(unix=Path(settings.ads))
    await carrier.prepare(compile_gateway(gateway(1, operations, 0), settings))
    with (folder / "envoy.log").open("wb") as log:
        envoy = await asyncio.create_subprocess_exec(*engine.argv(folder), stdout=log, stderr=log)
    live, built, encoded = [], [], []
    try:
        await until_live(settings.port, "/live/0")
        before = carrier.server.catalog or NOTHING
        for edit in range(1, count + 1):
            began = time.perf_counter()
            snapshot = compile_gateway(gateway(1, operations, edit), settings)
            built.append(time.perf_counter() - began)
            began = time.perf_counter()
            before = encode(snapshot, schema, before)
            encoded.append(time.perf_counter() - began)
            began = time.perf_counter()
            carrier.server.publish(before)
            await until_live(settings.port, f"/live/{edit}")
            live.append(time.perf_counter() - began)
    finally:
        envoy.kill()
        await envoy.wait()
        await carrier.server.stop()
    ms = lambda values: round(statistics.median(values) * 1_000, 2)  # noqa: E731
    return {
        f"ads_push_ms_{operations}": ms(live),
        f"ads_push_p99_ms_{operations}": round(sorted(live)[-1 - len(live) // 100] * 1_000, 2),
        f"ads_compile_ms_{operations}": ms(built),
        f"ads_encode_ms_{operations}": ms(encoded),
    }


async def measure(given):
    engine = EnvoyEngine.find({})
    began = time.perf_counter()
    schema = Schema.of(engine.binary)
    _ = schema.pool
    found = {"schema_ms": round((time.perf_counter() - began) * 1_000, 1)}
    with tempfile.TemporaryDirectory(prefix="treadle-bench-") as name:
        folder = Path(name)
        found |= await fleet(folder, given.nodes, given.edits, schema)
        for operations in (1, 500):
            found |= await pushes(folder / f"of-{operations}", operations, given.pushes, schema, engine)
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--nodes", type=int, default=200)
    options.add_argument("--edits", type=int, default=5)
    options.add_argument("--pushes", type=int, default=20)
    options.add_argument("--follow", help=argparse.SUPPRESS)
    given = options.parse_args()
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    if given.follow:
        asyncio.run(follow(given.follow, given.nodes))
        return
    found = asyncio.run(measure(given))
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<28}{value}")


if __name__ == "__main__":
    main()
