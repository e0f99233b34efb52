"""Finds what the text of a `$ref` names, in this file or another of the same mapping. Nothing is ever fetched."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from treadle.check.lint.addresses import Addresses
from treadle.check.lint.context import Path
from treadle.contract.place import Json
from treadle.contract.pointer import tokens

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")


class Unreachable(Exception):  # noqa: N818 - the target is out of reach, the error is that
    """A reference leads nowhere; the message says why. `nearest` is how far a pointer leads in its file."""

    def __init__(self, message: str, nearest: tuple[str, Path] | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


class Targets:
    """`read` gives the data of a file by its name; it raises KeyError where there is none, ValueError where it is
    broken.
    """

    def __init__(self, read: Callable[[str], Json]) -> None:
        self._read = read
        self._addresses: dict[str, Addresses] = {}

    def find(self, file: str, reference: str) -> tuple[tuple[str, Path], Json]:
        """The spot of a reference that stands in `file`, and the node there. Raises `Unreachable`."""
        try:
            return self._pointed(file, reference)
        except Unreachable:
            found = self._named(file, reference)
            if found is None:
                raise
            return found

    def _pointed(self, file: str, reference: str) -> tuple[tuple[str, Path], Json]:
        """What a file and a JSON pointer name."""
        name, _, fragment = reference.partition("#")
        if name:
            if _SCHEME.match(name):
                raise Unreachable(f"'{reference}' is not among the files at hand, and nothing is fetched")
            file = _beside(file, name)
        try:
            node = self._read(file)
        except KeyError:
            raise Unreachable(f"there is no file '{file}' at hand") from None
        except ValueError as error:
            raise Unreachable(f"'{file}' cannot be read: {error}") from None
        fragment = _decoded(fragment)
        if fragment and not fragment.startswith("/"):
            raise Unreachable(f"'{reference}' JSON pointer is invalid")
        said = f"'#{fragment}' does not exist" + (f" in '{file}'" if name else "")
        return _down(file, node, tokens(fragment), said)

    def _named(self, file: str, reference: str) -> tuple[tuple[str, Path], Json] | None:
        """What a reference names by an `$id` or an `$anchor` of a JSON Schema, or None."""
        address, _, fragment = reference.partition("#")
        fragment = _decoded(fragment)
        pointed = fragment[:1] in ("", "/")
        if pointed and not address:
            return None
        found = self._addresses_of(file).find(address, fragment)
        if found is None and address and not pointed and not _SCHEME.match(address):
            file = _beside(file, address)
            found = self._addresses_of(file).find("", fragment)
        if found is None:
            return None
        start, rest = found
        (_, path), node = _down(file, self._read(file), start, "")
        (_, below), node = _down(file, node, tokens(rest), f"'{reference}' does not exist")
        return (file, path + below), node

    def _addresses_of(self, file: str) -> Addresses:
        if file not in self._addresses:
            try:
                data = self._read(file)
            except (KeyError, ValueError):
                data = None
            self._addresses[file] = Addresses(data)
        return self._addresses[file]


def _down(file: str, node: Json, steps: Iterable[str | int], said: str) -> tuple[tuple[str, Path], Json]:
    """Where steps lead from a node. Raises `Unreachable`, with what is `said`, where one is missing."""
    path: list[str | int] = []
    for step in steps:
        token = str(step)
        if isinstance(node, dict) and token in node:
            path.append(token)
            node = node[token]
        elif isinstance(node, list) and token.isdecimal() and int(token) < len(node):
            path.append(int(token))
            node = node[int(token)]
        else:
            raise Unreachable(said, (file, tuple(path)))
    return (file, tuple(path)), node


def hops(node: Json) -> Iterator[tuple[str | int, Any]]:
    """Keys or indices of a container, with what is there."""
    return iter(node.items()) if type(node) is dict else iter(enumerate(node))


def _beside(file: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), _decoded(name)))


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    return _PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"), text)
