"""Callers over TLS who count what fails, while everything that may move at run time does."""

import ssl
import threading
import time
from collections import Counter
from dataclasses import replace

import httpx

from treadle.contract.model import Limit
from treadle.control.certificates import Certificates, Owners
from treadle.control.state import State
from treadle.gateway.envoy import compile_gateway
from treadle.gateway.ir import Api, Shift, Upstream

HOSTS = ("127.0.0.1", "localhost")
DOMAIN = "acme.treadle"
OTHER = "other.other.v1"
PAUSE_S = 0.004
"""Between two calls of a caller: it leaves the other threads of this process some of its one interpreter."""


class Storm:
    """A node over TLS, who calls it, and one push after the other. `world` is started anew."""

    def __init__(self, world):
        self.world = world
        self.certificates = Certificates(State(world.folder / "state"), DOMAIN)
        self.certificates.ensure(Owners(HOSTS))
        world.stop()
        world.node = replace(world.node, tls=str(self.certificates.state.node_certificates))
        world.base = replace(world.base, trust_domain=DOMAIN)
        snapshot = compile_gateway(self.gateway(0), world.node)
        world.engine.prepare(snapshot)  # certificates are files of the node, whatever carries the rest
        if world.carrier is not world.engine:
            world.run(world.carrier.prepare(snapshot))
        world.start()
        self.context = ssl.create_default_context(cadata=self.certificates.authority().certificate.decode())
        self.done = threading.Event()
        self.statuses, self.broken, self.serials = Counter(), [], set()
        self.bearer = world.bearer()
        self.live_ms = {}

    def gateway(self, number, *, weight=0, limit=100_000, upstream=0):
        """The usual contract with a candidate, and another one whose version and upstream change."""
        world = self.world
        (api,) = world.base.apis
        candidate = Upstream("customers-api--candidate", "127.0.0.1", world.upstream.port)
        # A busy machine is no failure of a push.
        common = {"candidate": candidate.name, "mirrored": True, "timeout_ms": 20_000}
        first = Api(
            api.contract,
            tuple(replace(each, **common) for each in api.routes),
            (*api.upstreams, candidate),
            Shift(weight, weight / 10),
        )
        name, stamp = f"other-{upstream}", f"{OTHER}@1.0.{number}#0123456789ab"
        route = world.route("other", "GET", "/v1/other", contract=OTHER, upstream=name, stamp=stamp, timeout_ms=20_000)
        post = replace(route, operation="send", method="POST")
        second = Api(OTHER, (route, post), (Upstream(name, "127.0.0.1", world.upstream.port),))
        consumers = tuple(
            replace(one, limit=Limit(limit)) if one.consumer == "demo-app" else one for one in world.base.consumers
        )
        return replace(world.base, apis=(first, second), consumers=consumers)

    def blow(self, pushes, *, judged=False):
        """So many pushes, of each kind in its turn, under traffic."""
        callers = [threading.Thread(target=each) for each in self.callers()]
        for caller in callers:
            caller.start()
        fields = {"number": 0}
        try:
            for number in range(1, pushes + 1):
                self.bearer = self.world.bearer()  # tokens live shorter than a long storm
                kind = ("weight", "limit", "route", "upstream", "certificate")[number % 5]
                before = time.perf_counter()
                if kind == "certificate":
                    assert self.certificates.ensure(Owners((*HOSTS, f"host-{number}.example")))
                else:
                    fields |= {
                        "weight": {"weight": number % 101},
                        "limit": {"limit": 100_000 + number},
                        "route": {"number": number},
                        "upstream": {"upstream": number},
                    }[kind]
                    snapshot = compile_gateway(self.gateway(**fields), self.world.node)
                    found = self.world.run(self.world.carrier.push(snapshot, judged=judged))
                    assert found.live_ms, "every push changes something"
                    if kind == "weight":
                        assert list(found.live_ms) == ["rtds/treadle"]
                self.live_ms.setdefault(kind, []).append((time.perf_counter() - before) * 1_000)
                seen = self.statuses.total()
                self.world.until(lambda seen=seen: self.statuses.total() > seen + 5 or self.broken)
        finally:
            self.done.set()
            for caller in callers:
                caller.join(30)

    def callers(self):
        """Kept connections, new ones, calls that are under way over a push, and calls that nobody may repeat."""
        yield lambda: self.kept("GET", "/v1/other")
        yield lambda: self.kept("GET", "/v1/customers")
        yield lambda: self.kept("GET", "/v1/customers/lazy")
        yield lambda: self.kept("POST", "/v1/other", content=b"x" * 2_000)
        yield self.handshakes

    def kept(self, method, path, **more):
        with self.client() as client:
            while not self.done.is_set() and not self.broken:
                self.call(client, method, path, **more)

    def handshakes(self):
        while not self.done.is_set() and not self.broken:
            with self.client() as client:
                self.call(client, "GET", "/v1/public")

    def client(self):
        return httpx.Client(base_url=f"https://localhost:{self.world.node.port}", verify=self.context, trust_env=False)

    def call(self, client, method, path, **more):
        try:
            answer = client.request(method, path, headers=self.bearer, timeout=20, **more)
            self.statuses[answer.status_code] += 1
            stream = answer.extensions["network_stream"].get_extra_info("ssl_object")
            self.serials.add(stream.getpeercert()["serialNumber"])
            if answer.status_code != 200:
                self.broken.append(answer.text)
        except httpx.HTTPError as error:
            self.broken.append(f"{method} {path}: {error!r}")
        time.sleep(PAUSE_S)
