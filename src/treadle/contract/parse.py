"""Bytes -> plain data in which every key and item knows its place."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from treadle.base.errors import InputError
from treadle.contract.faults import Budget, Faults, Refused
from treadle.contract.finding import Finding
from treadle.contract.lines import Lines
from treadle.contract.place import Json, Place
from treadle.contract.places import Places

__all__ = ["Budget", "Document", "InvalidDocument", "parse", "parse_tolerant"]

_BOM = b"\xef\xbb\xbf"
_JSON_BEGINS = re.compile(rb"[ \t\r\n]*[\[{]")
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
    """Read one YAML 1.2 document, or JSON if the name ends in `.json` or the bytes are.

    Raises `InvalidDocument` with every finding that reading on could gather.
    """
    faults = Faults(file, budget)
    places = _read(data, faults)
    if places is None or faults.findings:
        raise InvalidDocument(tuple(faults.findings))
    return Document(file, places.data, places)


def parse_tolerant(
    file: str,
    data: bytes,
    budget: Budget = Budget(),  # noqa: B008 - frozen
) -> tuple[Document | None, tuple[Finding, ...]]:
    """As `parse`, for documents of others: what loaders differ about is a finding, and the document stays usable.

    Of a duplicate key the last counts; a key that is no string becomes the text as written; `<<` is merged; a tag
    without meaning is left out, and so is a second document. None where reading on is impossible.
    """
    faults = Faults(file, budget, tolerant=True)
    places = _read(data, faults)
    document = None if places is None else Document(file, places.data, places)
    return document, tuple(faults.findings)


def _read(data: bytes, faults: Faults) -> Places | None:
    with contextlib.suppress(Refused), _quiet(len(data)):
        if len(data) > faults.budget.bytes_max:
            raise faults.refuse("budget-bytes", 0, f"larger than {faults.budget.bytes_max} bytes", "split the file")
        data = data.removeprefix(_BOM)
        faults.lines = Lines(data)
        try:
            return _read_text(data, faults)
        except UnicodeDecodeError as error:
            raise _not_utf8(data, error, faults) from None
    return None


def _read_text(data: bytes, faults: Faults) -> Places:
    """The name says JSON, or the bytes do; all else is YAML. Readers are imported when they are needed."""
    named_json = faults.file.endswith(".json")
    if named_json or _JSON_BEGINS.match(data):
        from treadle.contract.json_text import read_json

        places = read_json(data, faults, named_json=named_json)
        if places is not None:
            return places
    from treadle.contract.yaml_events import read_yaml

    return read_yaml(faults)


def _not_utf8(data: bytes, error: UnicodeDecodeError, faults: Faults) -> Refused:
    before = data[: error.start]
    faults.lines = Lines(before)
    message = f"byte 0x{data[error.start]:02x} is not UTF-8"
    return faults.refuse("not-utf8", len(before.decode()), message, "save the file as UTF-8")


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
