"""Schemas with references in, self-contained JSON Schema 2020-12 out.

A reference is inlined, so that a reader of the result sees properties and not names. Two kinds stay references, into
`$defs` of the result: a schema that reaches itself, and one so big or deep that inlining it would multiply. So the
size of a result is bounded by the size of the sources, whatever refers to what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from treadle.contract.library import Library, Node, References
from treadle.contract.model import Contract, Json, Place
from treadle.contract.parse import Document
from treadle.contract.pointer import escape, tokens
from treadle.contract.problems import Problems

SCHEMA_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_SINGLES = frozenset(
    {
        "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties", "contentSchema",
    }
)  # fmt: skip
ANNOTATIONS = frozenset(
    {"title", "description", "deprecated", "readOnly", "writeOnly", "example", "examples", "default"}
)
_DEFINITIONS = frozenset({"$defs", "definitions"})
_ADDRESSING = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"})

INLINE_NODES_MAX = 500
INLINE_HEIGHT_MAX = 24
BODY_NODES_MAX = 5_000
DEFINITIONS_MAX = 4_000
"""A validator follows definitions by recursion; a chain of some ten thousand would overflow its stack."""

Key = tuple[str, str]
"""File and pointer of a schema."""


@dataclass(frozen=True, slots=True)
class _Body:
    """One schema rewritten: what `$defs` it needs, how many nodes and levels it has."""

    schema: Json
    needs: frozenset[Key]
    nodes: int
    height: int


class Schemas:
    """Every schema of one contract, rewritten once and shared between the places that use it."""

    def __init__(self, references: References) -> None:
        self.references = references
        self._edges: dict[Key, tuple[Node, ...]] = {}
        self._cyclic: set[Key] = set()
        self._bodies: dict[Key, _Body] = {}
        self._names: dict[Key, str] = {}
        self._taken: set[str] = set()

    def resolve(self, node: Node) -> Json:
        """The schema at a node, self-contained. What cannot be resolved is a finding, and True in the result."""
        self._explore(node)
        body = self._bodies[node.key]
        needed = self._closure(body.needs)
        if not needed:
            return body.schema
        if len(needed) > DEFINITIONS_MAX:
            place = self.references.library.place(node)
            self.references.problems.add("budget-definitions", place, f"more than {DEFINITIONS_MAX} definitions")
            return True
        definitions = {self._name(key): self._bodies[key].schema for key in needed}
        return {**body.schema, "$defs": definitions} if isinstance(body.schema, dict) else body.schema

    def _closure(self, needs: frozenset[Key]) -> list[Key]:
        needed: dict[Key, None] = {}
        waiting = sorted(needs, reverse=True)
        while waiting:
            key = waiting.pop()
            if key not in needed:
                needed[key] = None
                waiting.extend(sorted(self._bodies[key].needs, reverse=True))
        return list(needed)

    def _explore(self, start: Node) -> None:
        """Rewrite everything that `start` reaches, targets before users (Tarjan's components, without recursion)."""
        order: dict[Key, int] = {}
        low: dict[Key, int] = {}
        open_keys: list[Node] = []
        on_stack: set[Key] = set()
        work: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node) -> None:
            order[node.key] = low[node.key] = len(order)
            open_keys.append(node)
            on_stack.add(node.key)
            work.append((node, iter(self._targets(node))))

        if start.key in self._bodies:
            return
        enter(start)
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is not None:
                if target.key in self._bodies:
                    continue
                if target.key not in order:
                    enter(target)
                elif target.key in on_stack:
                    low[node.key] = min(low[node.key], order[target.key])
                continue
            work.pop()
            if work:
                user = work[-1][0].key
                low[user] = min(low[user], low[node.key])
            if low[node.key] == order[node.key]:
                self._close(node, open_keys, on_stack)

    def _close(self, head: Node, open_keys: list[Node], on_stack: set[Key]) -> None:
        members: list[Node] = []
        while not members or members[-1].key != head.key:
            member = open_keys.pop()
            on_stack.discard(member.key)
            members.append(member)
        if len(members) > 1 or any(target.key == head.key for target in self._edges[head.key]):
            self._cyclic.update(member.key for member in members)
        for member in members:
            self._bodies[member.key] = _Rewriting(self, member).body()

    def _targets(self, node: Node) -> tuple[Node, ...]:
        if node.key not in self._edges:
            found: list[Node] = []
            waiting = [node]
            while waiting:
                at = waiting.pop()
                if at.reference is not None:
                    target = self.references.target(at, at.reference)
                    if target is not None:
                        found.append(target)
                waiting.extend(subschemas(at))
            self._edges[node.key] = tuple(found)
        return self._edges[node.key]

    def inlined(self, target: Node) -> _Body | None:
        """The body to put in the place of a reference, or None where it must stay one."""
        body = self._bodies.get(target.key)
        small = body and body.nodes <= INLINE_NODES_MAX and body.height <= INLINE_HEIGHT_MAX
        return body if small and target.key not in self._cyclic else None

    def definition(self, target: Node) -> Json:
        """A reference into `$defs`."""
        return {"$ref": f"#/$defs/{self._name(target.key)}"}

    def _name(self, key: Key) -> str:
        if key not in self._names:
            last = key[1].rpartition("/")[2] or key[0].rpartition("/")[2]
            base = name = re.sub(r"[^A-Za-z0-9_.-]", "_", last) or "schema"
            while name in self._taken:
                name = f"{base}_{len(self._taken)}"
            self._taken.add(name)
            self._names[key] = name
        return self._names[key]

    def source(self, name: str) -> Key | None:
        """Which file and pointer a name in `$defs` stands for."""
        return next((key for key, known in self._names.items() if known == name), None)


class _Rewriting:
    """One walk over one schema."""

    def __init__(self, schemas: Schemas, node: Node) -> None:
        self.schemas = schemas
        self.node = node
        self.needs: set[Key] = set()
        self.nodes = 0

    def body(self) -> _Body:
        schema, height = self._schema(self.node)
        return _Body(schema, frozenset(self.needs), self.nodes, height)

    def _schema(self, node: Node) -> tuple[Json, int]:
        self.nodes += 1
        if not isinstance(node.value, dict):
            return node.value, 1
        result: dict[str, Json] = {}
        height = 0
        for key, value in node.value.items():
            if key in _ADDRESSING:
                self._refuse_addressing(node, key)
            elif key == "$ref" and isinstance(value, str):
                continue
            elif key in SCHEMA_MAPS and isinstance(value, dict):
                inner: dict[str, Json] = {}
                for name in value:
                    inner[name], below = self._schema(node.child(key, name))
                    height = max(height, below)
                result[key] = inner
            elif key in SCHEMA_LISTS and isinstance(value, list):
                items: list[Json] = []
                for at in range(len(value)):
                    item, below = self._schema(node.child(key, at))
                    items.append(item)
                    height = max(height, below)
                result[key] = items
            elif key in SCHEMA_SINGLES and isinstance(value, dict):
                result[key], below = self._schema(node.child(key))
                height = max(height, below)
            elif key not in _DEFINITIONS:
                result[key] = value
        if node.reference is not None:
            return self._with_reference(node, result, height)
        return result, height + 1

    def _with_reference(self, node: Node, beside: dict[str, Json], height: int) -> tuple[Json, int]:
        target = self.schemas.references.target(node, node.reference or "")
        if target is None:
            return True, 1
        body = self.schemas.inlined(target)
        if body is None or self.nodes + body.nodes > BODY_NODES_MAX:
            self.needs.add(target.key)
            return {**self.schemas.definition(target), **beside}, height + 1
        self.nodes += body.nodes
        self.needs |= body.needs
        if not beside:
            return body.schema, body.height
        if isinstance(body.schema, dict) and all(key in ANNOTATIONS or key.startswith("x-") for key in beside):
            return {**body.schema, **beside}, body.height
        return {**beside, "allOf": [*beside.get("allOf", []), body.schema]}, max(height, body.height) + 1

    def _refuse_addressing(self, node: Node, key: str) -> None:
        place = self.schemas.references.library.place_of(node.file, f"{node.pointer}/{escape(key)}")
        self.schemas.references.problems.add(
            "schema-address", place, f"`{key}` gives a schema an address of its own", "refer by file and JSON pointer"
        )


def subschemas(node: Node) -> Iterator[Node]:
    """The schemas directly inside a schema, definitions left out: they count where they are referred to."""
    if not isinstance(node.value, dict):
        return
    for key, value in node.value.items():
        if key in SCHEMA_MAPS and isinstance(value, dict):
            for name in value:
                yield node.child(key, name)
        elif key in SCHEMA_LISTS and isinstance(value, list):
            for at in range(len(value)):
                yield node.child(key, at)
        elif key in SCHEMA_SINGLES and isinstance(value, dict):
            yield node.child(key)


class Origins:
    """Finds where a part of a resolved schema was written. Built only when something is to be said about it."""

    def __init__(self, library: Library) -> None:
        self._references = References(library, Problems())

    @staticmethod
    def of(contract: Contract) -> Origins:
        """For a contract that was read before, from its sources."""
        main = Document(contract.place.file, contract.document, contract.places)
        return Origins(Library(contract.sources, (main,)))

    def place(self, file: str, pointer: str, path: tuple[str | int, ...] = ()) -> Place:
        """The place of `path` inside the schema that `pointer` names. Falls back to the nearest place that is known."""
        library = self._references.library
        node = library.root(file)
        place = library.place(node)
        for step in (*tokens(pointer), *path):
            below = self._step(node, step)
            if below is None:
                break
            place = library.place(below)
            node = below
        return place

    def _step(self, node: Node, step: str | int) -> Node | None:
        """One step down; where the node has no such child, the child of what it refers to."""
        for _ in range(64):
            at = step
            if isinstance(node.value, list) and isinstance(step, str) and step.isdigit():
                at = int(step)
            below = node.child(at)
            if below.value is not None or (isinstance(node.value, dict) and at in node.value):
                return below
            target = self._references.target(node, node.reference) if node.reference is not None else None
            if target is None:
                return None
            node = target
        return None
