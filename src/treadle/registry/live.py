"""The last-good version of each contract, on disk: what serves while a newcomer is refused.

One JSON file a contract, named by its id, so that damage to one never reaches another:

    {"id", "file", "version", "digest", "owner", "classification", "sources": {path: base64}}

The sources are the truth: a contract is read from them again, and its digest must be the one that was written down.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from treadle.base.errors import InputError
from treadle.base.files import sync_folder, write_atomically
from treadle.contract.model import Contract
from treadle.contract.parse import InvalidDocument
from treadle.contract.read import outline, read_contract

_ID = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+\Z")
_SUFFIX = ".json"


class DamagedLiveSetError(InputError):
    """Some files of the live set cannot be read. `contracts` are those that can, `files` those that cannot."""

    def __init__(self, files: tuple[Path, ...], reasons: tuple[str, ...], contracts: tuple[Contract, ...]) -> None:
        """Reasons: one for each file."""
        named = "; ".join(f"{file}: {reason}" for file, reason in zip(files, reasons, strict=True))
        super().__init__(
            "live-damaged",
            f"{len(files)} live contract(s) cannot be read: {named}",
            "remove the file and apply the workspace again; the other contracts are not touched",
        )
        self.files = files
        self.contracts = contracts


@dataclass(frozen=True, slots=True)
class LiveSet:
    """The folder of last-good contracts. A missing folder is an empty set; it is made by the first `put`."""

    folder: Path

    def contracts(self, *, whole: bool = True) -> tuple[Contract, ...]:
        """Every contract, by id. Raises `DamagedLiveSetError`, which still carries every readable one.

        Without `whole` they have no operations and no channels: enough to compare their texts, and much quicker.
        """
        found: list[Contract] = []
        damaged: list[tuple[Path, str]] = []
        for file in self._files():
            try:
                found.append(_read(file, whole=whole))
            except _DamagedError as error:
                damaged.append((file, str(error)))
        if damaged:
            files, reasons = zip(*damaged, strict=True)
            raise DamagedLiveSetError(files, reasons, tuple(found))
        return tuple(found)

    def put(self, contract: Contract) -> None:
        """Make this version the last-good one of its contract; durable on return."""
        entry = {
            "id": contract.id,
            "file": contract.place.file,
            "version": contract.version,
            "digest": contract.digest,
            "owner": contract.owner,
            "classification": contract.classification,
            "sources": {name: base64.b64encode(data).decode() for name, data in sorted(contract.sources.items())},
        }
        write_atomically(self._file(contract.id), orjson.dumps(entry, option=orjson.OPT_INDENT_2))

    def remove(self, id: str) -> None:
        """Forget a contract. One that is not there is forgotten already."""
        file = self._file(id)
        if file.exists():
            file.unlink()
            sync_folder(self.folder)

    def _file(self, id: str) -> Path:
        if not _ID.match(id):  # an id becomes a file name: nothing else may
            raise ValueError(f"{id!r} is no contract id")
        return self.folder / f"{id}{_SUFFIX}"

    def _files(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(each for each in self.folder.iterdir() if each.suffix == _SUFFIX and each.name[0] != ".")


class _DamagedError(Exception):
    """One file is not what `put` wrote."""


def _read(file: Path, *, whole: bool) -> Contract:
    try:
        entry: Any = orjson.loads(file.read_bytes())
        sources = {name: base64.b64decode(data, validate=True) for name, data in entry["sources"].items()}
        name, digest = entry["file"], entry["digest"]
        owner, classification = str(entry["owner"]), str(entry["classification"])
        contract, findings = read_contract(name, sources) if whole else (outline(name, sources), ())
    except (OSError, ValueError, binascii.Error, KeyError, TypeError, AttributeError, InvalidDocument) as error:
        raise _DamagedError(f"{type(error).__name__}: {error}") from None
    if contract is None:
        raise _DamagedError(f"the contract in it is not valid: {findings[0]}")
    if contract.digest != digest or f"{contract.id}{_SUFFIX}" != file.name:
        raise _DamagedError("its sources are not those that were written")
    return replace(contract, owner=owner, classification=classification)
