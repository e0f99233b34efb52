"""The files of a workspace, each parsed at most once, and nodes inside them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from treadle.base.nearest import nearest
from treadle.contract.finding import Finding
from treadle.contract.parse import Document, InvalidDocument, parse, parse_tolerant
from treadle.contract.place import Json, Place
from treadle.contract.places import index
from treadle.contract.pointer import escape, pointer, tokens
from treadle.contract.problems import Problems

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\\\\")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_HOPS_MAX = 64
"""A chain of references longer than this is a cycle, or means harm."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of one file. `pointer` is where it stands after every reference on the way to it was followed."""

    file: str
    pointer: str
    value: Json

    @property
    def key(self) -> tuple[str, str]:
        """What tells two nodes apart."""
        return (self.file, self.pointer)

    def child(self, *names: str | int) -> Node:
        """A node below this one; its value is None where there is none."""
        value: Any = self.value
        at = self.pointer
        for name in names:
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value):
                value = value[name]
            else:
                value = None
            at += f"/{escape(name) if isinstance(name, str) else name}"
        return Node(self.file, at, value)

    @property
    def reference(self) -> str | None:
        """The text of `$ref`, where this node is a reference."""
        found = self.value.get("$ref") if isinstance(self.value, dict) else None
        return found if isinstance(found, str) else None


class Library:
    """Files by their path relative to the workspace. `known` are documents that were parsed before.

    A tolerant library keeps documents usable that a strict one refuses, and gathers what is wrong with them.
    """

    def __init__(self, files: Mapping[str, bytes], known: Iterable[Document] = (), *, tolerant: bool = False) -> None:
        self.files = files
        self.tolerant = tolerant
        self._documents: dict[str, Document] = {document.file: document for document in known}
        self._broken: dict[str, InvalidDocument] = {}
        self._tolerated: dict[str, tuple[Finding, ...]] = {}

    def document(self, file: str) -> Document:
        """Parse a file once. Raises KeyError where there is none, InvalidDocument (each time) where it is broken."""
        if file in self._broken:
            raise self._broken[file]
        if file not in self._documents:
            try:
                self._documents[file] = self._parse(file)
            except InvalidDocument as error:
                self._broken[file] = error
                raise
        return self._documents[file]

    def _parse(self, file: str) -> Document:
        data = self.files[file]
        if not self.tolerant:
            return parse(file, data)
        document, self._tolerated[file] = parse_tolerant(file, data)
        if document is None:
            raise InvalidDocument(self._tolerated[file])
        return document

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a tolerant library found wrong with the files read so far, the broken ones included."""
        return tuple(finding for each in self._tolerated.values() for finding in each)

    def root(self, file: str) -> Node:
        """The whole document of a file."""
        return Node(file, "", self.document(file).data)

    def place(self, node: Node) -> Place:
        """Where a node stands, or its nearest ancestor that is there."""
        return self.place_of(node.file, node.pointer)

    def place_of(self, file: str, pointer: str) -> Place:
        """As `place`, for a node that may not be there."""
        places = self.document(file).places
        while (place := places.get(pointer)) is None and pointer:
            pointer = pointer.rpartition("/")[0]
        return place or Place(file)


class References:
    """Follows `$ref` from one contract through the files of a workspace. Nothing is ever fetched.

    `used` gathers the files that were reached: they are part of the contract's bytes.
    """

    def __init__(self, library: Library, problems: Problems) -> None:
        self.library = library
        self.problems = problems
        self.used: set[str] = set()
        self._targets: dict[tuple[str, str], Node] = {}

    def follow(self, node: Node) -> Node | None:
        """The node that a chain of references ends at; the node itself where it is none; None where it dangles."""
        seen: list[tuple[str, str]] = []
        start = node
        while (ref := node.reference) is not None:
            if node.key in seen or len(seen) > _HOPS_MAX:
                self.problems.add("ref-cycle", self.library.place(start), f"`$ref: {start.reference}` leads to itself")
                return None
            seen.append(node.key)
            target = self.target(node, ref)
            if target is None:
                return None
            node = target
        return node

    def child(self, node: Node, *names: str | int) -> Node | None:
        """Step down, following references before and after each step."""
        found: Node | None = self.follow(node)
        for name in names:
            found = found and self.follow(found.child(name))
        return found

    def target(self, node: Node, ref: str) -> Node | None:
        """The node that the text of one reference names, or None with a finding at the reference."""
        target = self._targets.get((node.file, ref))
        if target is None:
            target = self._look_up(node, ref)
            if target is not None:
                self._targets[node.file, ref] = target
        return target

    def _look_up(self, node: Node, ref: str) -> Node | None:
        at = (node.file, node.pointer + "/$ref")
        if _REMOTE.match(ref):
            self.problems.add(
                "remote-ref",
                self.library.place_of(*at),
                f"`{ref}` is not inside the workspace; nothing is fetched",
                "copy the file into the workspace and refer to it by a relative path",
            )
            return None
        path, _, fragment = ref.partition("#")
        file = node.file
        if path:
            file = posixpath.normpath(posixpath.join(posixpath.dirname(node.file), _decode(path)))
            if file.startswith(("/", "../")) or file == "..":
                self.problems.add(
                    "ref-escapes",
                    self.library.place_of(*at),
                    f"`{ref}` leaves the workspace",
                    "refer to a file under domains/",
                )
                return None
        root = self._root(file, ref, at)
        return root and self._descend(root, ref, _decode(fragment), at)

    def _root(self, file: str, ref: str, at: tuple[str, str]) -> Node | None:
        try:
            root = self.library.root(file)
        except KeyError:
            near = nearest(file, self.library.files)
            hint = f"did you mean `{near}`?" if near else "the path is relative to the file that refers"
            place = self.library.place_of(*at)
            self.problems.add("dangling-ref", place, f"`{ref}`: there is no file `{file}`", hint)
            return None
        except InvalidDocument as error:
            self.problems.extend(error.findings)
            return None
        self.used.add(file)
        return root

    def _descend(self, root: Node, ref: str, fragment: str, at: tuple[str, str]) -> Node | None:
        if fragment and not fragment.startswith("/"):
            self.problems.add(
                "dangling-ref",
                self.library.place_of(*at),
                f"`{ref}` names an anchor",
                "write a JSON pointer: `#/components/schemas/Order`",
            )
            return None
        node, below = root.value, ""
        for token in tokens(fragment):
            if isinstance(node, dict) and token in node:
                node = node[token]
            elif isinstance(node, list) and (number := index(token)) is not None and number < len(node):
                node = node[number]
            else:
                near = nearest(token, node) if isinstance(node, dict) else None
                hint = f"did you mean `{near}`?" if near else f"there is nothing below `#{below or '/'}` of that name"
                place = self.library.place_of(*at)
                self.problems.add("dangling-ref", place, f"`{ref}` leads nowhere: no `{token}`", hint)
                return None
            below += pointer(token)
        return Node(root.file, below, node)


def _decode(text: str) -> str:
    """Percent-decoding of a URI reference (RFC 3986 section 2.1), as UTF-8."""
    return _PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"), text)
