"""One version: its documents, the schemas in them as parts, and whether a part reads the same in both versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import orjson

from treadle.check.schema.rules import Rules, rules_of
from treadle.contract.dialect import Dialect, Family, dialect_of
from treadle.contract.library import Node, References
from treadle.contract.pointer import tokens

if TYPE_CHECKING:
    from treadle.check.schema.shape import Shape

Key = tuple[str, str]
_BESIDE_REF = frozenset({"$ref", "$defs", "definitions", "$schema", "$comment", "title", "description", "summary"})
"""What may stand beside a reference without saying anything of the values or their use."""
_HOPS_MAX = 64
"""A longer chain of references is left to be followed when the schema is read."""
_DEPTH_MAX = 24
"""How many normal forms may be made inside one another, for choices inside choices."""
_REF = re.compile(rb'"\$ref":"((?:[^"\\]|\\.)*)"')
_MOVING_REF = re.compile(rb'"\$(?:dynamicRef|recursiveRef)":')
_OWN_ADDRESS = re.compile(rb'"(?:\$id|\$anchor|\$dynamicAnchor)":"|"\$recursiveAnchor":')
_OWN_ADDRESS_4 = re.compile(rb'"id":"')
"""Draft 4 says `id`. A property of that name has a schema behind it, not a text."""


class Part:
    """What has to hold at one place: every one of `nodes`. Interned, so that two parts are equal when identical."""

    __slots__ = ("_busy", "_shape", "digest", "nodes", "source")

    def __init__(self, source: Source, nodes: tuple[Node, ...]) -> None:
        """Made by `Source.part` only."""
        self.source = source
        self.nodes = nodes
        self._shape: Shape | None = None
        self._busy = False
        self.digest: bytes | None = None

    @property
    def shape(self) -> Shape:
        """The normal form, made when it is first asked for."""
        if self._shape is None:
            from treadle.check.schema.normal import shape_of

            self._busy = True
            self.source.depth += 1
            try:
                self._shape = shape_of(self)
            finally:
                self._busy = False
                self.source.depth -= 1
        return self._shape

    @property
    def ready(self) -> bool:
        """Whether the normal form can be asked for while others are made: not inside itself, nor ever deeper."""
        return self._shape is not None or (not self._busy and self.source.depth < _DEPTH_MAX)

    @property
    def free(self) -> bool:
        """Whether nothing has to hold."""
        return not self.nodes


class Source:
    """The documents of one version. `dialect` is the contract's, for files that do not say their own."""

    def __init__(self, references: References, dialect: Dialect | None = None) -> None:
        """Reads nothing yet."""
        self.references = references
        self._dialect = dialect
        self._rules: dict[str, Rules] = {}
        self._targets: dict[tuple[str, str], Node | None] = {}
        self._parts: dict[tuple[Key, ...], Part] = {}
        self._texts: dict[Key, bytes] = {}
        self._addressed: dict[str, bool] = {}
        self.depth = 0
        self.any = self.part(())
        self.never = self.part((Node("", "~never", value=False),))

    def part(self, nodes: Iterable[Node]) -> Part:
        """The part where all of these nodes hold."""
        found = {node.key: node for node in map(self._end, nodes) if node.value is not True and node.value != {}}
        keys = tuple(sorted(found))
        if keys not in self._parts:
            self._parts[keys] = Part(self, tuple(found[key] for key in keys))
        return self._parts[keys]

    def _end(self, node: Node) -> Node:
        """The node itself, or what it refers to where it says nothing else."""
        for _ in range(_HOPS_MAX):
            if node.reference is None or (not node.value.keys() <= _BESIDE_REF and self.rules(node.file).siblings):
                break
            target = self.follow(node)
            if target is None:
                break
            node = target
        return node

    def join(self, parts: Iterable[Part]) -> Part:
        """The part where all of these parts hold."""
        several = list(parts)
        return several[0] if len(several) == 1 else self.part(node for part in several for node in part.nodes)

    def of_kind(self, kind: str) -> Part:
        """The part that takes every value of one kind."""
        return self.part((Node("", f"~kind/{kind}", {"type": kind}),))

    def rules(self, file: str) -> Rules:
        """How the schemas of a file are read."""
        if file not in self._rules:
            said = dialect_of(self.references.library.document(file).data) if file else None
            unsaid = said is None or (said.family is Family.JSON_SCHEMA and not said.version)
            self._rules[file] = rules_of(self._dialect if unsaid and self._dialect else said)
        return self._rules[file]

    def follow(self, node: Node) -> Node | None:
        """The node that one reference leads to, or None where it cannot be told."""
        ref = node.reference
        if ref is None:
            return node
        key = (node.file, ref)
        if key not in self._targets:
            self._targets[key] = None if self._addresses(node.file) else self._target(node, ref)
        return self._targets[key]

    def _target(self, node: Node, ref: str) -> Node | None:
        if ref == "#" or ref.startswith("#/"):
            value, at = self.references.library.root(node.file).value, ""
            for name in tokens(ref[1:]) if "%" not in ref else ():
                if not isinstance(value, dict) or name not in value:
                    break
                value = value[name]
                at += "/" + name.replace("~", "~0").replace("/", "~1")
            else:
                if "%" not in ref:
                    return Node(node.file, at, value)
        return self.references.target(node, ref)

    def _addresses(self, file: str) -> bool:
        """Whether a JSON Schema gives parts of itself addresses that references may mean instead of pointers."""
        if file not in self._addressed:
            data = self.references.library.document(file).data
            rules = self.rules(file)
            below = (
                {key: value for key, value in data.items() if key not in {"$id", "id"}}
                if isinstance(data, dict)
                else {}
            )
            own = _OWN_ADDRESS_4 if rules.draft == "4" else _OWN_ADDRESS
            self._addressed[file] = not rules.lenient and (not (text := _dump(below)) or bool(own.search(text)))
        return self._addressed[file]

    def text(self, node: Node) -> bytes:
        """A node as bytes. Equal bytes are equal values; the order of keys counts."""
        if node.key not in self._texts:
            self._texts[node.key] = _dump(node.value)
        return self._texts[node.key]

    def mentions(self, node: Node) -> list[Node]:
        """What the references inside a node lead to, and perhaps a few that only look like references.

        One that leads nowhere that can be told stands for the whole document.
        """
        if not isinstance(node.value, dict | list):
            return []
        text = self.text(node)
        found = [self.references.library.root(node.file)] if _MOVING_REF.search(text) else []
        for raw in dict.fromkeys(_REF.findall(text)):
            ref = orjson.loads(b'"' + raw + b'"')
            target = self.follow(Node(node.file, node.pointer, {"$ref": ref}))
            found.append(target or self.references.library.root(node.file))
        return found


class Unchanged:
    """Tells parts that read the same in both versions, without making normal forms."""

    def __init__(self, old: Source, new: Source, known: Callable[[Node, Node], bool] | None = None) -> None:
        """Remembers each pair of nodes that was asked for. `known` may tell some at once."""
        self.old = old
        self.new = new
        self._given = known
        self._known: dict[tuple[Key, Key], bool] = {}

    def parts(self, old: Part, new: Part) -> bool:
        """Whether both say the same in the same words, and so does all that they refer to."""
        return len(old.nodes) == len(new.nodes) and all(map(self.nodes, old.nodes, new.nodes))

    def nodes(self, old: Node, new: Node) -> bool:
        """As `parts`, for two nodes."""
        pair = (old.key, new.key)
        if pair not in self._known:
            if self._given is not None and self._given(old, new):
                self._known[pair] = True
            else:
                self._settle(old, new)
        return self._known[pair]

    def _settle(self, old: Node, new: Node) -> None:
        """Decide a pair with every pair that it reaches: those that differ, or reach one that does, have changed."""
        users: dict[tuple[Key, Key], list[tuple[Key, Key]]] = {}
        changed: list[tuple[Key, Key]] = []
        waiting = [(old, new)]
        seen = {(old.key, new.key)}
        while waiting:
            before, after = waiting.pop()
            pair = (before.key, after.key)
            if self._known.get(pair) is not None:
                if not self._known[pair]:
                    changed.append(pair)
                continue
            if not self._equal(before, after):
                changed.append(pair)
                continue
            targets = self.old.mentions(before), self.new.mentions(after)
            if len(targets[0]) != len(targets[1]):
                changed.append(pair)
                continue
            for one, other in zip(*targets, strict=True):
                below = (one.key, other.key)
                users.setdefault(below, []).append(pair)
                if below not in seen:
                    seen.add(below)
                    waiting.append((one, other))
        differs: set[tuple[Key, Key]] = set()
        while changed:
            pair = changed.pop()
            if pair not in differs:
                differs.add(pair)
                changed.extend(users.get(pair, ()))
        for pair in seen:
            self._known[pair] = pair not in differs

    def _equal(self, old: Node, new: Node) -> bool:
        if self.old.rules(old.file) != self.new.rules(new.file):
            return False
        # Bytes too, since 1 == True; and a value that has none, as an integer of 100 digits, is not compared so.
        return bool(old.value == new.value) and self.old.text(old) == self.new.text(new) != b""


def _dump(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return b""
