"""Writes another `info.version` into the text of a document, and touches nothing else of it."""

from __future__ import annotations

import re

from treadle.base.errors import InputError
from treadle.contract.model import Json
from treadle.contract.parse import parse_tolerant

_KEY = re.compile(r"""(?:version|"version"|'version')\s*:\s*""")
_VALUE = re.compile(r"""(?P<quote>["']?)(?P<text>[0-9A-Za-z.+-]+)(?P=quote)""")


def with_version(file: str, data: bytes, version: str) -> bytes:
    """The same bytes with `version` in the place of `info.version`, quotes kept.

    What comes out is read again and must differ in the version alone. Raises InputError `version-not-plain` where it
    would not: the version is an alias, or folded over lines.
    """
    document, findings = parse_tolerant(file, data)
    if document is None:
        raise InputError("invalid-document", str(findings[0]) if findings else f"{file} cannot be read")
    place = document.places.get("/info/version")
    if place is not None:
        lines = data.decode().split("\n")
        start = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
        text = "\n".join(lines)
        key = _KEY.match(text, start)
        value = _VALUE.match(text, key.end()) if key else None
        if value:
            made = (text[: value.start("text")] + version + text[value.end("text") :]).encode()
            again, _ = parse_tolerant(file, made)
            if again is not None and again.data == _raised(document.data, version):
                return made
    raise InputError(
        "version-not-plain", f"{file}: info.version is not written as plain text", f"write it yourself: {version}"
    )


def _raised(data: Json, version: str) -> Json:
    return {**data, "info": {**data["info"], "version": version}}
