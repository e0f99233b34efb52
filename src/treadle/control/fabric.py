"""The processes of one fabric and the addresses they share: what `up` and `demo` hand to the supervisor."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.contract.model import GatewaySettings
from treadle.control.checkout import read_files, read_overlays
from treadle.control.ports import choose
from treadle.control.probe import ask
from treadle.control.runfile import Run, the_lock, write_run
from treadle.control.state import State
from treadle.control.supervise import Process, Supervisor

Announce = Callable[[Run], None]

ROOM_BYTES = 8 * 1024 * 1024
"""With less room than this on its disk a new start of NATS would soon end where the old one did."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run needs besides the workspace: overlays, and further processes at given addresses (the demo's)."""

    overlays: Sequence[Path] = ()
    processes: Callable[[Mapping[str, str]], Sequence[Process]] = lambda _: ()


def run_fabric(
    state: State,
    *,
    environment: str,
    prepare: Callable[[], Prepared],
    announce: Announce,
) -> None:
    """Run the fabric of a workspace in the foreground, until SIGINT or SIGTERM.

    `prepare` is called once the lock is ours, `announce` once, when every process is ready. Raises EngineError
    (`already-up`, `port-taken`, `engine-missing`, …) and InputError.
    """
    from treadle.bus.server import NatsEngine
    from treadle.contract.workspace import read_workspace
    from treadle.gateway.engine import EnvoyEngine

    state.prepare()
    with the_lock(state):
        prepared = prepare()
        workspace, _ = read_workspace(
            read_files(state.root), environment=environment, overlays=read_overlays(prepared.overlays)
        )
        settings = workspace.settings
        envoy = EnvoyEngine.find(settings.engines.get("envoy", {}))
        nats = NatsEngine.find(settings.engines.get("nats", {}))
        ports = choose(settings.ports)
        _forget_last_run(state)

        tls = settings.gateway.tls
        shown = tls and settings.gateway.client_certificates == "required"
        addresses = {
            "gateway": f"{'https' if tls else 'http'}://127.0.0.1:{ports['gateway']}",
            "console": f"http://127.0.0.1:{ports['console']}",
            "issuer": f"http://127.0.0.1:{ports['console']}/issuer",
            "nats": f"nats://127.0.0.1:{ports['nats']}",
        }
        run: Run = {
            "workspace": str(state.root),
            "name": settings.name,
            "environment": environment,
            "overlays": [str(path) for path in prepared.overlays],
            **addresses,
            **({"ca": str(state.authority_file)} if tls else {}),
            **({"certificate": str(state.own_certificates)} if shown else {}),
            "ready": False,
            "ports": ports,
            "engines": {
                "envoy": {"binary": str(envoy.binary), "version": envoy.version, "concurrency": envoy.concurrency},
                "nats": {"binary": str(nats.binary), "version": nats.version},
            },
            "supervisor": {"pid": os.getpid(), "since": time.time()},
            "processes": [],
        }
        processes = [
            *_engines(
                state, ports, addresses, envoy.argv(state.gateway), nats.argv(state.bus), gateway=settings.gateway
            ),
            *prepared.processes(addresses),
        ]
        write_run(state, run)
        try:
            asyncio.run(_supervise(state, run, processes, announce))
        finally:
            state.run_file.unlink(missing_ok=True)


def _engines(
    state: State,
    ports: Mapping[str, int],
    addresses: Mapping[str, str],
    envoy_argv: Sequence[str],
    nats_argv: Sequence[str],
    *,
    gateway: GatewaySettings,
) -> list[Process]:
    """The six processes of every fabric. Engines start as soon as control has written what they read."""
    python = [sys.executable, "-m"]
    root = ["--workspace", str(state.root)]
    ledger = {"TREADLE_IDEMPOTENCY_URL": gateway.idempotency_store} if gateway.idempotency_store else {}
    return [
        Process(
            "nats",
            nats_argv,
            ready=lambda: ask(ports["nats-monitor"], "/healthz"),
            after=(state.bus / "nats.conf").exists,
            # A stream that could not be written to once takes nothing more until the server starts again.
            renewable=lambda: shutil.disk_usage(state.bus).free > ROOM_BYTES,
            port=ports["nats"],
            url=addresses["nats"],
        ),
        Process(
            "control",
            [*python, "treadle.web", *root],
            ready=lambda: ask(ports["console"], "/healthz"),
            port=ports["console"],
            url=addresses["console"],
        ),
        Process(
            "drift",
            [*python, "treadle.control.drift", *root],
            ready=lambda: ask(state.drift_socket, "/healthz"),
            after=state.drift_table.exists,
            url=f"unix:{state.drift_socket}",
        ),
        Process(
            "guard",
            [*python, "treadle.control.guard", *root],
            ready=lambda: ask(state.events_socket, "/healthz"),
            after=(state.bus / "topics.json").exists,
            url=f"unix:{state.events_socket}",
        ),
        Process(
            "hop",
            [*python, "treadle.control.hop", *root],
            ready=lambda: ask(state.hop_socket, "/healthz"),
            after=state.hop_table.exists,
            env=ledger,
            url=f"unix:{state.hop_socket}",
        ),
        Process(
            "envoy",
            envoy_argv,
            ready=lambda: ask(ports["envoy-admin"], "/ready"),
            after=(state.gateway / "bootstrap.json").exists,
            port=ports["gateway"],
            url=addresses["gateway"],
        ),
    ]


async def _supervise(state: State, run: Run, processes: Sequence[Process], announce: Announce) -> None:
    def changed(rows: list[dict[str, object]]) -> None:
        run["processes"] = rows
        run["ready"] = all(row["state"] == "ready" for row in rows)
        write_run(state, run)

    supervisor = Supervisor(processes, logs=state.logs, journal=state.process_log, on_change=changed)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, supervisor.stop)
    await supervisor.run(lambda: announce(run))


def _forget_last_run(state: State) -> None:
    """What an earlier run left: its configuration names its ports, and its checkout may be older than the files."""
    for stale in (
        state.bus / "nats.conf",
        state.bus / "topics.json",
        state.gateway / "bootstrap.json",
        state.hop_table,
        state.hop_socket,
        state.events_socket,
        state.webhooks_socket,
        state.drift_table,
        state.drift_socket,
        state.checkout,
        state.run_file,
    ):
        stale.unlink(missing_ok=True)
