"""What kind of object stands where in a description: tables of steps from a kind, by key, to another.

A kind is named after the section of reusable objects that holds its like (`schemas`, `parameters`). `{schemas}` is a
mapping whose values are schemas, `[schemas]` a list of them. Sources: OpenAPI 2.0 to 3.2, AsyncAPI 2.0 to 3.0, JSON
Schema draft 4 to 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from treadle.contract.dialect import Dialect, Family

UNKNOWN = ""
"""An object of no kind that we know: an extension, say. Its references are references."""
DATA = "data"
"""A value of the author's own, in which `$ref` means nothing."""
DISCRIMINATOR = "discriminator"
"""Its `mapping` holds references as plain text."""

Steps = Mapping[str, Mapping[str, str]]
Section = tuple[str, ...]
"""The keys that lead from the root to a mapping of reusable objects."""

_DATA_KEYS = frozenset({"example", "examples", "default", "enum", "const", "value"})
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_SCHEMA: Steps = {
    "schemas": {
        **dict.fromkeys(
            ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"), "{schemas}"
        ),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), "[schemas]"),
        **dict.fromkeys(
            (
                "items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains",
                "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema", "schema",
            ),
            "schemas",
        ),
        "discriminator": DISCRIMINATOR,
    },
}  # fmt: skip

_OPENAPI_SECTIONS = (
    "schemas", "responses", "parameters", "examples", "requestBodies", "headers", "securitySchemes", "links",
    "callbacks",
)  # fmt: skip
_DESCRIBED = {"schema": "schemas", "content": "{mediaTypes}", "examples": "{examples}", "items": "schemas"}
_OPENAPI: Steps = {
    **_SCHEMA,
    "document": {
        "paths": "{pathItems}", "webhooks": "{pathItems}", "components": "components", "definitions": "{schemas}",
        "parameters": "{parameters}", "responses": "{responses}", "securityDefinitions": "{securitySchemes}",
    },
    "components": {
        each: f"{{{each}}}" for each in (*_OPENAPI_SECTIONS, "pathItems", "mediaTypes")
    },
    "pathItems": {
        "parameters": "[parameters]", "additionalOperations": "{operation}", **dict.fromkeys(_METHODS, "operation"),
    },
    "operation": {
        "parameters": "[parameters]", "requestBody": "requestBodies", "responses": "{responses}",
        "callbacks": "{callbacks}",
    },
    "parameters": _DESCRIBED,
    "headers": _DESCRIBED,
    "requestBodies": {"content": "{mediaTypes}"},
    "responses": {"headers": "{headers}", "content": "{mediaTypes}", "links": "{links}", "schema": "schemas"},
    "mediaTypes": {
        "schema": "schemas", "itemSchema": "schemas", "examples": "{examples}", "encoding": "{encoding}",
    },
    "encoding": {"headers": "{headers}"},
    "links": {"parameters": DATA, "requestBody": DATA},
}  # fmt: skip

_ASYNCAPI_SECTIONS = (
    "schemas", "servers", "serverVariables", "channels", "messages", "securitySchemes", "parameters", "correlationIds",
    "operationTraits", "messageTraits", "serverBindings", "channelBindings", "operationBindings", "messageBindings",
)  # fmt: skip
_ASYNCAPI_3_SECTIONS = (*_ASYNCAPI_SECTIONS, "operations", "replies", "replyAddresses", "externalDocs", "tags")
_TAGGED = {"tags": "[tags]", "externalDocs": "externalDocs"}
_MESSAGE = {
    "headers": "schemas", "payload": "schemas", "correlationId": "correlationIds", "traits": "[messageTraits]",
    "bindings": "messageBindings", "oneOf": "[messages]", **_TAGGED,
}  # fmt: skip
_OPERATION = {
    "message": "messages", "messages": "[messages]", "channel": "channels", "reply": "replies",
    "traits": "[operationTraits]", "bindings": "operationBindings", "security": "[securitySchemes]", **_TAGGED,
}  # fmt: skip
_ASYNCAPI: Steps = {
    **_SCHEMA,
    "document": {
        "servers": "{servers}", "channels": "{channels}", "operations": "{operations}", "components": "components",
        "info": "info",
    },
    "info": _TAGGED,
    "components": {each: f"{{{each}}}" for each in _ASYNCAPI_3_SECTIONS},
    "servers": {
        "variables": "{serverVariables}", "bindings": "serverBindings", "security": "[securitySchemes]", **_TAGGED,
    },
    "channels": {
        "messages": "{messages}", "servers": "[servers]", "parameters": "{parameters}", "bindings": "channelBindings",
        "publish": "operations", "subscribe": "operations", **_TAGGED,
    },
    "operations": _OPERATION,
    "operationTraits": _OPERATION,
    "messages": _MESSAGE,
    "messageTraits": _MESSAGE,
    "replies": {"address": "replyAddresses", "channel": "channels", "messages": "[messages]"},
    "parameters": {"schema": "schemas"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of one dialect: the kind of its root, the steps, where reusable objects go, and where they may stand.

    An entry of one of the `homes` may be written there itself instead of referred to.
    """

    root: str
    steps: Steps
    sections: Mapping[str, Section]
    homes: tuple[Section, ...]

    def below(self, kind: str, key: str) -> str:
        """The kind of what stands under a key, or in a list, of an object of some kind."""
        if kind[:1] in ("{", "["):
            return kind[1:-1]
        if kind == "callbacks":
            return "pathItems"
        return self.steps.get(kind, {}).get(key) or (DATA if kind != UNKNOWN and key in _DATA_KEYS else UNKNOWN)


def kinds_of(dialect: Dialect | None) -> Kinds:
    """The kinds of a dialect; a document of none that we know is all unknown."""
    if dialect is None:
        return Kinds(UNKNOWN, {}, {}, ())
    if dialect.family is Family.JSON_SCHEMA:
        definitions = ("definitions",) if dialect.version in ("4", "6", "7") else ("$defs",)
        return Kinds("schemas", _SCHEMA, {"schemas": definitions}, (("$defs",), ("definitions",)))
    if dialect.family is Family.SWAGGER:
        sections: dict[str, Section] = {
            "schemas": ("definitions",), "parameters": ("parameters",), "responses": ("responses",),
        }  # fmt: skip
        return Kinds("document", _OPENAPI, sections, (("paths",), *sections.values()))
    if dialect.family is Family.ASYNCAPI:
        names = _ASYNCAPI_SECTIONS if dialect.version.startswith("2") else _ASYNCAPI_3_SECTIONS
        sections = {each: ("components", each) for each in names}
        return Kinds(
            "document", _ASYNCAPI, sections, (("servers",), ("channels",), ("operations",), *sections.values())
        )
    later = {"3.0": (), "3.1": ("pathItems",)}.get(dialect.minor, ("pathItems", "mediaTypes"))
    sections = {each: ("components", each) for each in (*_OPENAPI_SECTIONS, *later)}
    return Kinds("document", _OPENAPI, sections, (("paths",), ("webhooks",), *sections.values()))
