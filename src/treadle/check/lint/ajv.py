"""What a JSON Schema has against a value, said in the order and the grain of Ajv.

Spectral makes its results out of Ajv's list of errors: it drops neighbours, siblings and parents by where they stand
in that list. Whoever wants the same results needs the same list, and no other validator gives it. Keywords are those
of drafts 4 to 7; nothing is compiled before a value asks for it, so a schema of 100 kB costs what a document uses.
Source: https://ajv.js.org (order of keywords: groups by type, applicators after assertions, `allErrors`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from treadle.check.lint.ajv_formats import FORMATS, NUMBER_FORMATS
from treadle.check.lint.context import Path
from treadle.contract.place import Json
from treadle.contract.pointer import tokens


@dataclass(frozen=True, slots=True)
class Error:
    """One keyword that does not hold. `path` leads from the value down; `subject` is the property it is about."""

    keyword: str
    path: Path
    message: str
    subject: Json = None


Errors = list[Error]
Memo = dict[tuple[int, int], Errors]
Step = Callable[[Json, Memo], Errors]

_NONE: Errors = []
ERRORS_MAX = 100_000
"""Of one value. Schemas that share their parts could otherwise double the errors at each level."""
_BRANCHING = frozenset({"$ref", "not", "anyOf", "oneOf", "allOf", "if"})
"""Keywords that lead to other schemas for the same value, which may meet again."""
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("number", ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "format")),
    ("string", ("maxLength", "minLength", "pattern", "format")),
    ("", ("$ref", "const", "enum", "not", "anyOf", "oneOf", "allOf", "if")),
    ("array", ("maxItems", "minItems", "uniqueItems", "items", "contains")),
    (
        "object",
        (
            "maxProperties", "minProperties", "required", "propertyNames", "additionalProperties", "dependencies",
            "properties", "patternProperties",
        ),
    ),
)  # fmt: skip


class Judge:
    """One schema, self-contained: every `$ref` in it is a JSON pointer into it.

    `nearest`: of the branches of an `anyOf` or `oneOf` that fail, only the one that comes nearest is told, and of an
    `if` only what its consequence says. That is what a person wants to read, and not what Ajv says.
    """

    def __init__(self, schema: Json, *, nearest: bool = False) -> None:
        self.nearest = nearest
        self._root = schema
        self._steps: dict[int, list[Step]] = {}

    def errors(self, value: Json) -> Errors:
        """Every error, in Ajv's order. One that nests too deeply to be judged is an error at its root."""
        try:
            return self.judge(self._root, value, {})
        except RecursionError:
            return [Error("depth", (), "is nested too deeply to be judged")]

    def judge(self, schema: Json, value: Json, memo: Memo) -> Errors:
        """As `errors`, for one part of the schema. A part and a value meet once, however often they are shared."""
        if not isinstance(schema, dict):
            return [Error("false schema", (), "is not allowed here")] if schema is False else _NONE
        steps = self._steps.get(id(schema))
        if steps is None:
            steps = self._steps[id(schema)] = self._compile(schema)
        if not steps:
            return _NONE
        key = None
        if isinstance(value, dict | list) or not _BRANCHING.isdisjoint(schema):
            key = (id(schema), id(value))
            if key in memo:
                return memo[key]
            memo[key] = _NONE  # a schema that refers to itself for the same value adds nothing
        errors = _NONE
        for step in steps:
            found = step(value, memo)
            if found:
                errors = (errors + found if errors else found)[:ERRORS_MAX]
        if key is not None:
            memo[key] = errors
        return errors

    def _compile(self, schema: dict[str, Json]) -> list[Step]:
        types = _types(schema)
        steps: list[Step] = []
        late = len(types) == 1 and any(name == types[0] and _used(schema, words) for name, words in _GROUPS)
        wrong = _type(types)
        if types and not late:
            steps.append(wrong)
        for kind, words in _GROUPS:
            used = [self._keyword(word, kind, schema) for word in _used(schema, words)]
            if kind and used:
                steps.append(_only(kind, used, wrong if late and types[0] == kind else None))
            else:
                steps.extend(used)
        return steps

    def _keyword(self, word: str, kind: str, schema: dict[str, Json]) -> Step:
        make = _FORMAT_OF[kind] if word == "format" else _KEYWORDS[word]
        return make(self, schema[word], schema)

    def target(self, ref: str) -> Json:
        """The part of the schema that a reference names; True where there is none."""
        node = self._root
        for token in tokens(ref.partition("#")[2]):
            if isinstance(node, dict) and token in node:
                node = node[token]
            elif isinstance(node, list) and token.isdecimal() and int(token) < len(node):
                node = node[int(token)]
            else:
                return True
        return node


def _used(schema: dict[str, Json], words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word in schema]


def _types(schema: dict[str, Json]) -> list[str]:
    said = schema.get("type", [])
    types = [said] if isinstance(said, str) else list(said) if isinstance(said, list) else []
    return [*types, "null"] if types and schema.get("nullable") is True and "null" not in types else types


_IS: dict[str, Callable[[Json], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}


def _type(types: list[str]) -> Step:
    tests = [_IS[each] for each in types if each in _IS]
    error = [Error("type", (), f"must be {' or '.join(types)}")]
    return lambda value, _memo: _NONE if any(test(value) for test in tests) else error


def _only(kind: str, steps: list[Step], otherwise: Step | None) -> Step:
    """Keywords that speak of one type; `otherwise` says that the value is of another."""
    of_kind = _IS[kind]

    def step(value: Json, memo: Memo) -> Errors:
        if not of_kind(value):
            return otherwise(value, memo) if otherwise else _NONE
        errors = _NONE
        for each in steps:
            found = each(value, memo)
            if found:
                errors = errors + found if errors else found
        return errors

    return step


def _below(key: str | int, errors: Errors) -> Errors:
    return [Error(each.keyword, (key, *each.path), each.message, each.subject) for each in errors] if errors else _NONE


def _bound(
    word: str, holds: Callable[[Any, Any], bool], says: str, of: Callable[[Any], Any] = lambda value: value
) -> Callable[[Judge, Json, Json], Step]:
    def make(_judge: Judge, limit: Json, _schema: Json) -> Step:
        error = [Error(word, (), says.format(limit))]
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            return lambda _value, _memo: _NONE  # draft 4 says `exclusiveMaximum: true`
        return lambda value, _memo: _NONE if holds(of(value), limit) else error

    return make


def _multiple(_judge: Judge, step: Json, _schema: Json) -> Step:
    from treadle.contract.schema import validator

    check = validator({"multipleOf": step})
    error = [Error("multipleOf", (), f"must be a multiple of {step}")]
    return lambda value, _memo: _NONE if check.is_valid(value) else error


def _ref(judge: Judge, ref: Json, _schema: Json) -> Step:
    target = judge.target(ref) if isinstance(ref, str) else True
    return lambda value, memo: judge.judge(target, value, memo)


def same(left: Json, right: Json) -> bool:
    """Equality of JSON values: `1` is `1.0`, and neither is `true`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _const(_judge: Judge, wanted: Json, _schema: Json) -> Step:
    error = [Error("const", (), "must be the one value that is allowed", wanted)]
    return lambda value, _memo: _NONE if same(value, wanted) else error


def _enum(_judge: Judge, allowed: Json, _schema: Json) -> Step:
    words = ", ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in allowed)
    error = [Error("enum", (), f"must be one of: {words}", allowed)]
    return lambda value, _memo: _NONE if any(same(value, each) for each in allowed) else error


def _not(judge: Judge, schema: Json, _schema: Json) -> Step:
    error = [Error("not", (), "must not be what it is")]
    return lambda value, memo: _NONE if judge.judge(schema, value, memo) else error


def _any_of(judge: Judge, branches: Json, _schema: Json) -> Step:
    error = Error("anyOf", (), "must match at least one of the schemas of anyOf")

    def step(value: Json, memo: Memo) -> Errors:
        failed: list[Errors] = []
        for branch in branches:
            found = judge.judge(branch, value, memo)
            if not found:
                return _NONE
            failed.append(found)
        return _failed(judge, failed, error)

    return step


def _one_of(judge: Judge, branches: Json, _schema: Json) -> Step:
    error = Error("oneOf", (), "must match exactly one of the schemas of oneOf")

    def step(value: Json, memo: Memo) -> Errors:
        failed: list[Errors] = []
        passed = 0
        for branch in branches:
            found = judge.judge(branch, value, memo)
            if found:
                failed.append(found)
            else:
                passed += 1
                if passed > 1:
                    break
        if passed == 1:
            return _NONE
        return _failed(judge, [] if passed and judge.nearest else failed, error)

    return step


def _failed(judge: Judge, failed: list[Errors], error: Error) -> Errors:
    """What is said of a union: everything, or what the branch lacks that comes nearest."""
    if judge.nearest and failed:
        return min(failed, key=_distance)
    return [*(each for errors in failed for each in errors), error]


def _distance(errors: Errors) -> tuple[bool, int, int]:
    """How far a value is from a branch. One that only lacks a `$ref` was hardly meant as a reference."""
    here = [each for each in errors if not each.path]
    return any(each.keyword == "required" and each.subject == "$ref" for each in here), len(here), len(errors)


def _all_of(judge: Judge, branches: Json, _schema: Json) -> Step:
    return lambda value, memo: [each for branch in branches for each in judge.judge(branch, value, memo)]


def _if(judge: Judge, condition: Json, schema: Json) -> Step:
    def step(value: Json, memo: Memo) -> Errors:
        word = "else" if judge.judge(condition, value, memo) else "then"
        errors = judge.judge(schema.get(word, True), value, memo)
        if not errors or judge.nearest:
            return errors
        return [*errors, Error("if", (), f"must match the schema of `{word}`")]

    return step if "then" in schema or "else" in schema else lambda _value, _memo: _NONE


def _items(judge: Judge, items: Json, schema: Json) -> Step:
    if not isinstance(items, list):
        return lambda value, memo: [
            error for at, each in enumerate(value) for error in _below(at, judge.judge(items, each, memo))
        ]
    rest = schema.get("additionalItems", True)
    too_many = [Error("additionalItems", (), f"must not have more than {len(items)} items")]

    def step(value: Json, memo: Memo) -> Errors:
        errors: Errors = []
        if rest is False and len(value) > len(items):
            errors += too_many
        elif isinstance(rest, dict):
            for at in range(len(items), len(value)):
                errors += _below(at, judge.judge(rest, value[at], memo))
        for at, (each, part) in enumerate(zip(value, items, strict=False)):
            errors += _below(at, judge.judge(part, each, memo))
        return errors

    return step


def _contains(judge: Judge, part: Json, _schema: Json) -> Step:
    def step(value: Json, memo: Memo) -> Errors:
        errors: Errors = []
        for at, each in enumerate(value):
            found = judge.judge(part, each, memo)
            if not found:
                return _NONE
            errors += _below(at, found)
        return [*errors, Error("contains", (), "must contain at least one item that is valid")]

    return step


def _unique(_judge: Judge, wanted: Json, _schema: Json) -> Step:
    error = [Error("uniqueItems", (), "must not have two equal items")]

    def step(value: Json, _memo: Memo) -> Errors:
        if wanted is not True or len(value) < 2:
            return _NONE
        seen: dict[str, list[Json]] = {}
        for each in value:
            near = seen.setdefault(
                f"{type(each).__name__}{len(each)}" if isinstance(each, dict | list) else str(each), []
            )
            if any(same(each, other) for other in near):
                return error
            near.append(each)
        return _NONE

    return step


def _required(_judge: Judge, names: Json, _schema: Json) -> Step:
    if not isinstance(names, list):
        return lambda _value, _memo: _NONE  # draft 3 says `required: true`
    return lambda value, _memo: [
        Error("required", (), f'must have the property "{name}"', name) for name in names if name not in value
    ]


def _property_names(judge: Judge, part: Json, _schema: Json) -> Step:
    def step(value: Json, memo: Memo) -> Errors:
        errors: Errors = []
        for key in value:
            found = judge.judge(part, key, memo)
            if found:
                errors += [*found, Error("propertyNames", (), f'the name "{key}" is not valid', key)]
        return errors

    return step


def _additional(judge: Judge, part: Json, schema: Json) -> Step:
    known = schema.get("properties", {})
    patterns = [matcher(each) for each in schema.get("patternProperties", {})]

    def step(value: Json, memo: Memo) -> Errors:
        errors: Errors = []
        for key in value:
            if key in known or any(pattern(key) for pattern in patterns):
                continue
            if part is False:
                errors.append(Error("additionalProperties", (), f'property "{key}" is not expected here', key))
            else:
                errors += _below(key, judge.judge(part, value[key], memo))
        return errors

    return (lambda _value, _memo: _NONE) if part is True else step


def _dependencies(judge: Judge, parts: Json, _schema: Json) -> Step:
    def step(value: Json, memo: Memo) -> Errors:
        errors: Errors = []
        present = [(key, part) for key, part in parts.items() if key in value]
        for key, part in present:
            if isinstance(part, list):
                errors += [
                    Error("dependencies", (), f'must have the property "{name}", since "{key}" is there', name)
                    for name in part
                    if name not in value
                ]
        for _, part in present:
            if not isinstance(part, list):
                errors += judge.judge(part, value, memo)
        return errors

    return step


def _properties(judge: Judge, parts: Json, _schema: Json) -> Step:
    def step(value: Json, memo: Memo) -> Errors:
        errors = _NONE
        for key, part in parts.items() if len(parts) <= len(value) else _shared(parts, value):
            if key in value:
                found = judge.judge(part, value[key], memo)
                if found:
                    errors = errors + _below(key, found)
        return errors

    return step


def _shared(parts: dict[str, Json], value: dict[str, Json]) -> Iterable[tuple[str, Json]]:
    """The properties that a small value has, in the order of the schema."""
    if len(value) == 1:
        key = next(iter(value))
        return ((key, parts[key]),) if key in parts else ()
    return [(key, part) for key, part in parts.items() if key in value]


def _pattern_properties(judge: Judge, parts: Json, _schema: Json) -> Step:
    pairs = [(matcher(pattern), part) for pattern, part in parts.items()]

    def step(value: Json, memo: Memo) -> Errors:
        errors = _NONE
        for matches, part in pairs:
            for key in value:
                if matches(key):
                    found = judge.judge(part, value[key], memo)
                    if found:
                        errors = errors + _below(key, found)
        return errors

    return step


def matcher(pattern: str) -> Callable[[str], bool]:
    """A search for a pattern in ECMAScript's dialect. The engine is loaded when a text asks for it.

    The published schemas have patterns for extensions at every object, and few documents have extensions.
    """
    if pattern.startswith("^x-"):
        return lambda text: text.startswith("x-") and _found(pattern, text)
    return partial(_found, pattern)


def _found(pattern: str, text: str) -> bool:
    return _engine(pattern)(text)


@lru_cache(maxsize=4096)
def _engine(pattern: str) -> Callable[[str], bool]:
    """A search on the linear engine. A pattern that it cannot run matches anything."""
    from treadle.contract.schema import InvalidSchema, validator

    try:
        return validator({"pattern": pattern}).is_valid
    except InvalidSchema:
        return lambda _text: True


def _pattern(_judge: Judge, pattern: Json, _schema: Json) -> Step:
    matches = matcher(pattern) if isinstance(pattern, str) else lambda _text: True
    error = [Error("pattern", (), f'must match the pattern "{pattern}"')]
    return lambda value, _memo: _NONE if matches(value) else error


def _format_from(known: dict[str, Any]) -> Callable[[Judge, Json, Json], Step]:
    def make(_judge: Judge, name: Json, _schema: Json) -> Step:
        test = known.get(name) if isinstance(name, str) else None
        error = [Error("format", (), f'must match the format "{name}"')]
        if test is None:
            return lambda _value, _memo: _NONE
        return lambda value, _memo: _NONE if test(value) else error

    return make


_FORMAT_OF = {"string": _format_from(FORMATS), "number": _format_from(NUMBER_FORMATS)}

_KEYWORDS: dict[str, Callable[[Judge, Json, Json], Step]] = {
    "maximum": _bound("maximum", lambda value, limit: value <= limit, "must be at most {}"),
    "minimum": _bound("minimum", lambda value, limit: value >= limit, "must be at least {}"),
    "exclusiveMaximum": _bound("exclusiveMaximum", lambda value, limit: value < limit, "must be less than {}"),
    "exclusiveMinimum": _bound("exclusiveMinimum", lambda value, limit: value > limit, "must be more than {}"),
    "multipleOf": _multiple,
    "maxLength": _bound("maxLength", lambda value, limit: value <= limit, "must have at most {} characters", len),
    "minLength": _bound("minLength", lambda value, limit: value >= limit, "must have at least {} characters", len),
    "pattern": _pattern,
    "$ref": _ref,
    "const": _const,
    "enum": _enum,
    "not": _not,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
    "if": _if,
    "maxItems": _bound("maxItems", lambda value, limit: value <= limit, "must have at most {} items", len),
    "minItems": _bound("minItems", lambda value, limit: value >= limit, "must have at least {} items", len),
    "uniqueItems": _unique,
    "items": _items,
    "contains": _contains,
    "maxProperties": _bound("maxProperties", lambda value, limit: value <= limit, "must have at most {} keys", len),
    "minProperties": _bound("minProperties", lambda value, limit: value >= limit, "must have at least {} keys", len),
    "required": _required,
    "propertyNames": _property_names,
    "additionalProperties": _additional,
    "dependencies": _dependencies,
    "properties": _properties,
    "patternProperties": _pattern_properties,
}
