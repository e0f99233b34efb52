"""Every state that was applied, kept under its digest, so that it can be shown and gone back to.

    snapshots/history.json      [{digest, at_us, verb, trace, gateway, contracts}], oldest first, at most KEPT
    snapshots/<64 hex>.json     {"rows": […], "files": {path: base64}, "unread": […]}

The digest covers the files that were served and what the engines held for them. A file that was refused is not in it:
in its place stands the last good version that served. Both files are replaced whole; what the history no longer names
is removed.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from treadle.base.canon import canonical, digest
from treadle.base.errors import InputError
from treadle.base.files import write_atomically
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place
from treadle.contract.read import guess_id
from treadle.control.checkout import Checkout
from treadle.control.compile import Compiled
from treadle.control.decide import Action
from treadle.control.plan import Row, decode, encode

_log = logging.getLogger("treadle.control")

KEPT = 50
SHORT = 12
"""So many characters of a digest are shown; four are enough to name one."""
_NAMED = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})\Z")
_LIST = "treadle rollback --list"


@dataclass(frozen=True, slots=True)
class Kept:
    """One state that was live. `digest` has 64 hexadecimal characters; `gateway` is what the gateway ran then."""

    digest: str
    at_us: int
    verb: str
    trace: str
    gateway: str
    contracts: tuple[str, ...]

    @property
    def short(self) -> str:
        """How people name it."""
        return self.digest[:SHORT]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The folder of one fabric's snapshots. Whoever writes is the control process."""

    folder: Path

    def keep(self, compiled: Compiled, *, verb: str, trace: str, at_us: int) -> Kept:
        """Keep what has just gone live. What is live already is not kept twice. Blocks for a few syncs."""
        body = canonical({**_told(served(compiled)), "rows": orjson.loads(encode(compiled.rows))})
        key = digest(body).removeprefix("sha256:")
        stamps = tuple(sorted(each.stamp for each in compiled.desired.contracts))
        now = Kept(key, at_us, verb, trace, compiled.snapshot.digest, stamps)
        history = self.history()
        if history and history[-1].digest == key:
            return history[-1]
        if not self._file(key).exists():
            write_atomically(self._file(key), body, mode=0o600)
        kept = [*history, now][-KEPT:]
        write_atomically(self._history, canonical([asdict(each) for each in kept]), mode=0o600)
        named = {each.digest for each in kept}
        for file in self.folder.glob("*.json"):
            if file != self._history and file.stem not in named:
                file.unlink(missing_ok=True)
        return now

    def history(self) -> tuple[Kept, ...]:
        """What was live, oldest first; the last one is live. Empty where nothing was kept, or where that is damaged."""
        try:
            rows = orjson.loads(self._history.read_bytes())
            return tuple(Kept(**{**row, "contracts": tuple(row["contracts"])}) for row in rows)
        except FileNotFoundError:
            return ()
        except (ValueError, TypeError, KeyError) as why:
            _log.warning("the history of snapshots cannot be read: %s", why)
            return ()

    def find(self, named: str = "") -> Kept:
        """The one whose digest begins so; without a name, the last one that differs from what is live.

        Raises InputError `unknown-snapshot`.
        """
        history = self.history()
        if not named:
            before = [each for each in history if each.digest != history[-1].digest]
            if not before:
                raise InputError(
                    "unknown-snapshot", "nothing else was live before what is live now", f"see what is kept: {_LIST}"
                )
            return before[-1]
        match = _NAMED.match(named)
        found = {each.digest: each for each in history if match and each.digest.startswith(match[1])}
        if len(found) != 1:
            said = "no snapshot" if not found else "more than one snapshot"
            raise InputError(
                "unknown-snapshot",
                f"{said} has a digest that begins with {named}",
                f"four characters and more name one; see what is kept: {_LIST}",
            )
        return next(iter(found.values()))

    def checkout(self, kept: Kept) -> Checkout:
        """The files that were served. Raises InputError `snapshot-damaged`."""
        return decode_checkout(self._read(kept))

    def rows(self, kept: Kept) -> tuple[Row, ...]:
        """What the engines held. Raises InputError `snapshot-damaged`."""
        return decode(self._read(kept)["rows"])

    def _read(self, kept: Kept) -> dict[str, Any]:
        try:
            body = self._file(kept.digest).read_bytes()
            if digest(body) == f"sha256:{kept.digest}":
                found: dict[str, Any] = orjson.loads(body)
                return found
            why = "it is not what its digest says"
        except OSError as error:
            why = error.strerror or "it cannot be read"
        raise InputError(
            "snapshot-damaged", f"the snapshot {kept.short} cannot be used: {why}", f"choose another: {_LIST}"
        )

    @property
    def _history(self) -> Path:
        return self.folder / "history.json"

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def served(compiled: Compiled) -> Checkout:
    """The files that are live: of a contract that was refused, those of the version that serves, or none."""
    files = dict(compiled.checkout.files)
    ids = {guess_id(name): name for name in files}
    ids |= {each.id: each.place.file for each in compiled.desired.workspace.contracts}
    for decision in compiled.desired.decisions:
        if decision.action is Action.REFUSE and not decision.live:
            files.pop(ids.get(decision.contract, ""), None)
    for contract in compiled.desired.contracts:
        files.update(contract.sources)
    unread = tuple(each for each in compiled.checkout.findings if each.place.file not in files)
    return Checkout(files, unread)


def encode_checkout(checkout: Checkout) -> bytes:
    """A checkout as JSON."""
    return orjson.dumps(_told(checkout))


def decode_checkout(kept: dict[str, Any]) -> Checkout:
    """The same back. Raises KeyError, TypeError or ValueError where it is none."""
    files = {name: base64.b64decode(data) for name, data in kept["files"].items()}
    unread = (
        Finding(**{**each, "place": Place(**each["place"]), "severity": Severity(each["severity"])})
        for each in kept["unread"]
    )
    return Checkout(files, tuple(unread))


def differs(live: Checkout, workspace: Checkout) -> Sequence[str]:
    """The files in which a workspace differs from what is live, by name."""
    names = {*live.files, *workspace.files}
    return sorted(name for name in names if live.files.get(name) != workspace.files.get(name))


def _told(checkout: Checkout) -> dict[str, Any]:
    files = {name: base64.b64encode(data).decode() for name, data in checkout.files.items()}
    return {"files": files, "unread": [asdict(each) for each in checkout.findings]}
