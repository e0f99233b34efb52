"""Every object of an AsyncAPI document with its kind: each where it is written, no reference followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from treadle.check.lint.context import Context, Path
from treadle.check.lint.functions.asyncapi.published import minor_of
from treadle.contract.place import Json
from treadle.contract.pointer import pointer, tokens

_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_BINDINGS = ("serverBindings", "channelBindings", "operationBindings", "messageBindings")
_BOUND = {"bindings": "", "tags": "[tag]", "externalDocs": "externalDocs"}

_THIRD: dict[str, dict[str, str]] = {
    "document": {
        "info": "info", "servers": "{server}", "channels": "{channel}", "operations": "{operation}",
        "components": "components",
    },
    "info": {"tags": "[tag]", "externalDocs": "externalDocs"},
    "server": _BOUND | {"variables": "{serverVariable}", "security": "[securityScheme]", "bindings": "serverBindings"},
    "channel": _BOUND | {
        "messages": "{message}", "servers": "[server]", "parameters": "{parameter}", "bindings": "channelBindings",
    },
    "operation": _BOUND | {
        "channel": "channel", "messages": "[message]", "reply": "reply", "traits": "[operationTrait]",
        "security": "[securityScheme]", "bindings": "operationBindings",
    },
    "operationTrait": _BOUND | {"security": "[securityScheme]", "bindings": "operationBindings"},
    "reply": {"address": "replyAddress", "channel": "channel", "messages": "[message]"},
    "message": _BOUND | {
        "headers": "schema", "payload": "schema", "correlationId": "correlationId", "traits": "[messageTrait]",
        "bindings": "messageBindings",
    },
    "messageTrait": _BOUND | {"headers": "schema", "correlationId": "correlationId", "bindings": "messageBindings"},
    "components": {
        "schemas": "{schema}", "servers": "{server}", "channels": "{channel}", "operations": "{operation}",
        "messages": "{message}", "securitySchemes": "{securityScheme}", "serverVariables": "{serverVariable}",
        "parameters": "{parameter}", "correlationIds": "{correlationId}", "replies": "{reply}",
        "replyAddresses": "{replyAddress}", "externalDocs": "{externalDocs}", "tags": "{tag}",
        "operationTraits": "{operationTrait}", "messageTraits": "{messageTrait}",
        **{each: f"{{{each}}}" for each in _BINDINGS},
    },
}  # fmt: skip
_SECOND: dict[str, dict[str, str]] = {
    "document": {"servers": "{server}", "channels": "{channel}", "components": "components", "tags": "[tag]"},
    "server": _BOUND | {"variables": "{serverVariable}", "security": "[requirement]", "bindings": "serverBindings"},
    "channel": {
        "subscribe": "operation", "publish": "operation", "parameters": "{parameter}", "bindings": "channelBindings",
    },
    "parameter": {"schema": "schema"},
    "operation": _BOUND | {
        "message": "message", "traits": "[operationTrait]", "security": "[requirement]",
        "bindings": "operationBindings",
    },
    "operationTrait": _BOUND | {"security": "[requirement]", "bindings": "operationBindings"},
    "message": _THIRD["message"] | {"oneOf": "[message]"},
    "messageTrait": _THIRD["messageTrait"],
    "components": {
        "schemas": "{schema}", "servers": "{server}", "channels": "{channel}", "messages": "{message}",
        "securitySchemes": "{securityScheme}", "serverVariables": "{serverVariable}", "parameters": "{parameter}",
        "correlationIds": "{correlationId}", "operationTraits": "{operationTrait}", "messageTraits": "{messageTrait}",
        **{each: f"{{{each}}}" for each in _BINDINGS},
    },
}  # fmt: skip
_FIELDS = {"2": _SECOND, "3": _THIRD}
"""Major -> kind -> field -> the kind below it: `{x}` is a map of them, `[x]` a list. Source: the specification."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """One object: `value` may be a reference to one of its kind. Two spots are equal where they are one."""

    kind: str
    path: Path
    value: Json

    @property
    def reference(self) -> str | None:
        """The text of its `$ref`, where it is a reference."""
        found = self.value.get("$ref") if isinstance(self.value, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one document: `minor` is its version as far as versions differ, empty where it has none."""

    minor: str
    by_kind: dict[str, list[Spot]]
    by_pointer: dict[str, Spot]

    def of(self, *kinds: str) -> Iterator[Spot]:
        """The objects of some kinds that are written where they stand: no references."""
        for kind in kinds:
            for spot in self.by_kind.get(kind, ()):
                if isinstance(spot.value, dict) and spot.reference is None:
                    yield spot

    def at(self, path: Path) -> Spot | None:
        """The object at a path."""
        return self.by_pointer.get(pointer(*path))

    def all(self) -> Iterator[Spot]:
        """Every object and every reference to one."""
        return iter(self.by_pointer.values())

    def target(self, spot: Spot) -> Spot | None:
        """The object that a reference ends at, where it is one of this document; the object itself if it is none."""
        for _ in range(64):
            if spot.reference is None:
                return spot
            found = self.by_pointer.get(local(spot.reference) or "#")
            if found is None:
                return None
            spot = found
        return None


def local(reference: str) -> str | None:
    """The JSON pointer that a reference into the same document names, or None where it leads elsewhere."""
    return pointer(*tokens(unquoted(reference[1:]))) if reference.startswith("#/") else None


def unquoted(text: str) -> str:
    """Percent-decoding, which a pointer in a URI fragment may need (RFC 6901 section 6)."""
    return _PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"), text)


def objects_of(context: Context) -> Objects:
    """The objects of the document under the rules, gathered once a run."""
    found = context.kept.get(objects_of)
    if not isinstance(found, Objects):
        found = context.kept[objects_of] = gather(context.subject.data)
    return found


def gather(document: Json) -> Objects:
    """The objects of a document. What has another shape than the specification says is left out."""
    minor = minor_of(document)
    fields = _FIELDS.get(minor[:1], {})
    by_kind: dict[str, list[Spot]] = {}
    by_pointer: dict[str, Spot] = {}
    waiting = [Spot("document", (), document)]
    while waiting:
        spot = waiting.pop()
        by_kind.setdefault(spot.kind, []).append(spot)
        by_pointer[pointer(*spot.path)] = spot
        if isinstance(spot.value, dict) and spot.reference is None:
            waiting.extend(reversed(list(_below(spot, spot.value, fields.get(spot.kind, {})))))
    return Objects(minor, by_kind, by_pointer)


def _below(spot: Spot, value: dict[str, Any], fields: dict[str, str]) -> Iterator[Spot]:
    for field, shape in fields.items():
        below = value.get(field)
        if shape[0] == "{" and isinstance(below, dict):
            for key, each in below.items():
                if not key.startswith("x-"):
                    yield Spot(shape[1:-1], (*spot.path, field, key), each)
        elif shape[0] == "[" and isinstance(below, list):
            for at, each in enumerate(below):
                yield Spot(shape[1:-1], (*spot.path, field, at), each)
        elif shape[0] not in "{[" and isinstance(below, dict | bool):
            yield Spot(shape, (*spot.path, field), below)
