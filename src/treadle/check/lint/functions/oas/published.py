"""The published JSON Schemas of OpenAPI, edited where Spectral's results depend on it, and what validates by them.

The published schemas ask for `oneOf` a thing or a reference to it. Whatever is wrong with the thing is then said twice:
once as what it is, once as no reference. Spectral asks whether a `$ref` is there and then judges the one or the other;
so do the edits below, and where it is laxer or stricter than the published schema, so are they. They are small and
in one place, so that the files under `schemas` stay what the OpenAPI Initiative publishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from treadle.check.lint.packaged import packaged
from treadle.contract.place import Json

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_IS_REFERENCE = {"type": "object", "required": ["$ref"]}
_REFERENCES = ("#/definitions/Reference", "#/definitions/jsonReference")
_DIALECT = "https://spec.openapis.org/oas/{}/dialect/base"
_PLAIN = "urn:treadle:json-schema-2020-12"
_DRAFT_4 = "http://json-schema.org/draft-04/schema#/"
_DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/{}"
_AN_OBJECT_OR_A_BOOLEAN = {"if": {"type": "boolean"}, "then": True, "else": False}


def _when(field: str, value: str, then: Json, otherwise: Json) -> dict[str, Json]:
    """`then` where a field has a value, else `otherwise`."""
    said = {"type": "object", "required": [field], "properties": {field: {"const": value}}}
    return {"if": said, "then": then, "else": otherwise}


def _one_of(field: str, values: list[str]) -> dict[str, Json]:
    return {"type": "object", "required": [field], "properties": {field: {"enum": values}}}


def _style(*styles: str) -> dict[str, Json]:
    return {"properties": {"style": {"enum": list(styles)}}}


def _additional(schema: Json) -> dict[str, Json]:
    return {"if": {"type": "object"}, "then": schema, "else": _AN_OBJECT_OR_A_BOOLEAN}


_2_0_FLOWS = ("Implicit", "Password", "Application", "AccessCode")
_2_0_BRANCHES = {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/schema"}}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}

_TYPES = {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
_OF_DRAFT_4: Mapping[str, Json] = {
    "title": {"type": "string"},
    "description": {"type": "string"},
    "maximum": {"type": "number"},
    "minimum": {"type": "number"},
    "exclusiveMaximum": {"type": "boolean"},
    "exclusiveMinimum": {"type": "boolean"},
    "uniqueItems": {"type": "boolean"},
    "positiveInteger": {"type": "integer", "minimum": 0},
    "positiveIntegerDefault0": {"type": "integer", "minimum": 0},
    "default": {},
    "multipleOf": _POSITIVE,
    "pattern": {"type": "string", "format": "regex"},
    "stringArray": {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
    "enum": {"type": "array", "minItems": 1, "uniqueItems": True},
    "type": {"anyOf": [_TYPES, {"type": "array", "items": _TYPES, "minItems": 1, "uniqueItems": True}]},
}
"""What Swagger 2.0 borrows from the meta-schema of draft 4, where `exclusiveMinimum` is not yet a number."""

_SOMETHING = {"if": {"anyOf": [{"required": [word]} for word in ("paths", "components", "webhooks")]}, "else": False}
_EDITS: Mapping[str, Mapping[str, Json]] = {
    "2.0": {
        "/definitions/schema/properties/additionalProperties": _additional({"$ref": "#/definitions/schema"}),
        "/definitions/schema/properties/anyOf": _2_0_BRANCHES,
        "/definitions/schema/properties/oneOf": _2_0_BRANCHES,
        **{f"/definitions/oauth2{flow}Security/required/-": "scopes" for flow in _2_0_FLOWS},
    },
    "3.0": {
        "/definitions/Encoding/patternProperties": {},
        "/definitions/Encoding/properties/headers/additionalProperties": {"$ref": "#/definitions/Header"},
        "/definitions/Parameter/required": ["name"],
        "/definitions/ParameterLocation": {
            "type": "object",
            **_when(
                "in",
                "path",
                {"required": ["required"], "properties": {"required": {"const": True}, **_style(
                    "matrix", "label", "simple"
                )["properties"]}},
                _when(
                    "in",
                    "query",
                    _style("form", "spaceDelimited", "pipeDelimited", "deepObject"),
                    _when(
                        "in",
                        "header",
                        _style("simple"),
                        _when("in", "cookie", _style("form"), _one_of("in", ["path", "query", "header", "cookie"])),
                    ),
                ),
            ),
        },
        "/definitions/Schema/properties/additionalProperties": {
            "if": _IS_REFERENCE,
            "then": {"$ref": "#/definitions/Reference"},
            "else": _additional({"$ref": "#/definitions/Schema"}),
        },
        "/definitions/Schema/properties/multipleOf": _POSITIVE,
        "/definitions/SecurityScheme": _when(
            "type",
            "apiKey",
            {"$ref": "#/definitions/APIKeySecurityScheme"},
            _when(
                "type",
                "oauth2",
                {"$ref": "#/definitions/OAuth2SecurityScheme"},
                _when(
                    "type",
                    "openIdConnect",
                    {"$ref": "#/definitions/OpenIdConnectSecurityScheme"},
                    _one_of("type", ["apiKey", "http", "oauth2", "openIdConnect"]),
                ),
            ),
        ),
        "/definitions/SchemaXORContent/oneOf": None,
        "/definitions/SchemaXORContent/if": {"type": "object", "required": ["schema"]},
        "/definitions/SchemaXORContent/else": {
            "if": {"type": "object", "required": ["content"]},
            "then": {"allOf": [
                {"not": {"required": [word]}} for word in ("style", "explode", "allowReserved", "example", "examples")
            ]},
            "else": False,
        },
    },
    "3.1": {
        "/anyOf": None,
        "/allOf": [_SOMETHING],
        "/$defs/schema": {"$ref": _DIALECT.format("3.1")},
        "/$defs/paths/patternProperties": {"^/": {"$ref": "#/$defs/path-item"}},
        "/$defs/reference/unevaluatedProperties": True,
        "/$defs/parameter/dependentSchemas/schema/$defs/styles-for-path/then/properties/name": True,
        "/$defs/server/properties/url": {"type": "string"},
    },
    "3.2": {
        "/anyOf": None,
        "/allOf": [_SOMETHING],
        "/$defs/schema": {"$ref": _DIALECT.format("3.2")},
    },
}  # fmt: skip
"""By version and pointer: what stands there instead (None: nothing; a pointer that ends in `/-` adds to a list)."""

_RELATIVE_URLS = ("/$defs/oauth-flows", "/$defs/security-scheme", "/$defs/example")
"""Where OpenAPI 3.1's schema asks for a full URL, and the specification allows a relative one."""


def schema(version: str) -> dict[str, Any]:
    """The schema of one version (`2.0`, `3.0`, `3.1`, `3.2`), edited."""
    root: dict[str, Any] = _file(f"openapi-{version}")
    for word in ("id", "$id", "$schema"):
        root.pop(word, None)
    for pointer, value in _EDITS[version].items():
        _edit(root, pointer.split("/")[1:], value)
    if version == "3.1":
        for pointer in _RELATIVE_URLS:
            _relative(root["$defs"][pointer.rpartition("/")[2]])
    edited: dict[str, Any] = _plainer(root, _DIALECT.format(version))
    return edited


@cache
def document_validator(version: str) -> Validator:
    """What validates a whole document of one version. Compiled once a process."""
    from jsonschema_rs import Draft202012, Draft202012Validator, Registry

    from treadle.check.lint.ajv_formats import FORMATS
    from treadle.contract.schema import PATTERNS, refuse_retrieval

    beside = _beside(version)
    return Draft202012Validator(
        schema(version),
        registry=Registry(beside, draft=Draft202012) if beside else None,
        retriever=refuse_retrieval,
        pattern_options=PATTERNS,
        validate_formats=True,
        formats={name: FORMATS[name] for name in ("email", "uri")},
    )


@cache
def properties_of(version: str, path: tuple[str | int, ...]) -> frozenset[str]:
    """The properties that the part of the schema at a path speaks of; none where there is no such part."""
    node: Json = schema(version)
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return frozenset(node.get("properties", {})) if isinstance(node, dict) else frozenset()


def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(packaged("schemas", f"{name}.json"))
    return found


def _edit(node: Any, steps: list[str], value: Json) -> None:
    for step in steps[:-1]:
        node = node[step]
    last = steps[-1]
    if last == "-":
        node.append(value)
    elif value is None:
        node.pop(last, None)
    else:
        node[last] = value


def _relative(node: Json) -> None:
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _relative(value)
    if isinstance(node, dict) and node.get("format") == "uri":
        node["format"] = "uri-reference"


def _forget_formats(node: Json) -> None:
    """Formats in the meta-schema of JSON Schema itself are not asserted."""
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _forget_formats(value)
    if isinstance(node, dict) and isinstance(node.get("format"), str):
        del node["format"]


def _plainer(node: Json, dialect: str) -> Json:
    """One question at a time: is it a reference; and beside an `enum` no `type`, which would say the same again."""
    if isinstance(node, list):
        return [_plainer(each, dialect) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("$dynamicRef") == "#meta":
        return {"$ref": dialect}
    borrowed = str(node.get("$ref", ""))
    if borrowed.startswith(_DRAFT_4):
        return _OF_DRAFT_4[borrowed.rpartition("/")[2]]
    result = {key: _plainer(value, dialect) for key, value in node.items()}
    if isinstance(result.get("enum"), list) and result.get("type") == "string":
        del result["type"]
    branches = result.get("oneOf")
    if isinstance(branches, list) and len(branches) == 2:
        reference = next((each for each in branches if each.get("$ref") in _REFERENCES), None)
        if reference is not None:
            del result["oneOf"]
            thing = branches[1] if branches[0] is reference else branches[0]
            return {**result, "if": _IS_REFERENCE, "then": reference, "else": thing}
    return result


def _beside(version: str) -> list[tuple[str, Json]]:
    """What the schema of a version refers to, by address: the dialect of the schemas in a document."""
    if version in ("2.0", "3.0"):
        return []
    id, meta, draft = _DIALECT.format(version), _file(f"openapi-{version}-meta"), _file("json-schema-2020-12")
    validation = draft[_DRAFT_2020_12.format("meta/validation")]
    for each in draft.values():
        if version != "3.1" or each is not validation:
            _forget_formats(each)
    if version != "3.1":
        meta["$defs"]["discriminator"].pop("required")  # a default mapping will do
        both = {"allOf": [{"$ref": _DRAFT_2020_12.format("schema")}, {"$ref": meta["$id"]}]}
        return [(id, {"$id": id, "$dynamicAnchor": "meta", **both}), (meta["$id"], meta), *draft.items()]
    # In 3.1 what OpenAPI adds to JSON Schema is judged at the root of a schema only, and a type is text or a list
    meta.pop("$dynamicAnchor")
    meta.pop("type")
    text, several = validation["properties"]["type"]["anyOf"]
    several = {"if": {"type": "array"}, "then": several, "else": False}
    validation["properties"]["type"] = {"if": {"type": "string"}, "then": text, "else": several}
    plain = [{"$ref": each} for each in draft if "/meta/" in each]
    return [
        (id, {"$id": id, **_schema([{"$ref": _PLAIN}, {"$ref": meta["$id"]}])}),
        (_PLAIN, {"$id": _PLAIN, "$dynamicAnchor": "meta", **_schema(plain)}),
        (meta["$id"], meta),
        *draft.items(),
    ]


def _schema(parts: list[Json]) -> dict[str, Json]:
    return {"if": {"type": "object"}, "then": {"allOf": parts}, "else": _AN_OBJECT_OR_A_BOOLEAN}
