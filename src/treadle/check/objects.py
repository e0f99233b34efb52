"""What a schema says as a whole: its types, properties and items, through `allOf` and references.

Works on the self-contained schemas of the model. A path leads from the schema that one began with to a part, as if
every reference on the way were written out, which is how `contract.refs.Origins` reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from treadle.contract.model import Json
from treadle.contract.refs import ANNOTATIONS
from treadle.contract.schema import Validator, validator

Path = tuple[str | int, ...]

UNSAYING = ANNOTATIONS | {
    "$comment", "$schema", "$defs", "definitions", "discriminator", "externalDocs", "nullable", "xml",
}  # fmt: skip
"""Keys that allow and forbid nothing: annotations of JSON Schema 2020-12 and OpenAPI 3.1. So does all of `x-…`."""

_COMBINATORS = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Part:
    """One schema inside a whole. `root` is the schema that holds the `$defs` it may refer to.

    `also` are further schemas that the same value must fit; `outer` is the schema of which this one is an alternative,
    and its outer ones: the value must fit them too, and they are judged by themselves.
    """

    schema: Json
    root: Json
    path: Path = ()
    also: tuple[Part, ...] = ()
    outer: tuple[Part, ...] = ()

    @property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What tells two parts apart as long as their whole lives."""
        return (
            tuple(id(each.schema) for each in (self, *self.also)),
            tuple(id(each.schema) for each in self.outer),
        )

    def child(self, *steps: str | int) -> Part:
        """A schema below this one. Raises KeyError or IndexError where there is none."""
        node = self.schema
        for step in steps:
            node = node[step]
        return Part(node, self.root, (*self.path, *steps)).followed()

    def followed(self) -> Part:
        """The part that a chain of references ends at, under the same path.

        A reference that has siblings stays: both count, and `branches` gives both.
        """
        part = self
        seen: set[int] = set()
        while isinstance(part.schema, dict) and isinstance(part.schema.get("$ref"), str):
            if id(part.schema) in seen or any(says(key) for key in part.schema if key != "$ref"):
                break
            seen.add(id(part.schema))
            part = part.referred()
        return part

    def referred(self) -> Part:
        """The schema that this one refers to, under the same path."""
        definitions = self.root.get("$defs", {}) if isinstance(self.root, dict) else {}
        return Part(definitions.get(self.schema["$ref"].removeprefix("#/$defs/"), True), self.root, self.path)

    def anything(self, *steps: str | int) -> Part:
        """What stands below this one where nothing is written: everything is allowed."""
        return Part(True, self.root, (*self.path, *steps))

    @property
    def name(self) -> str:
        """The path as people write it, `lines[].amount`; empty for the whole."""
        name = ""
        steps = iter(self.path)
        for step in steps:
            if step == "properties":
                name += f".{next(steps, '')}"
            elif step == "patternProperties":
                next(steps, None)
                name += ".*"
            elif step == "prefixItems":
                name += f"[{next(steps, '')}]"
            elif step in ("items", "unevaluatedItems"):
                name += "[]"
            elif step in ("additionalProperties", "unevaluatedProperties"):
                name += ".*"
        return name.removeprefix(".")


def whole(schema: Json) -> Part:
    """A schema of the model, from its root."""
    return Part(schema, schema).followed()


def joined(parts: Iterable[Part]) -> Part | None:
    """One part that says what all of them say; None where there are none."""
    flat = [each for part in parts for each in (replace(part, also=()), *part.also)]
    different = list({id(each.schema): each for each in reversed(flat)}.values())[::-1]
    return replace(different[0], also=tuple(different[1:])) if different else None


def says(key: str) -> bool:
    """Whether a key of a schema may allow or forbid something. Unknown keys do: some engine may know them."""
    return key not in UNSAYING and not key.startswith("x-")


def branches(part: Part) -> Iterator[Part]:
    """The part itself and every schema that holds beside it: by `allOf`, a reference, or a choice of one."""
    waiting = deque([part, *part.also])
    seen: set[int] = set()
    while waiting:
        each = waiting.popleft()
        if id(each.schema) in seen:
            continue
        seen.add(id(each.schema))
        yield each
        if not isinstance(each.schema, dict):
            continue
        if isinstance(each.schema.get("$ref"), str):
            waiting.append(each.referred())
        for key in _COMBINATORS:
            listed = each.schema.get(key) or ()
            if key == "allOf" or len(listed) == 1:
                waiting.extend(each.child(key, at) for at in range(len(listed)))


def statements(part: Part, key: str) -> Iterator[Part]:
    """Every branch that has a key."""
    return (each for each in branches(part) if isinstance(each.schema, dict) and key in each.schema)


def properties(part: Part) -> dict[str, Part]:
    """Every property that is described."""
    found: dict[str, list[Part]] = {}
    for each in statements(part, "properties"):
        for name in each.schema["properties"]:
            found.setdefault(name, []).append(each.child("properties", name))
    return {name: one for name, parts in found.items() if (one := joined(parts))}


def required(part: Part) -> frozenset[str]:
    """Every property that must be there."""
    return frozenset(name for each in statements(part, "required") for name in each.schema["required"])


def types(part: Part) -> frozenset[str] | None:
    """The types that are declared, or None where any is allowed. A number may be an integer, so both are named."""
    allowed: frozenset[str] | None = None
    for each in branches(part):
        if each.schema is False:
            return frozenset()
        listed = each.schema.get("type") if isinstance(each.schema, dict) else None
        if listed is not None:
            these = frozenset([listed] if isinstance(listed, str) else listed)
            these |= {"integer"} if "number" in these else frozenset()
            allowed = these if allowed is None else allowed & these
    return allowed


def kinds(part: Part) -> frozenset[str] | None:
    """The types that values can have: as declared, and as the values that are listed have. None where any."""
    allowed = types(part)
    for each in branches(part):
        schema = each.schema if isinstance(each.schema, dict) else {}
        for listed in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if listed is not None:
                these = frozenset(_kind(value) for value in listed)
                allowed = these if allowed is None else allowed & these
    return allowed


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def impossible(part: Part | None) -> bool:
    """Whether no value fits, for all that the types say."""
    return part is not None and kinds(part) == frozenset()


class Members:
    """The schemas that hold for the properties of an object, each by what it is written for."""

    def __init__(self, part: Part) -> None:
        self.properties = properties(part)
        self.patterns: dict[str, list[Part]] = {}
        self._others: list[tuple[frozenset[str], tuple[str, ...], Part]] = []
        self._unevaluated: list[Part] = []
        for each in branches(part):
            schema = each.schema if isinstance(each.schema, dict) else {}
            patterns = tuple(schema.get("patternProperties", ()))
            for pattern in patterns:
                self.patterns.setdefault(pattern, []).append(each.child("patternProperties", pattern))
            if "additionalProperties" in schema:
                known = frozenset(schema.get("properties", ()))
                self._others.append((known, patterns, each.child("additionalProperties")))
            if "unevaluatedProperties" in schema:
                self._unevaluated.append(each.child("unevaluatedProperties"))

    def of(self, name: str) -> list[Part]:
        """What holds for the property of a name."""
        found = [self.properties[name]] if name in self.properties else []
        for pattern, parts in self.patterns.items():
            if _matches(pattern, name):
                found += parts
        for known, patterns, part in self._others:
            if name not in known and not any(_matches(pattern, name) for pattern in patterns):
                found.append(part)
        return found or self._unevaluated

    def matching(self, pattern: str) -> list[Part]:
        """What holds for properties that match a pattern and are not described."""
        return self.patterns.get(pattern) or self.others

    @property
    def others(self) -> list[Part]:
        """What holds for a property that is not described."""
        return [part for _, _, part in self._others] or self._unevaluated


class Items:
    """The schemas that hold for the items of an array, by position."""

    def __init__(self, part: Part) -> None:
        self._lists: list[tuple[list[Part], Part | None]] = []
        self._unevaluated = [each.child("unevaluatedItems") for each in statements(part, "unevaluatedItems")]
        for each in branches(part):
            schema = each.schema if isinstance(each.schema, dict) else {}
            if "prefixItems" in schema or "items" in schema:
                first = [each.child("prefixItems", at) for at in range(len(schema.get("prefixItems", ())))]
                self._lists.append((first, each.child("items") if "items" in schema else None))

    @property
    def places(self) -> int:
        """How many positions have a schema of their own."""
        return max((len(first) for first, _ in self._lists), default=0)

    def of(self, at: int) -> list[Part]:
        """What holds for the item at a position."""
        found = [first[at] if at < len(first) else rest for first, rest in self._lists]
        return [each for each in found if each is not None] or self._unevaluated


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> Validator:
    return validator({"pattern": pattern})


def _matches(pattern: str, name: str) -> bool:
    return _pattern(pattern).is_valid(name)
