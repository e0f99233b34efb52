"""One answer beside its contract. Pure; no word of an answer gets out, only where it differs and by which promise.

A pointer keeps the names that the contract itself has. Others, which may be anybody's data (an address as a key), and
the numbers of items read `*`, so that one mistake in a list is one thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from treadle.contract.model import Json
from treadle.contract.pointer import pointer
from treadle.contract.schema import InvalidSchema, ValidationError, Validator, validator
from treadle.gateway.drift.table import Answer, Answers

FAULTS_MAX = 8
"""The most that is told of one answer."""
_MEDIA_MAX = 80
_BODILESS = frozenset({204, 205, 304})


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as it left the upstream. `names` are its headers, in lower case; `body` is None where it was too large.

    An encoded body (`gzip`) is not looked at; `media` is the value of Content-Type.
    """

    status: int
    media: str
    names: frozenset[str]
    body: bytes | None
    encoded: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One difference: `pointer` into the body, empty for the whole answer, and the promise that is not kept."""

    pointer: str
    reason: str


@dataclass(slots=True)
class Judge:
    """Judges answers; schemas are compiled once, when the first answer of their kind is there."""

    table: Mapping[str, Answers]
    _compiled: dict[tuple[str, str, str], tuple[Validator | None, frozenset[str]]] = field(default_factory=dict)

    def faults(self, operation: str, seen: Seen) -> tuple[Fault, ...]:
        """What differs, at most FAULTS_MAX. Nothing for an operation that the table does not know."""
        answers = self.table.get(operation)
        return tuple(dict.fromkeys(islice(self._each(answers, seen), FAULTS_MAX))) if answers else ()

    def _each(self, answers: Answers, seen: Seen) -> Iterator[Fault]:
        answer = answers.of(seen.status)
        if answer is None:
            yield Fault("", f"status {seen.status} is not described")
            return
        for name in answer.headers:
            if name.lower() not in seen.names:
                yield Fault("", f"header {name} is missing")
        if not answer.content or seen.status in _BODILESS or answers.method == "HEAD":
            return
        media = seen.media.partition(";")[0].strip().lower()
        described = _described(answer, media)
        if described is None:
            yield Fault("", f"content type {_plain(media)} is not described for {seen.status}")
            return
        if seen.body is None or seen.encoded or not (media == "application/json" or media.endswith("+json")):
            return
        yield from self._of_body(answers, seen.status, described, answer.content[described], seen.body)

    def _of_body(self, answers: Answers, status: int, media: str, schema: Json, body: bytes) -> Iterator[Fault]:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            yield Fault("", "the body is not JSON")
            return
        key = (answers.key, str(status), media)
        if key not in self._compiled:
            self._compiled[key] = _compile(schema)
        checks, names = self._compiled[key]
        if checks is None or checks.is_valid(value):
            return
        for error in checks.iter_errors(value):
            yield Fault(_pointer(error, names), _reason(error))


def _described(answer: Answer, media: str) -> str | None:
    """The media type or range of the contract that an answer's belongs to."""
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if name in answer.content:
            return name
    # Parameters in the contract's own words (`application/json; charset=utf-8`) say nothing here.
    return next((name for name in answer.content if name.partition(";")[0].strip().lower() == media), None)


def _compile(schema: Json) -> tuple[Validator | None, frozenset[str]]:
    if schema is None:
        return None, frozenset()
    try:
        return validator(schema), frozenset(_names(schema))
    except InvalidSchema:
        return None, frozenset()


def _names(schema: Any) -> Iterator[str]:
    """Every name that stands under `properties` anywhere in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "properties" and isinstance(value, dict):
                yield from value
            yield from _names(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _names(each)


def _pointer(error: ValidationError, names: frozenset[str]) -> str:
    steps = error.instance_path
    return pointer(*(step if isinstance(step, str) and step in names else "*" for step in steps))


def _reason(error: ValidationError) -> str:
    kind: Any = error.kind
    match kind.name:
        case "required":
            return f"required property {_plain(str(kind.property))} is missing"
        case "type":
            return f"type is not {' or '.join(sorted(map(str, kind.types)))}"
        case "additionalProperties" | "unevaluatedProperties":
            return f"{len(kind.unexpected)} properties are not described"
    return f"{kind.name} is not kept"


def _plain(text: str) -> str:
    """Text for one line, cut: a media type is the upstream's to write."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:_MEDIA_MAX])
    return shown or "(none)"
