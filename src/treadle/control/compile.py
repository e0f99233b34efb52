"""From a workspace folder to what each engine should hold: read, decide, compile, let the engine judge.

`plan` stops here; `apply` and the start of a fabric go on (`reconcile.py`).
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from treadle.base.errors import InputError, TreadleError
from treadle.bus.build import build as build_bus
from treadle.bus.ir import Bus
from treadle.check.conflicts import conflicts
from treadle.check.judge import Judge
from treadle.check.run import rules_of
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Contract, Settings
from treadle.contract.workspace import read_workspace
from treadle.control.checkout import Checkout, read_checkout, read_overlays
from treadle.control.decide import Desired, decide, refuse
from treadle.control.functions import python_function
from treadle.control.issuer import LocalIssuer
from treadle.control.keys import KeyFolder, trusted
from treadle.control.plan import Change, Row, decode, differences, rows_of
from treadle.control.state import State
from treadle.gateway.build import build as build_gateway
from treadle.gateway.engine import EnvoyEngine
from treadle.gateway.envoy import NodeSettings, Snapshot, compile_gateway
from treadle.gateway.ir import Gateway, InvalidGatewayError, Issuer, Upstream
from treadle.gateway.platform import platform_contract
from treadle.registry.live import LiveSet
from treadle.secrets.file import FileSecrets

_NO_PORT = 1
"""For a plan of a fabric that does not run: rows hold no port of our own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which workspace, under which overlays, with which files replaced for this once, on which ports.

    `checkout` stands in for the files on disk where it is given. Whoever is `going_back` to what was live once is not
    asked whether the way there breaks consumers: that is what it is for.
    """

    state: State
    environment: str = "local"
    overlays: Sequence[Path] = ()
    replaced: Mapping[str, bytes] | None = None
    checkout: Checkout | None = None
    going_back: bool = False
    ports: Mapping[str, int] | None = None
    issuer_url: str = "http://127.0.0.1/issuer"


@dataclass(frozen=True, slots=True)
class Compiled:
    """What should be live, compiled for each engine. `changes` lead there from what the engines were last told."""

    checkout: Checkout
    desired: Desired
    gateway: Gateway
    snapshot: Snapshot
    bus: Bus
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]

    @property
    def settings(self) -> Settings:
        """The settings that it was compiled under."""
        return self.desired.workspace.settings


def compile_place(place: Place, envoy: EnvoyEngine) -> Compiled:
    """Read, decide and compile. A contract that cannot be served is refused alone.

    Blocks for some tenths of a second: Envoy judges what it would be given. Raises InputError where the settings
    themselves are broken; then nothing can be said of any contract.
    """
    live = LiveSet(place.state.live).contracts()
    replaced = place.replaced or {}
    found = place.checkout or read_checkout(place.state.root)
    unread = tuple(each for each in found.findings if each.place.file not in replaced)
    checkout = Checkout({**found.files, **replaced}, unread)
    return _settle(place, checkout, _desire(place, checkout, live), live, envoy)


def without(compiled: Compiled, faults: Mapping[str, Finding], place: Place, envoy: EnvoyEngine) -> Compiled:
    """The same after a running engine refused some contracts: each falls back to its last-good, or stays out."""
    live = LiveSet(place.state.live).contracts()
    return _settle(place, compiled.checkout, refuse(compiled.desired, faults, live), live, envoy)


def _settle(
    place: Place, checkout: Checkout, desired: Desired, live: Sequence[Contract], envoy: EnvoyEngine
) -> Compiled:
    """Compile; as long as something cannot be served, leave out what is at fault and compile again."""
    issuers = issuers_of(place, desired.workspace.settings)
    for last in (False, False, True):
        try:
            compiled = _compile(place, checkout, desired, issuers)
            envoy.validate(compiled.snapshot)
        except InputError:
            faults = _faults(desired, issuers, place, checkout, envoy)
            if last or not faults:
                raise
            desired = refuse(desired, faults, live)
        else:
            return compiled
    raise AssertionError("the last attempt returns or raises")


def _desire(place: Place, checkout: Checkout, live: Sequence[Contract]) -> Desired:
    workspace, findings = read_workspace(
        checkout.files,
        environment=place.environment,
        overlays=read_overlays(place.overlays),
        unread=checkout.findings,
    )
    ours = platform_contract()
    serving = {ours.id, *(each.id for each in live)}

    def between(contracts: Sequence[Contract]) -> list[Finding]:
        found = conflicts([ours, *contracts], workspace.settings, serving=serving)
        return [each for each in found if each.contract != ours.id]

    today = dt.datetime.now(tz=dt.UTC).date()
    judge = Judge(rules_of(checkout.files, today, python_function), today)
    compare = _no_comparison if place.going_back else judge.compare
    return decide(workspace, findings, live, checkout.files, judge=judge.judge, compare=compare, conflicts=between)


def _no_comparison(_old: Contract, _new: Contract) -> tuple[Finding, ...]:
    return ()


def _compile(place: Place, checkout: Checkout, desired: Desired, issuers: Sequence[Issuer]) -> Compiled:
    settings = desired.workspace.settings
    contracts = [platform_contract(), *desired.contracts]
    gateway = build_gateway(contracts, settings, issuers, platform(place.state), files=checkout.files)
    bus = build_bus(desired.contracts, settings)
    ports = place.ports or {}
    node = NodeSettings(
        folder=str(place.state.gateway),
        port=ports.get("gateway", _NO_PORT),
        admin_port=ports.get("envoy-admin", _NO_PORT),
        body_bytes_max=settings.gateway.body_bytes_max,
        hop_socket=str(place.state.hop_socket),
        onward_socket=str(place.state.onward_socket),
        drift_socket=str(place.state.drift_socket),
        tls=str(place.state.node_certificates),
        plain=not settings.gateway.tls,
        client_certificates=settings.gateway.client_certificates,
        authorities=system_authorities(),
    )
    rows = rows_of(gateway, bus)
    changes = differences(last_rows(place.state), rows)
    return Compiled(checkout, desired, gateway, compile_gateway(gateway, node), bus, rows, changes)


def _faults(
    desired: Desired, issuers: Sequence[Issuer], place: Place, checkout: Checkout, envoy: EnvoyEngine
) -> dict[str, Finding]:
    """Which contracts keep the engines from taking the whole, each with the engine's own reason."""
    settings = desired.workspace.settings
    found: dict[str, Finding] = {}
    served: list[Contract] = []
    for contract in desired.contracts:
        try:
            build_bus([*served, contract], settings)
            served.append(contract)
        except InputError as why:
            found[contract.id] = _fault(contract, why.code, why.message, why.hint)
    node = NodeSettings(
        folder=str(place.state.gateway),
        port=_NO_PORT,
        admin_port=_NO_PORT,
        tls=str(place.state.node_certificates),
        authorities=system_authorities(),
    )
    by_id = {contract.id: contract for contract in served}
    try:
        contracts = [platform_contract(), *served]
        gateway = build_gateway(contracts, settings, issuers, platform(place.state), files=checkout.files)
        faults = envoy.judge(gateway, node)
    except InvalidGatewayError as invalid:
        faults = invalid.faults
    for fault in faults:
        if fault.contract in by_id:
            found[fault.contract] = _fault(by_id[fault.contract], "gateway-refused", fault.message, "mend the contract")
    return found


def engine_fault(contract: Contract, error: TreadleError) -> Finding:
    """A running engine's refusal as a finding about the contract that it refused."""
    return _fault(contract, error.code, error.message, error.hint)


def _fault(contract: Contract, rule: str, message: str, hint: str) -> Finding:
    return Finding(contract.place, rule, Severity.BLOCK, message, hint, contract.id)


def issuer_of(place: Place, settings: Settings) -> LocalIssuer:
    """The loopback issuer for the consumers of these settings."""
    return LocalIssuer(place.issuer_url, settings.audience, settings.consumers, FileSecrets(place.state.secrets))


def issuers_of(place: Place, settings: Settings) -> tuple[Issuer, ...]:
    """Whose tokens count: the workspace's own issuer, and the providers of its settings with the keys as last seen."""
    return issuer_of(place, settings).trust(), *trusted(settings, KeyFolder(place.state.keys))


def system_authorities() -> str:
    """The PEM file of the authorities that this machine trusts; where it has none, where Debian would have it."""
    return ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"


def platform(state: State) -> dict[str, Upstream]:
    """Where the platform's own operations go: doors on Unix sockets."""
    return {
        "publishEvents": Upstream("treadle-events", socket=str(state.events_socket)),
        "deliverWebhook": Upstream("treadle-webhooks", socket=str(state.webhooks_socket)),
    }


def last_rows(state: State) -> tuple[Row, ...]:
    """What the engines were last told."""
    try:
        return decode(orjson.loads(state.applied.read_bytes()))
    except FileNotFoundError:
        return ()
