"""The schemas of a document as validators: what its examples and defaults are judged by.

A resolved document is a graph: what many references lead to is there once. It stays one: a schema that is shared is
rewritten once, as a definition, and all those that some example needs are compiled into one validator, from which each
is chosen by its name. A big document takes some ten milliseconds so, where a validator for each schema takes seconds.

Of a schema that refers to itself, however far down, Spectral says nothing (the reference stays in what it resolves,
and leads nowhere from there); so do we.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

from treadle.check.lint.ajv import same
from treadle.check.lint.ajv_formats import FORMATS
from treadle.check.lint.missing import MISSING
from treadle.contract.place import Json

if TYPE_CHECKING:
    from jsonschema_rs import FancyRegexOptions, ValidationError, Validator

    from treadle.check.lint.context import Subject

MAPS = ("dependencies", "dependentSchemas", "properties", "patternProperties")
SINGLES = (
    "not", "if", "then", "else", "items", "additionalItems", "contains", "propertyNames", "additionalProperties",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_ORDER = (
    "not", "anyOf", "oneOf", "allOf", "if", "then", "else", "prefixItems", "items", "additionalItems", "contains",
    "propertyNames", "additionalProperties", "dependencies", "dependentSchemas", "properties", "patternProperties",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
"""The keywords that hold schemas, as Ajv compiles them."""
_IN_PLACE = frozenset({"not", "anyOf", "oneOf", "allOf", "if", "then", "else", "dependencies", "dependentSchemas"})
"""Of these, those that judge the same value as the schema that holds them."""
_WAYS_MAX = 5_000
"""Ways by which one value may come to schemas: alternatives of alternatives multiply, and each way takes its time."""
_LEFT_OUT = frozenset(
    {"$ref", "id", "$id", "$schema", "example", "default", "x-example", "discriminator", "xml", "externalDocs"}
)
_DRAFTS = {True: "https://json-schema.org/draft/2020-12/schema", False: "http://json-schema.org/draft-04/schema#"}
_UNCHECKED = ("iri", "iri-reference", "idn-email", "idn-hostname", "json-pointer-uri-fragment")
_BITS = {"int32": {"minimum": -(2**31), "maximum": 2**31 - 1, "multipleOf": 1}, "int64": {"multipleOf": 1}}


class Use(Enum):
    """What a schema is used for. What a client only reads is not required of it, and the other way about."""

    ANY = ""
    REQUEST = "readOnly"
    RESPONSE = "writeOnly"


class Flaw(Enum):
    """Why nothing can be judged by a schema."""

    LOOSE = "a reference in it leads to itself, or nowhere"
    BROKEN = "it is no schema"
    MANIFOLD = "its alternatives have alternatives in too many ways"
    NULLABLE = "it says `nullable` without a `type`, or neither true nor false"


_Key = tuple[Use, int]


@dataclass(slots=True)
class _Body:
    """One schema, rewritten. `events` are what Ajv meets in it, in order: flaws, and references to other schemas.

    `together` are the references whose schemas judge one value: first those of the value itself.
    """

    schema: Json
    events: list[Flaw | _Key] = field(default_factory=list)
    together: list[list[_Key]] = field(default_factory=list)


@dataclass(slots=True)
class AuthorSchemas:
    """Every schema of one document that something is judged by."""

    subject: Subject
    modern: bool
    """Whether schemas are those of draft 2020-12 (OpenAPI 3.1 and later), not of draft 4."""
    _bodies: dict[_Key, _Body] = field(default_factory=dict)
    _flaws: dict[_Key, Flaw | None] = field(default_factory=dict)
    _ways: dict[_Key, int] = field(default_factory=dict)
    _validators: dict[_Key, Validator] = field(default_factory=dict)
    _alive: list[Json] = field(default_factory=list)
    """Schemas are known by their identity; so none may be thrown away."""

    def prepare(self, wanted: Iterable[tuple[Json, Use]]) -> None:
        """Compile the validator of many schemas at once."""
        keys = [self._add(schema, use) for schema, use in wanted]
        self._compile([key for key in dict.fromkeys(keys) if self._flaw(key) is None and key not in self._validators])

    def flaw(self, schema: Json, use: Use = Use.ANY) -> Flaw | None:
        """Why nothing can be judged by a schema, or None."""
        return self._flaw(self._add(schema, use))

    def errors(self, schema: Json, value: Json, use: Use = Use.ANY) -> list[ValidationError]:
        """What a schema without a flaw has against a value; paths begin with the name of the schema."""
        key = (use, id(schema))
        if key not in self._validators:
            self.prepare([(schema, use)])
        validator, chosen = self._validators[key], {_name(key): value}
        return [] if validator.is_valid(chosen) else list(validator.iter_errors(chosen))

    def body(self, name: str) -> Json:
        """The schema that a name, or a reference in such a schema, stands for, as it was rewritten."""
        use, _, id = name.rpartition("/")[2].partition("-")
        return self._bodies[(Use[use], int(id))].schema

    def _add(self, schema: Json, use: Use) -> _Key:
        """Rewrite a schema and every shared one below it."""
        start = (use, id(schema))
        waiting = [(schema, use)]
        while waiting:
            node, as_used = waiting.pop()
            key = (as_used, id(node))
            if key in self._bodies:
                continue
            self._alive.append(node)
            events: list[Flaw | _Key] = []
            rewriting = _Rewriting(self, events, waiting)
            self._bodies[key] = _Body(rewriting.whole(node, as_used), events, rewriting.together)
            if not _is_schema(self._bodies[key].schema, modern=self.modern):
                events.insert(0, Flaw.BROKEN)
        return start

    def _flaw(self, start: _Key) -> Flaw | None:
        """The flaw at which Ajv gives up: what is no schema, anywhere below, else the first that it meets on its way.

        References make no cycle: those that would are a flaw.
        """
        flaws, way = self._flaws, [] if start in self._flaws else [start]
        while way:
            events = self._bodies[way[-1]].events
            unknown = [each for each in events if not isinstance(each, Flaw) and each not in flaws]
            if unknown:
                way += unknown
                continue
            found = [each if isinstance(each, Flaw) else flaws[each] for each in events]
            if self._count_ways(way[-1]) > _WAYS_MAX:
                found.append(Flaw.MANIFOLD)
            flaws[way.pop()] = Flaw.BROKEN if Flaw.BROKEN in found else next(filter(None, found), None)
        return flaws[start]

    def _count_ways(self, key: _Key) -> int:
        """The most ways by which one value comes to schemas. Those of what it refers to were counted before."""
        ways = [
            min(1 + sum(self._ways[each] for each in together), _WAYS_MAX + 1)
            for together in self._bodies[key].together
        ]
        self._ways[key] = ways[0]
        return max(ways)

    def _compile(self, keys: list[_Key]) -> None:
        if not keys:
            return
        needed: dict[_Key, None] = {}
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key not in needed:
                needed[key] = None
                waiting.extend(each for each in self._bodies[key].events if not isinstance(each, Flaw))
        definitions = {_name(key): self._bodies[key].schema for key in needed}
        root = {"properties": {_name(key): _reference(key) for key in keys}, "definitions": definitions}
        validator = _validator(root, modern=self.modern)
        self._validators.update(dict.fromkeys(keys, validator))


class _Rewriting:
    """One walk over one schema: what is shared becomes a reference by name, `nullable` a type."""

    def __init__(self, schemas: AuthorSchemas, events: list[Flaw | _Key], shared: list[tuple[Json, Use]]) -> None:
        self._subject = schemas.subject
        self._modern = schemas.modern
        self._events = events
        self._shared = shared
        self.together: list[list[_Key]] = []

    def whole(self, node: Json, use: Use) -> Json:
        """A schema for a value of its own."""
        self.together.append([])
        return self.schema(node, use, self.together[-1])

    def schema(self, node: Json, use: Use, together: list[_Key]) -> Json:
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):  # to itself, or nowhere: others are written out
            self._events.append(Flaw.LOOSE)
        elif "$ref" in node:
            self._events.append(Flaw.BROKEN)
        result = {key: value for key, value in node.items() if key not in _LEFT_OUT}
        self._nullable(node, result)
        pattern = node.get("pattern")
        if isinstance(pattern, str) and not _runs(pattern):
            if not FORMATS["regex"](pattern):
                self._events.append(Flaw.BROKEN)
            del result["pattern"]
        if not _may_be_enum(node.get("enum", MISSING), modern=self._modern):
            self._events.append(Flaw.BROKEN)
        bits = _BITS.get(str(node.get("format")))
        for word in _ORDER:
            if word in node:
                result[word] = self._below(word, node[word], Use.ANY if word == "not" else use, together)
        if bits:
            result["allOf"] = [*result.get("allOf", []), bits]
        if use is not Use.ANY and isinstance(node.get("required"), list) and isinstance(node.get("properties"), dict):
            self._relax(node, result, use)
        return result

    def _part(self, node: Json, use: Use, together: list[_Key] | None) -> Json:
        """A schema inside: for the same value as the one that holds it, or (None) for another."""
        if id(node) not in self._subject.shared or not isinstance(node, dict):
            return self.whole(node, use) if together is None else self.schema(node, use, together)
        key = (use, id(node))
        self._events.append(key)
        if together is not None:
            together.append(key)
        self._shared.append((node, use))
        return _reference(key)

    def _nullable(self, node: dict[str, Any], result: dict[str, Any]) -> None:
        types = node.get("type")
        nullable = node.get("x-nullable") if "oas2" in self._subject.formats and "x-nullable" in node else None
        nullable = node.get("nullable") if nullable is None else nullable
        if nullable is None and "nullable" not in node:
            return
        if not types or not isinstance(nullable, bool):
            self._events.append(Flaw.NULLABLE)
        elif nullable:
            several = types if isinstance(types, list) else [types]
            result["type"] = several if "null" in several else [*several, "null"]

    def _below(self, word: str, value: Json, use: Use, around: list[_Key]) -> Json:
        together = around if word in _IN_PLACE else None
        if isinstance(value, dict) and word in MAPS:
            kept = filter(_runs, value) if word == "patternProperties" else value
            return {key: self._part(value[key], use, together) for key in kept}
        if isinstance(value, list):
            return [self._part(each, use, together) for each in value]
        return self._part(value, use, together) if word in SINGLES else value

    def _relax(self, node: dict[str, Any], result: dict[str, Any], use: Use) -> None:
        spared = {
            name for name, each in node["properties"].items() if isinstance(each, dict) and each.get(use.value) is True
        }
        required = [name for name in node["required"] if name not in spared]
        if required:
            result["required"] = required
        else:
            del result["required"]


def _name(key: _Key) -> str:
    return f"{key[0].name}-{key[1]}"


def _reference(key: _Key) -> dict[str, Json]:
    return {"$ref": f"#/definitions/{_name(key)}"}


def _is_schema(schema: Json, *, modern: bool) -> bool:
    from jsonschema_rs import meta

    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    try:
        return meta.is_valid({**schema, "$schema": _DRAFTS[modern]})
    except ValueError:  # nests too deeply
        return False


def _may_be_enum(values: Json, *, modern: bool) -> bool:
    """An enum has a value, and in draft 4 has none twice: the meta-schema says so, our validator does not."""
    if not isinstance(values, list):
        return True
    return bool(values) and (modern or not any(same(each, other) for each, other in combinations(values, 2)))


@cache
def _patterns() -> FancyRegexOptions:
    from jsonschema_rs import FancyRegexOptions

    from treadle.check.lint.regex import STEPS_MAX

    return FancyRegexOptions(backtrack_limit=STEPS_MAX, size_limit=1024 * 1024, dfa_size_limit=1024 * 1024)


@cache
def _runs(pattern: str) -> bool:
    """Whether a pattern compiles within bounds. By one that does not, nothing is judged."""
    from jsonschema_rs import Draft7Validator

    try:
        Draft7Validator({"pattern": pattern}, pattern_options=_patterns())
    except ValueError:
        return False
    return True


def _validator(root: dict[str, Json], *, modern: bool) -> Validator:
    from jsonschema_rs import Draft4Validator, Draft202012Validator

    from treadle.contract.schema import refuse_retrieval

    formats: dict[str, Any] = {**FORMATS, **dict.fromkeys(_UNCHECKED, lambda _text: True)}
    return (Draft202012Validator if modern else Draft4Validator)(
        root, validate_formats=True, formats=formats, retriever=refuse_retrieval, pattern_options=_patterns()
    )
