"""Schemas, small changes to them, other ways to write them, and values: all drawn from one seeded generator.

The vocabulary is small on purpose (three names, a handful of numbers and texts), so that two schemas overlap often and
a wrong claim meets a value that refutes it.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

NAMES = ("a", "b", "ab")
TEXTS = ("", "a", "b", "ab", "abc", "1")
NUMBERS = (-1, 0, 1, 2, 3, 1.5, 4)
PATTERNS = ("^a", "b$", "^[ab]+$", ".*", "^.$")
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
FLAT = ("type", "enum", "const", "number", "count", "pattern", "multiple", "unique", "required", "needs")
DEEP = (
    "properties", "additional", "patterns", "names", "items", "prefix", "contains", "allOf", "anyOf", "oneOf", "not",
    "if", "dependents", "unevaluated", "ref",
)  # fmt: skip


class Invention:
    """One generator of schemas and values."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.without: tuple[str, ...] = ()

    def schema(self, depth: int = 3) -> Any:
        """A schema of a few keywords. Those called `d0` and `d1` in `$defs` may be referred to from everywhere."""
        rng = self.rng
        if rng.random() < 0.06:
            return rng.random() < 0.6
        schema: dict[str, Any] = {}
        for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
            self.keyword(schema, depth, self.group(depth))
        return schema

    def group(self, depth: int) -> str:
        """A group of keywords to say something of."""
        return self.rng.choice([each for each in FLAT + (DEEP if depth > 0 else ()) if each not in self.without])

    def document(self, depth: int = 3, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """A whole document: a schema with definitions that it may use, and without some groups of keywords."""
        self.without = without
        root = self.schema(depth)
        root = root if isinstance(root, dict) else {"allOf": [root]}
        return {**root, "$defs": {"d0": self.schema(1), "d1": self.guarded()}}

    def guarded(self) -> dict[str, Any]:
        """A schema that may reach itself, one step into the value at a time."""
        return {"properties": {self.rng.choice(NAMES): {"$ref": f"#/$defs/d{self.rng.choice((0, 1))}"}}, **self.flat()}

    def flat(self) -> dict[str, Any]:
        """A schema without schemas below it."""
        schema: dict[str, Any] = {}
        self.keyword(schema, 0, self.rng.choice(FLAT))
        return schema

    def keyword(self, schema: dict[str, Any], depth: int, group: str) -> None:  # noqa: PLR0915 - one case a group
        """Say one more thing."""
        rng = self.rng
        below = lambda: self.schema(depth - 1)  # noqa: E731 - a short word for the lines that follow
        match group:
            case "type":
                some = rng.sample(KINDS, rng.choice((1, 1, 1, 2, 3)))
                schema["type"] = some[0] if len(some) == 1 else some
            case "enum":
                schema["enum"] = [self.value(1) for _ in range(rng.choice((1, 2, 3)))]
            case "const":
                schema["const"] = self.value(1)
            case "number":
                schema[rng.choice(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))] = rng.choice(NUMBERS)
            case "count":
                side, what = rng.choice(("min", "max")), rng.choice(("Length", "Items", "Properties"))
                schema[side + what] = rng.choice((0, 1, 2, 3))
            case "pattern":
                schema["pattern"] = rng.choice(PATTERNS)
            case "multiple":
                schema["multipleOf"] = rng.choice((1, 2, 0.5, 3))
            case "unique":
                schema["uniqueItems"] = rng.random() < 0.8
            case "required":
                schema["required"] = rng.sample(NAMES, rng.choice((1, 2)))
            case "needs":
                schema["dependentRequired"] = {rng.choice(NAMES): [rng.choice(NAMES)]}
            case "properties":
                schema["properties"] = {name: below() for name in rng.sample(NAMES, rng.choice((1, 2, 3)))}
            case "additional":
                schema["additionalProperties"] = rng.random() < 0.3 or below() if rng.random() < 0.7 else False
            case "patterns":
                schema["patternProperties"] = {each: below() for each in rng.sample(PATTERNS, rng.choice((1, 1, 2)))}
            case "names":
                schema["propertyNames"] = below()
            case "items":
                schema["items"] = below()
            case "prefix":
                schema["prefixItems"] = [below() for _ in range(rng.choice((1, 2)))]
            case "contains":
                schema["contains"] = below()
                if rng.random() < 0.4:
                    schema[rng.choice(("minContains", "maxContains"))] = rng.choice((0, 1, 2))
            case "allOf" | "anyOf" | "oneOf":
                schema[group] = [below() for _ in range(rng.choice((1, 2, 2, 3)))]
            case "not":
                schema["not"] = below()
            case "if":
                schema["if"] = below()
                for each in ("then", "else"):
                    if rng.random() < 0.7:
                        schema[each] = below()
            case "dependents":
                schema["dependentSchemas"] = {rng.choice(NAMES): below()}
            case "unevaluated":
                schema[rng.choice(("unevaluatedProperties", "unevaluatedItems"))] = rng.random() < 0.2 or below()
            case "ref":
                schema["$ref"] = f"#/$defs/d{rng.choice((0, 1))}"

    def value(self, depth: int = 2) -> Any:
        """A value of the same small vocabulary."""
        rng = self.rng
        match rng.choice(KINDS if depth > 0 else KINDS[:5]):
            case "null":
                return None
            case "boolean":
                return rng.random() < 0.5
            case "integer":
                return rng.choice((-1, 0, 1, 2, 3, 4, 6))
            case "number":
                return rng.choice((0.5, 1.5, 2.0, 1.25))
            case "string":
                return rng.choice(TEXTS)
            case "array":
                return [self.value(depth - 1) for _ in range(rng.choice((0, 1, 2, 3)))]
            case _:
                return {name: self.value(depth - 1) for name in rng.sample((*NAMES, "c"), rng.choice((0, 1, 2, 3)))}

    def near(self, values: list[Any]) -> Any:
        """A value that differs from one of `values` in one place."""
        value = copy.deepcopy(self.rng.choice(values))
        if isinstance(value, dict):
            value[self.rng.choice(NAMES)] = self.value(1)
        elif isinstance(value, list):
            value.insert(self.rng.randint(0, len(value)), self.value(1))
        else:
            value = self.value()
        return value

    def changed(self, document: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
        """The document with one to three things said otherwise."""
        self.without = without
        result = copy.deepcopy(document)
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            target, depth = self.rng.choice([each for each in schemas_in(result) if isinstance(each[0], dict)])
            keys = [key for key in target if key != "$defs"]
            if keys and self.rng.random() < 0.35:
                del target[self.rng.choice(keys)]
            else:
                self.keyword(target, min(depth, 2), self.group(depth))
        return result

    def rewritten(self, document: dict[str, Any]) -> dict[str, Any]:
        """The same document in other words: nothing that it takes or refuses is changed."""
        result = copy.deepcopy(document)
        for _ in range(self.rng.choice((1, 2, 3))):
            places = [each for each, _ in schemas_in(result) if isinstance(each, dict) and each is not result]
            if places:
                self._reword(result, self.rng.choice(places))
        return _shuffled(result, self.rng)

    def _reword(self, root: dict[str, Any], schema: dict[str, Any]) -> None:
        held = {key: schema[key] for key in schema}
        moving = not any(key.startswith("unevaluated") for key in held)
        match self.rng.choice(("annotate", "const", "listed", "moved", "wrapped", "split", "once")):
            case "annotate":
                schema["description"] = "said otherwise"
                schema["examples"] = [1]
            case "const" if "const" in schema and "enum" not in schema:
                schema["enum"] = [schema.pop("const")]
            case "listed" if isinstance(schema.get("type"), str):
                schema["type"] = [schema["type"]]
            case "moved" if moving:
                name = f"m{len(root['$defs'])}"
                root["$defs"][name] = held
                schema.clear()
                schema["$ref"] = f"#/$defs/{name}"
            case "wrapped" if moving:
                schema.clear()
                schema[self.rng.choice(("allOf", "anyOf", "oneOf"))] = [held]
            case "split" if "maxLength" in schema and moving:
                limit = schema.pop("maxLength")
                schema["allOf"] = [*schema.get("allOf", []), {"maxLength": limit}, {"maxLength": limit + 1}]
            case _:
                schema.setdefault("minItems", 0)


def schemas_in(schema: Any, depth: int = 3) -> list[tuple[Any, int]]:
    """Every schema in a document, with how many levels may still be put below it."""
    found = [(schema, depth)]
    if not isinstance(schema, dict):
        return found
    for key, value in schema.items():
        if key in {"properties", "patternProperties", "dependentSchemas", "$defs"}:
            below = list(value.values())
        elif key in {"allOf", "anyOf", "oneOf", "prefixItems"}:
            below = value
        elif key in {
            "items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else",
            "unevaluatedProperties", "unevaluatedItems",
        }:  # fmt: skip
            below = [value]
        else:
            continue
        for each in below:
            found += schemas_in(each, depth - 1)
    return found


def _shuffled(value: Any, rng: Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: _unordered(key, _shuffled(value[key], rng), rng) for key in keys}
    return [_shuffled(each, rng) for each in value] if isinstance(value, list) else value


def _unordered(key: str, value: Any, rng: Random) -> Any:
    if key in {"enum", "required", "type", "allOf", "anyOf", "oneOf"} and isinstance(value, list):
        return rng.sample(value, len(value))
    return value
