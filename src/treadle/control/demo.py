"""The demo's systems of record and services: processes beside the fabric.

They are started here because a workspace never executes commands. Which they are is a table; what they do is in
`examples/acme`, for people to read and copy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import orjson

from treadle.base.errors import InputError
from treadle.base.files import write_atomically
from treadle.bus.nats_conf import group_user
from treadle.connect.webhook import SigningKey
from treadle.control.passwords import passwords
from treadle.control.ports import choose
from treadle.control.probe import ask
from treadle.control.state import State
from treadle.control.supervise import Process
from treadle.secrets.file import FileSecrets


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the demo.

    `serves` is the service in services.yaml whose upstream it is, `also` a further one, `candidate` the service whose
    other version it is; `group` is its consumer group. `webhook` and `polled` say how its connector hears of changes,
    `calls` names a program whose address it is told. One with a `tls_port` answers the gateway there, over mutual TLS.
    """

    name: str
    script: str
    port: int
    serves: str = ""
    group: str = ""
    also: str = ""
    candidate: str = ""
    calls: str = ""
    tls_port: int = 0
    webhook: bool = False
    polled: bool = False


PROGRAMS = (
    Program("crm", "systems/crm.py", 7201, webhook=True),
    Program("itsm", "systems/itsm.py", 7202, webhook=True),
    Program("erp", "systems/erp.py", 7203, polled=True),
    Program(
        "customers-api",
        "services/customers.py",
        7101,
        serves="customers-api",
        also="customers-api-v0",
        group="customers-api",
    ),
    Program("customers-next", "services/customers.py", 7104, candidate="customers-api", group="customers-next"),
    Program(
        "orders-api", "services/orders.py", 7102, serves="orders-api", group="orders-api", calls="erp", tls_port=7112
    ),
    Program("billing", "services/billing.py", 7103, group="billing"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo of one workspace, with its ports chosen and its overlay written."""

    state: State
    ports: Mapping[str, int]
    lively: bool

    def processes(self, addresses: Mapping[str, str]) -> list[Process]:
        """Every program as a process, for a fabric at these addresses."""
        return [self._process(each, addresses) for each in PROGRAMS]

    def _process(self, program: Program, addresses: Mapping[str, str]) -> Process:
        port = self.ports[program.name]
        data = self.state.demo / program.name
        data.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, str(self.state.root / program.script), "--port", str(port), "--data", str(data)]
        env: dict[str, str] = {}
        if program.webhook:
            argv += ["--webhook-url", f"{addresses['gateway']}/v1/webhooks/{program.name}"]
            argv += ["--key", str(_key_file(self.state, program.name))]
            if addresses["gateway"].startswith("https:"):
                argv += ["--ca", str(self.state.authority_file), "--certificate", str(self.state.own_certificates)]
        if program.candidate:
            argv += ["--group", program.group]
        if program.calls:
            argv += [f"--{program.calls}", _url(self.ports[program.calls])]
        after: Callable[[], bool] = _at_once
        if program.tls_port:
            certificates = self.state.service_certificates / program.serves
            argv += ["--tls-port", str(self.ports[_tls(program)]), "--certificates", str(certificates)]
            after = (certificates / "tls.crt").exists
        if self.lively and not program.group:
            argv.append("--lively")
        if program.group:
            user = group_user(program.group)
            secret = passwords(FileSecrets(self.state.secrets), [user])[user]
            env = {
                "TREADLE_NATS_URL": addresses["nats"],
                "TREADLE_NATS_USER": user,
                "TREADLE_NATS_PASSWORD": secret,
            }
        ready = partial(ask, port, "/healthz")
        return Process(program.name, argv, ready=ready, after=after, env=env, port=port, url=_url(port))


def prepare(state: State, *, lively: bool) -> Demo:
    """Choose ports, make the keys that sign webhooks, and write the overlay that tells the workspace of both.

    Raises InputError `no-demo` for a workspace that is not the demo's.
    """
    missing = [each.script for each in PROGRAMS if not (state.root / each.script).is_file()]
    if missing:
        raise InputError(
            "no-demo",
            f"{state.root} is not the demo workspace: it has no {missing[0]}",
            "run it from a checkout: treadle demo --workspace examples/acme; your own workspace runs with: treadle up",
        )
    state.prepare()
    state.demo.mkdir(exist_ok=True)
    wanted = {each.name: each.port for each in PROGRAMS}
    ports = choose({}, wanted | {_tls(each): each.tls_port for each in PROGRAMS if each.tls_port})
    connectors: dict[str, dict[str, str]] = {}
    for each in PROGRAMS:
        if each.polled:
            connectors[each.name] = {"url": _url(ports[each.name])}
        if each.webhook:
            connectors[each.name] = {"public_key": _signing_key(state, each.name).public_text()}
    upstreams = {name: _upstream(ports, each) for each in PROGRAMS for name in (each.serves, each.also) if name}
    candidates = {each.candidate: {"upstream": _url(ports[each.name])} for each in PROGRAMS if each.candidate}
    # JSON is YAML, and orjson quotes what needs it.
    said = {"upstreams": upstreams, "candidates": candidates, "connectors": connectors}
    overlay = orjson.dumps(said, option=orjson.OPT_INDENT_2)
    write_atomically(state.overlay, overlay, durable=False)
    return Demo(state, ports, lively)


def _signing_key(state: State, name: str) -> SigningKey:
    def generate() -> bytes:
        return SigningKey.generate().secret_text().encode()

    return SigningKey.read(FileSecrets(state.secrets).get_or_create(f"webhook-{name}", generate).text())


def _key_file(state: State, name: str) -> os.PathLike[str]:
    return state.secrets / f"webhook-{name}"


def _at_once() -> bool:
    return True


def _tls(program: Program) -> str:
    return f"{program.name}-tls"


def _upstream(ports: Mapping[str, int], program: Program) -> str:
    return f"https://127.0.0.1:{ports[_tls(program)]}" if program.tls_port else _url(ports[program.name])


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
