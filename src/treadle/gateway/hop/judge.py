"""A rule, ready to judge: what of a call disagrees with its contract. Pure.

A fault says where it is and why, and never what stood there: a refusal may end in a log that its reader was not meant
to see. Schemas are compiled on the linear engine, and nothing that they refer to is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import jsonschema_rs

from treadle.contract.model import Json
from treadle.contract.schema import PATTERNS, refuse_retrieval
from treadle.gateway.hop import bodies, parameters
from treadle.gateway.hop.idempotency import BadKeyError, read_key
from treadle.gateway.hop.table import Rule, is_key_name
from treadle.gateway.hop.weight import WEIGHT_MAX, weight
from treadle.gateway.ir import ParameterRule

FAULTS_MAX = 10
TEXT_MAX = 200
INLINE_BYTES_MAX = 16 * 1024
"""The largest body that is checked in the event loop."""
UNIQUE_BYTES_MAX = 4 * 1024
_WORK_MAX = 4_000_000
_MASK = "the value"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_UNCHECKED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI 3.1, Parameter Object, `name`

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One disagreement. `where` is `body`, `query`, `path`, `header` or `cookie`; `pointer` is RFC 6901 into it."""

    where: str
    pointer: str
    reason: str

    def said(self) -> dict[str, str]:
        """As it stands in an envelope."""
        return {"in": self.where, "pointer": self.pointer, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class _Checked:
    """A parameter and its compiled schema."""

    rule: ParameterRule
    name: str
    validator: jsonschema_rs.Draft202012Validator
    unread: bool


@dataclass(frozen=True, slots=True)
class _Body:
    """A description of a body. `validator` is None where the body is no JSON: then only its media type is judged."""

    schema: Json = field(hash=False)
    validator: jsonschema_rs.Draft202012Validator | None
    weight: int
    unique: bool

    def inline(self, size: int) -> bool:
        """Whether a body of this size may be checked in the event loop."""
        most = UNIQUE_BYTES_MAX if self.unique else INLINE_BYTES_MAX
        return size <= most and self.weight <= WEIGHT_MAX and self.weight * size <= _WORK_MAX


@dataclass(frozen=True, slots=True)
class Heavy:
    """A body that is to be checked elsewhere, against this schema."""

    schema: Json = field(hash=False)


@dataclass(frozen=True, slots=True)
class UnknownMedia:
    """A body of a media type that the contract does not describe."""

    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """One rule, compiled."""

    rule: Rule
    _parameters: tuple[_Checked, ...]
    _bodies: Mapping[str, _Body]
    _path: re.Pattern[str]
    _names: tuple[str, ...]
    _key: bool

    def path_values(self, path: str) -> dict[str, str]:
        """The parameters in a path, as they stand there (not decoded)."""
        match = self._path.fullmatch(path)
        return dict(zip(self._names, match.groups(), strict=True)) if match else {}

    def parameters(self, path: str, query: str, headers: Headers) -> list[Fault]:
        """What the parameters of a call disagree with, at most FAULTS_MAX."""
        if not self._parameters:
            return []
        faults: list[Fault] = []
        found = self._found(path, query, headers)
        if found is None:
            return [Fault("query", "", f"there are more than {parameters.PAIRS_MAX} parameters")]
        for each in self._parameters:
            rule = each.rule
            values = found[rule.where].get(each.name)
            pointer = "/" + _escaped(rule.name)
            if not values:
                if rule.required:
                    faults.append(Fault(rule.where, pointer, "it is required"))
            elif not each.unread and (reason := _disagreement(each, values)):
                faults.append(Fault(rule.where, pointer, reason))
            if len(faults) == FAULTS_MAX:
                break
        return faults

    def body(self, content_type: str, body: bytes) -> list[Fault] | UnknownMedia | Heavy:
        """What a body disagrees with, at most FAULTS_MAX; or why that is not told here."""
        guard = self.rule.guard
        if not body:
            return [Fault("body", "", "a body is required")] if guard.body_required else []
        if not self._bodies:
            return []
        media = bodies.media_type(content_type)
        name = bodies.described(media, self._bodies)
        if name is None:
            return UnknownMedia(tuple(self._bodies))
        described = self._bodies[name]
        if described.validator is None or not bodies.is_json(media):
            return []
        if not described.inline(len(body)):
            return Heavy(described.schema)
        return check(described.validator, body)

    def _found(self, path: str, query: str, headers: Headers) -> dict[str, dict[str, list[str]]] | None:
        pairs = parameters.query_pairs(query)
        if pairs is None:
            return None
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if self._key and "idempotency-key" in by_name:
            # The quotes of a structured string are no part of the key that a contract describes.
            try:
                by_name["idempotency-key"] = [read_key(each.encode("latin-1") for each in by_name["idempotency-key"])]
            except BadKeyError:
                del by_name["idempotency-key"]
        in_path = {name: [parameters.decoded(value)] for name, value in self.path_values(path).items()}
        cookie = "; ".join(by_name.get("cookie", ()))
        return {"path": in_path, "query": pairs, "header": by_name, "cookie": parameters.cookies(cookie)}


def compile_rule(rule: Rule) -> Judge:
    """Raises ValueError where a schema does not compile."""
    guard = rule.guard
    checked = tuple(_checked(each) for each in guard.parameters if not _ignored(each))
    return Judge(
        rule=rule,
        _parameters=checked,
        _bodies={media.lower(): _body(media.lower(), schema) for media, schema in guard.body.items()},
        _path=parameters.path_pattern(rule.template),
        _names=parameters.path_names(rule.template),
        _key=any(each.rule.where == "header" and is_key_name(each.rule.name) for each in checked),
    )


def compiled(schema: Json) -> jsonschema_rs.Draft202012Validator:
    """A validator whose messages quote nothing. Raises ValueError."""
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, pattern_options=PATTERNS, retriever=refuse_retrieval, mask=_MASK
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(_cut(str(error))) from None


def check(validator: jsonschema_rs.Draft202012Validator, body: bytes) -> list[Fault]:
    """What a JSON body disagrees with, at most FAULTS_MAX."""
    try:
        value = bodies.parse(body)
    except bodies.BadBodyError as error:
        return [Fault("body", "", _cut(str(error)))]
    if validator.is_valid(value):
        return []
    return [_fault(error) for error in islice(validator.iter_errors(value), FAULTS_MAX)]


def _fault(error: jsonschema_rs.ValidationError) -> Fault:
    pointer = "".join(f"/{_escaped(str(step))}" for step in error.instance_path)
    return Fault("body", _cut(pointer), _cut(error.message))


def _disagreement(each: _Checked, values: list[str]) -> str:
    reason = ""
    exploded = each.rule.where in {"query", "cookie"}
    for reading in parameters.readings(values, each.rule.schema, exploded=exploded):
        try:
            each.validator.validate(reading)
            return ""
        except jsonschema_rs.ValidationError as error:
            reason = reason or _cut(error.message)
    return reason


def _checked(rule: ParameterRule) -> _Checked:
    name = rule.name.lower() if rule.where == "header" else rule.name
    if weight(rule.schema) > WEIGHT_MAX:
        raise ValueError(f"the schema of parameter {rule.name} is too heavy")
    return _Checked(rule, name, compiled(rule.schema), parameters.is_object(rule.schema))


def _ignored(rule: ParameterRule) -> bool:
    return rule.where == "header" and rule.name.lower() in _UNCHECKED_HEADERS


def _body(media: str, schema: Json) -> _Body:
    judged = bodies.is_json(media) or media in {"*/*", "application/*"}
    validator = compiled(schema) if judged else None
    return _Body(schema, validator, weight(schema) if judged else 0, unique=_holds(schema, "uniqueItems"))


def _holds(schema: Json, keyword: str) -> bool:
    """Whether a keyword stands anywhere in a document."""
    if isinstance(schema, Mapping):
        return keyword in schema or any(_holds(each, keyword) for each in schema.values())
    return isinstance(schema, list) and any(_holds(each, keyword) for each in schema)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _cut(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[: TEXT_MAX + 1])[:TEXT_MAX]


def said(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """Faults as they stand in an envelope."""
    return [fault.said() for fault in faults]
