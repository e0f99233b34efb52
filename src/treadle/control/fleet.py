"""Gateway nodes on other machines: what they are given, what they say of it, and who may be one.

A node shows a certificate of the workspace's authority for `spiffe://<trust domain>/node/<name>`; everything else is
refused in the handshake or by its name. What a node takes or refuses is a fact. A contract that a node refuses goes
back to its last good version, alone and on every node, so that the nodes of a fleet do not differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from treadle.base.canon import canonical
from treadle.base.errors import EngineError, InputError, TreadleError
from treadle.control.certificates import Certificates
from treadle.control.compile import Compiled
from treadle.control.rules import Shelf
from treadle.control.shipping import Keeper, answer
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.gateway.ads.blame import faults_of
from treadle.gateway.ads.catalog import NOTHING, Catalog, encode
from treadle.gateway.ads.conversation import Verdict
from treadle.gateway.ads.server import AdsServer, Answer
from treadle.gateway.ads.tls import Credentials
from treadle.gateway.ads.wire import FACTS, RULES
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, compile_gateway
from treadle.gateway.hop.table import encode as encode_operations
from treadle.gateway.ir import Api, Gateway
from treadle.gateway.schema import Schema
from treadle.secrets.authority import spiffe_id

_log = logging.getLogger("treadle.control")

KIND = "node"
"""The part of a SPIFFE id that says that its owner is a gateway node."""
CONTROL = "control"
RENEW_S = 3_600.0
HERE = "."
"""A node's files are named relative to its folder, so that one configuration is good for all nodes."""
_VERDICTS_MAX = 10_000
_NAMES_SHOWN = 5
_PORTS = range(1, 65_536)

Record = Callable[[Sequence[Fact]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Where nodes are served: `listen` is `host:port`, `hosts` are the names and addresses that nodes know it by."""

    listen: str
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, engine: Mapping[str, Any]) -> FleetSettings | None:
        """`engines.envoy.fleet` of a workspace, `{listen, hosts}`; None where it has none. Raises InputError."""
        said = engine.get("fleet")
        if said is None:
            return None
        listen = said.get("listen") if isinstance(said, Mapping) else None
        hosts = said.get("hosts", []) if isinstance(said, Mapping) else None
        host, colon, port = listen.rpartition(":") if isinstance(listen, str) else ("", "", "")
        if not (colon and host and port.isdigit()) or not isinstance(hosts, list):
            raise InputError(
                "fleet-settings-invalid",
                "engines.envoy.fleet does not say where nodes are served",
                'for example: fleet: {listen: "0.0.0.0:7110", hosts: [control.acme.example]}',
            )
        return cls(str(listen), tuple(dict.fromkeys(["127.0.0.1", "localhost", *map(str, hosts)])))


def require_packages() -> None:
    """Raise EngineError `fleet-missing` where nothing here speaks gRPC."""
    if importlib.util.find_spec("grpc") is None or importlib.util.find_spec("google.protobuf") is None:
        raise EngineError(
            "fleet-missing", "a fleet of gateways needs gRPC", "install it with: pip install 'treadle[fabric,fleet]'"
        )


def node_settings(local: NodeSettings, name: str = "gateway", port: int = 1, admin_port: int = 1) -> NodeSettings:
    """A node like the local one, with everything that is its own in its own folder."""
    return NodeSettings(
        folder=HERE,
        port=port,
        admin_port=admin_port,
        address="0.0.0.0" if port > 1 else "127.0.0.1",  # noqa: S104 - a gateway is there to be called
        name=name,
        body_bytes_max=local.body_bytes_max,
        carrier="ads",
        tls=f"{HERE}/certificates",
        plain=local.plain,
        client_certificates=local.client_certificates,
        authorities=local.authorities,
    )


@dataclass(slots=True)
class Fleet:
    """The nodes of one workspace. `record` takes facts, `now_us` gives Unix time in microseconds."""

    schema: Schema
    certificates: Certificates
    folder: Path
    settings: FleetSettings
    record: Record
    keeper: Keeper | None = None
    """Stores what happened at nodes."""
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000
    server: AdsServer = field(init=False)
    port: int = 0
    _compiled: Compiled | None = None
    _good: dict[str, Api] = field(default_factory=dict)
    """What nodes took last, by contract."""
    _published: Gateway | None = None
    _blamed: set[str] = field(default_factory=set)
    _verdicts: asyncio.Queue[Verdict] = field(default_factory=lambda: asyncio.Queue(_VERDICTS_MAX))
    _unheard: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _rules: Shelf = field(default_factory=Shelf)

    def __post_init__(self) -> None:
        """Nobody is served yet."""
        domain = self.certificates.trust_domain
        within = f"spiffe://{domain}/{KIND}/"
        self.server = AdsServer(self.schema, self._heard, self._join, within, self._methods())

    @classmethod
    def of(
        cls, compiled: Compiled, envoy: EnvoyEngine, certificates: Certificates, record: Record, keeper: Keeper
    ) -> Fleet | None:
        """The fleet that the settings ask for, or None. Raises InputError and EngineError; needs `treadle[fleet]`."""
        settings = FleetSettings.of(compiled.settings.engines.get("envoy", {}))
        if settings is None:
            return None
        require_packages()
        state = certificates.state
        schema = Schema.of(envoy.binary, state.folder / "schema")
        return cls(schema, certificates, state.certificates / CONTROL, settings, record, keeper)

    def _methods(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {RULES: lambda _, said: self._rules.answer(said)}
        if keeper := self.keeper:
            found[FACTS] = lambda node, said: answer(keeper, node, said)
        return found

    def live(self, compiled: Compiled) -> None:
        """From now on nodes should run this. Returns at once."""
        self._compiled = compiled
        self._blamed.clear()
        self._wake.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Fleet]:
        """Serve nodes. Raises EngineError `port-taken`."""
        await asyncio.to_thread(self._certify)
        files = (self.folder / name for name in ("tls.crt", "tls.key", "ca.crt"))
        self.port = await self.server.start(address=self.settings.listen, credentials=Credentials(*files))
        tasks = [asyncio.create_task(each) for each in (self._publishing(), self._telling(), self._renewing())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.server.stop()

    def status(self) -> list[dict[str, Any]]:
        """Each connected node: whether it runs what it should, and what it refuses."""
        catalog = self.server.catalog or NOTHING
        return [
            {
                "node": name,
                "settled": node.settled(catalog),
                "refused": [f"{each.kind} {each.name}: {each.words}" for each in node.refused(catalog)],
            }
            for name, node in sorted(self.server.nodes.items())
        ]

    async def _publishing(self) -> None:
        before = NOTHING
        while True:
            await self._wake.wait()
            self._wake.clear()
            compiled = self._compiled
            if compiled is None:
                continue
            try:
                gateway = self._without_blamed(compiled.gateway)
                before = await asyncio.to_thread(self._encoded, gateway, compiled.snapshot.node, before)
                rules = await asyncio.to_thread(encode_operations, gateway, self._published)
            except TreadleError as why:
                _log.warning("nodes go on with what they have: %s", why)
                continue
            self._note_good()
            # Before the routes: a node asks for the rules when it is given routes, before it uses these.
            self._rules.put(rules)
            self.server.publish(before)
            self._published = gateway

    def _encoded(self, gateway: Gateway, local: NodeSettings, before: Catalog) -> Catalog:
        return encode(compile_gateway(gateway, node_settings(local)), self.schema, before)

    def _without_blamed(self, gateway: Gateway) -> Gateway:
        """With the last good version of what a node refused; a contract that never had one stays out."""
        apis = [self._good.get(api.contract) if api.contract in self._blamed else api for api in gateway.apis]
        return replace(gateway, apis=tuple(api for api in apis if api is not None))

    def _heard(self, verdict: Verdict) -> None:
        try:
            self._verdicts.put_nowait(verdict)
        except asyncio.QueueFull:
            self._unheard += 1

    async def _telling(self) -> None:
        while True:
            verdicts = [await self._verdicts.get()]
            while not self._verdicts.empty() and len(verdicts) < 100:
                verdicts.append(self._verdicts.get_nowait())
            facts = [fact_of(each, self.now_us()) for each in verdicts]
            if self._unheard:
                lost, self._unheard = self._unheard, 0
                facts.append(Fact(FactKind.GAP, self.now_us(), Outcome.FAILED, node="control", missing=lost))
            self._judge()
            try:
                await self.record(facts)
            except OSError as why:
                _log.warning("what nodes said is not kept: %s", why)

    def _judge(self) -> None:
        """Find whose last good version is to come back, or note that all of it is good."""
        catalog, compiled = self.server.catalog, self._compiled
        if catalog is None or compiled is None:
            return
        refused = [each for node in self.server.nodes.values() for each in node.refused(catalog)]
        named = {fault.contract for fault in faults_of(refused, compiled.gateway)} - {""} - self._blamed
        if named and not self._good:
            # This process does not know what nodes run; each goes on with its own last good, and nothing is unloaded.
            _log.warning("nodes refuse %s, and wait for its next edit", ", ".join(sorted(named)))
        elif named:
            _log.warning("nodes refuse %s; its last good version comes back", ", ".join(sorted(named)))
            self._blamed |= named
            self._wake.set()
        else:
            self._note_good()

    def _note_good(self) -> None:
        """What was published is good once every connected node runs it."""
        catalog, published = self.server.catalog, self._published
        if catalog is None or published is None or not all(self.server.settled().values()):
            return
        if not any(node.refused(catalog) for node in self.server.nodes.values()):
            self._good = {api.contract: api for api in published.apis}

    def _join(self, name: str, said: bytes) -> bytes:
        """`{"bootstrap", "ledger"}` for `{"port", "admin_port"}`; with `renew` also `{"certificate": {file: PEM}}`.

        `ledger` is the database in which all nodes keep their Idempotency-Keys, empty where each keeps its own.

        A new certificate is for the name in the old one, whatever else is said. Raises ValueError.
        """
        compiled = self._compiled
        if compiled is None:
            raise ValueError("nothing is live yet")
        asked = orjson.loads(said)
        port, admin_port = (asked.get(each) if isinstance(asked, dict) else None for each in ("port", "admin_port"))
        if not isinstance(port, int) or not isinstance(admin_port, int) or not {port, admin_port} <= set(_PORTS):
            raise ValueError("port and admin_port are numbers of ports")
        node = node_settings(compiled.snapshot.node, name, port, admin_port)
        answer: dict[str, Any] = {
            "bootstrap": compile_gateway(compiled.gateway, node).bootstrap,
            "ledger": compiled.settings.gateway.idempotency_store,
        }
        if asked.get("renew") is True:
            answer["certificate"] = self._certificate(name, compiled.gateway.hosts)
        return canonical(answer)

    def _certificate(self, name: str, hosts: Sequence[str]) -> Mapping[str, str]:
        authority = self.certificates.authority()
        own = spiffe_id(self.certificates.trust_domain, KIND, name)
        names = dict.fromkeys(["127.0.0.1", "localhost", *(host.strip("[]") for host in hosts)])
        made = authority.issue(own, self.certificates.now(), hosts=names)
        return {
            "tls.crt": made.certificate.decode(),
            "tls.key": made.key.text(),
            "ca.crt": authority.certificate.decode(),
        }

    def _certify(self) -> None:
        name = spiffe_id(self.certificates.trust_domain, CONTROL, CONTROL)
        self.certificates.of(name, self.folder, self.settings.hosts)

    async def _renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await asyncio.to_thread(self._certify)
            except (OSError, TreadleError) as why:
                _log.warning("the certificate that nodes are shown is not renewed: %s", why)


def fact_of(verdict: Verdict, at_us: int) -> Fact:
    """What a node says of a configuration, as a fact."""
    names = [f"{name} {version or 'removed'}" for name, version in sorted(verdict.versions.items())]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    told = ", ".join(names[:_NAMES_SHOWN]) + more
    return Fact(
        kind=FactKind.ENGINE,
        at_us=at_us,
        outcome=Outcome.OK if verdict.taken else Outcome.REFUSED,
        operation=verdict.kind.value,
        code="CONFIG_TAKEN" if verdict.taken else "CONFIG_REFUSED",
        detail=told if verdict.taken else f"{told}: {verdict.words}"[:1_000],
        node=verdict.node,
    )
