"""What an object schema says as a whole: its properties and required names, through `allOf` and references.

Works on the self-contained schemas of the model. A path leads from the schema that one began with to a part, as if
every reference on the way were written out, which is how `contract.refs.Origins` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from treadle.contract.model import Json

Path = tuple[str | int, ...]
_HOPS_MAX = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One schema inside a whole. `root` is the schema that holds the `$defs` it may refer to."""

    schema: Json
    root: Json
    path: Path = ()

    def child(self, *steps: str | int) -> Part:
        """A schema below this one. Raises KeyError or IndexError where there is none."""
        node = self.schema
        for step in steps:
            node = node[step]
        return Part(node, self.root, (*self.path, *steps)).followed()

    def followed(self) -> Part:
        """The part that a chain of references ends at, under the same path."""
        schema = self.schema
        for _ in range(_HOPS_MAX):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            definitions = self.root.get("$defs", {}) if isinstance(self.root, dict) else {}
            schema = definitions.get(schema["$ref"].removeprefix("#/$defs/"), True)
        return Part(schema, self.root, self.path)

    @property
    def name(self) -> str:
        """The path as people write it, `lines[].amount`; empty for the whole."""
        name = ""
        for before, step in zip(("", *self.path), self.path, strict=False):
            if before == "properties":
                name += f".{step}"
            elif step == "items" and before != "properties":
                name += "[]"
            elif step == "additionalProperties":
                name += ".*"
        return name.removeprefix(".")


def whole(schema: Json) -> Part:
    """A schema of the model, from its root."""
    return Part(schema, schema).followed()


def branches(part: Part) -> Iterator[Part]:
    """The part itself and everything that `allOf` adds to it."""
    waiting = [part]
    seen = 0
    while waiting and seen < _HOPS_MAX:
        seen += 1
        each = waiting.pop()
        yield each
        listed = each.schema.get("allOf") if isinstance(each.schema, dict) else None
        waiting.extend(each.child("allOf", at) for at in range(len(listed or ())))


def properties(part: Part) -> dict[str, Part]:
    """Every property that is described."""
    found: dict[str, Part] = {}
    for each in branches(part):
        listed = each.schema.get("properties") if isinstance(each.schema, dict) else None
        for name in listed or ():
            found.setdefault(name, each.child("properties", name))
    return found


def required(part: Part) -> frozenset[str]:
    """Every property that must be there."""
    return frozenset(
        name for each in branches(part) if isinstance(each.schema, dict) for name in each.schema.get("required") or ()
    )


def types(part: Part) -> frozenset[str] | None:
    """The types that are allowed, or None where any is."""
    allowed: frozenset[str] | None = None
    for each in branches(part):
        listed = each.schema.get("type") if isinstance(each.schema, dict) else None
        if listed is not None:
            these = frozenset([listed] if isinstance(listed, str) else listed)
            allowed = these if allowed is None else allowed & these
    return allowed
