"""One self-contained document from a file and the files that it refers to.

What another file describes becomes a reusable object of the document (`components/schemas/Pet`, `$defs/Pet`), and the
reference to it leads there. Three things are written in the place of their reference instead: what stands there as a
reusable object itself, what has no section of its own (a path item of OpenAPI 3.0), and what an extension refers to.
Everything that is moved has one home, so recursion through files stays recursion, and the size is bounded by that of
the files.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from typing import Any

from treadle.contract.dialect import dialect_of
from treadle.contract.kinds import DATA, DISCRIMINATOR, Section, kinds_of
from treadle.contract.library import Library, Node, References
from treadle.contract.place import Json
from treadle.contract.pointer import pointer, tokens
from treadle.contract.problems import Problems

NODES_MAX = 2_000_000
"""As many as a document may have that is read."""

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_FRAGMENT = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
_LOOKS_LIKE_REFERENCE = re.compile(r"[/#]|\.(?:ya?ml|json)\Z")

_Task = tuple[Node, str, Any, Any, str]
"""A node, its kind, the new container and key that it goes to, and the pointer of that place."""


def bundle(file: str, library: Library, problems: Problems) -> Json:
    """The document of `file` with everything that it refers to; its own data, untouched, where it refers to no file.

    What cannot be moved is a finding, and stays as it is written. Raises KeyError where there is no such file, and
    InvalidDocument where it is broken.
    """
    root = library.root(file)
    return _Bundling(root, References(library, problems)).run() if _refers_elsewhere(root.value) else root.value


def _refers_elsewhere(data: Json) -> bool:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            ref = value.get("$ref")
            if isinstance(ref, str) and not ref.startswith("#"):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


class _Bundling:
    def __init__(self, root: Node, references: References) -> None:
        self.root = root
        self.references = references
        self.kinds = kinds_of(dialect_of(root.value))
        self.homes: dict[tuple[str, str], str] = {}
        """File and pointer of what was moved -> its pointer in the result."""
        self.taken: dict[Section, set[str]] = {}
        """The names of each section."""
        self.counts: dict[tuple[Section, str], int] = {}
        """How often a name was wanted in a section."""
        self.ends: dict[tuple[str, str], Node | None] = {}
        """What the references followed so far lead to."""
        self.moved: deque[tuple[Node, str, Section, str]] = deque()
        self.nodes = 0

    def run(self) -> Json:
        """Homes that exist, then the document, then what it needs, and what that needs."""
        for section in self.kinds.homes:
            self._settle(section)
        result: list[Json] = [None]
        self._copy(self.root, self.kinds.root, result, 0, "")
        while self.moved and self.nodes <= NODES_MAX:
            target, kind, section, name = self.moved.popleft()
            into = result[0]
            for step in section:
                if not isinstance(into.get(step), dict):
                    into[step] = {}
                into = into[step]
            self._copy(target, kind, into, name, pointer(*section, name))
        return result[0]

    def _settle(self, section: Section) -> None:
        """What a section of the root refers to, whole or by entry, has its home there."""
        at, node = "", self.root
        for step in section:
            node, at = node.child(step), at + pointer(step)
            node = self._settled(node, at)
        names = node.value if isinstance(node.value, dict) else {}
        self.taken[section] = set(names)
        for name in names:
            self._settled(node.child(name), at + pointer(name))

    def _settled(self, node: Node, at: str) -> Node:
        if node.reference is None or len(node.value) > 1:
            return node
        target = self._target(node)
        if target is None or target.file == self.root.file:
            return node
        self.homes.setdefault(target.key, at)
        return target

    def _copy(self, node: Node, kind: str, into: Any, key: Any, here: str) -> None:
        waiting: list[_Task] = [(node, kind, into, key, here)]
        while waiting:
            node, kind, into, key, here = waiting.pop()
            self.nodes += 1
            if self.nodes > NODES_MAX:
                place = self.references.library.place(node)
                self.references.problems.add("budget-nodes", place, f"more than {NODES_MAX} nodes when put together")
                return
            value = node.value
            if kind == DATA or not isinstance(value, dict | list):
                into[key] = value
            elif isinstance(value, list):
                items: list[Json] = [None] * len(value)
                into[key] = items
                inner = kind[1:-1] if kind[:1] == "[" else kind
                waiting.extend(
                    (node.child(at), inner, items, at, here + pointer(at)) for at in reversed(range(len(value)))
                )
            elif kind == DISCRIMINATOR:
                into[key] = self._discriminator(node, here)
            else:
                self._copy_dict((node, kind, into, key, here), waiting)

    def _copy_dict(self, task: _Task, waiting: list[_Task]) -> None:
        node, kind, into, key, here = task
        target, ref = self._lead(node, kind, here) if node.reference is not None else (None, "")
        if target is not None and len(node.value) == 1:
            waiting.append((target, kind, into, key, here))
            return
        members = {name: node.child(name) for name in node.value}
        if ref:
            members["$ref"] = Node(node.file, node.pointer, ref)
        elif target is not None and isinstance(target.value, dict):
            del members["$ref"]
            members = {name: target.child(name) for name in target.value if name not in members} | members
        into[key] = copied = dict.fromkeys(members)
        waiting.extend(
            (members[name], self.kinds.below(kind, name), copied, name, here + pointer(name))
            for name in reversed(members)
        )

    def _discriminator(self, node: Node, here: str) -> Json:
        """References of a discriminator are plain text; what has no `/`, `#` or ending is the name of a schema."""
        mapping = node.value.get("mapping")
        if not isinstance(mapping, dict):
            return node.value
        led: dict[str, Json] = {}
        for name, text in mapping.items():
            led[name] = text
            if isinstance(text, str) and _LOOKS_LIKE_REFERENCE.search(text):
                at = node.child("mapping", name)
                _, led[name] = self._lead(Node(at.file, at.pointer, {"$ref": text}), "schemas", here)
        return {**node.value, "mapping": led}

    def _lead(self, node: Node, kind: str, here: str) -> tuple[Node | None, str]:
        """What a reference at `here` becomes: the node to write in its place, or the text of a new reference."""
        ref = node.reference or ""
        if node.file == self.root.file and ref.startswith("#"):
            return None, ref
        target = self._target(node)
        if target is None:
            return None, ref
        if target.file == self.root.file:
            return None, _fragment(target.pointer)
        home = self._home(target)
        section = self.kinds.sections.get(kind)
        if home is None and section is not None:
            name = self._name(target, section)
            home = self.homes[target.key] = pointer(*section, name)
            self.moved.append((_without_identity(target, kind), kind, section, name))
        elif home is None and len(node.value) == 1:
            home = self.homes[target.key] = here
        if home is None or home == here:
            return _without_identity(target, kind), ""
        return None, _fragment(home)

    def _target(self, node: Node) -> Node | None:
        """What a reference leads to, through others that say nothing but `$ref`; those of the root keep their name."""
        target: Node | None = node
        seen: dict[tuple[str, str], None] = {}
        while target is not None and (ref := target.reference) is not None:
            if target is not node and (len(target.value) > 1 or target.file == self.root.file):
                break
            if target.key in self.ends:
                target = self.ends[target.key]
                break
            if target.key in seen:
                place = self.references.library.place(node)
                self.references.problems.add("ref-cycle", place, f"`$ref: {node.reference}` leads to itself")
                target = None
                break
            seen[target.key] = None
            target = self.references.target(target, ref)
        self.ends.update(dict.fromkeys(seen, target))
        return target

    def _home(self, target: Node) -> str | None:
        """Where a node was moved to, by itself or with something that it is part of."""
        part = target.pointer
        while (target.file, part) not in self.homes:
            if not part:
                return None
            part = part.rpartition("/")[0]
        return self.homes[target.file, part] + target.pointer[len(part) :]

    def _name(self, target: Node, section: Section) -> str:
        """A free name in a section: the last word of the pointer, else the name of the file."""
        words = tokens(target.pointer)
        last = words[-1] if words else posixpath.basename(target.file).split(".")[0]
        base = _NOT_IN_NAME.sub("_", last) or "Part"
        taken, name = self.taken.setdefault(section, set()), base
        count = self.counts.get((section, base), 1)
        while name in taken:
            count += 1
            name = f"{base}_{count}"
        self.counts[section, base] = count
        taken.add(name)
        return name


def _without_identity(target: Node, kind: str) -> Node:
    """A schema that becomes part of another document has no address of its own there."""
    if kind != "schemas" or not isinstance(target.value, dict):
        return target
    value = {key: each for key, each in target.value.items() if key not in ("$id", "$schema")}
    return Node(target.file, target.pointer, value)


def _fragment(pointer: str) -> str:
    """A pointer as a URI fragment (RFC 6901 section 6)."""
    return "#" + _NOT_IN_FRAGMENT.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), pointer)
