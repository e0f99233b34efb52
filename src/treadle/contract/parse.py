"""Bytes -> plain data in which every key and item knows its place."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from treadle.base.errors import InputError
from treadle.contract.assembly import Assembly, Budget, Refused
from treadle.contract.finding import Finding
from treadle.contract.json_tokens import read_json
from treadle.contract.model import Json, Place
from treadle.contract.yaml_events import read_yaml

__all__ = ["Budget", "Document", "InvalidDocument", "parse"]

_BOM = "\ufeff"
_QUIET_BYTES = 256 * 1024
"""From this size on the cyclic garbage collector costs a fifth of the time and cannot find anything."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read: `data` as orjson would give it, and the place of each node by its JSON pointer."""

    file: str
    data: Json
    places: Mapping[str, Place]


class InvalidDocument(InputError):  # noqa: N818 - the document is invalid, the error is that
    """The file is no document of ours; `findings` say where and why."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        first = findings[0]
        super().__init__("invalid-document", f"{first.place}: {first.message}", first.hint)
        self.findings = findings


def parse(file: str, data: bytes, budget: Budget = Budget()) -> Document:  # noqa: B008 - frozen
    """Read one YAML 1.2 document, or JSON if the name ends in `.json`.

    Raises `InvalidDocument` with every finding that reading on could gather.
    """
    assembly = Assembly(file, budget)
    with contextlib.suppress(Refused):
        text = _text(data, assembly)
        with _quiet(len(data)):
            (read_json if file.endswith(".json") else read_yaml)(text, assembly)
    if assembly.findings:
        raise InvalidDocument(tuple(assembly.findings))
    return Document(file, assembly.root, assembly.places())


def _text(data: bytes, assembly: Assembly) -> str:
    if len(data) > assembly.budget.bytes_max:
        raise assembly.refuse(
            "budget-bytes", (1, 1), f"larger than {assembly.budget.bytes_max} bytes", "split the file"
        )
    try:
        return data.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        spot = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise assembly.refuse(
            "not-utf8", spot, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None


@contextlib.contextmanager
def _quiet(size: int) -> Iterator[None]:
    """No cyclic collection while a big tree grows: every node of it is alive."""
    if size < _QUIET_BYTES or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
