"""A schema with all that it refers to, as one document for a validator of its dialect."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
from jsonschema_rs import ValidationError

from treadle.check.schema.source import Source
from treadle.contract.library import Node
from treadle.contract.model import Json
from treadle.contract.refs import SCHEMA_LISTS, SCHEMA_MAPS, SCHEMA_SINGLES
from treadle.contract.schema import PATTERNS, refuse_retrieval

_VALIDATORS = {
    "4": jsonschema_rs.Draft4Validator,
    "5": jsonschema_rs.Draft4Validator,
    "6": jsonschema_rs.Draft6Validator,
    "7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}
_DEFINITIONS_MAX = 2_000
_DEPTH_MAX = 200
_LEFT_OUT = frozenset({"$schema", "$id", "id", "$defs", "definitions", "example", "examples", "discriminator", "xml"})
_NULL = {"type": "null"}


class Unprovable(Exception):  # noqa: N818 - not an error of the schema
    """No validator can be made of a schema: it refers to what is not there, or is too large."""


def validator_of(source: Source, node: Node, *, formats: bool) -> Any:
    """A validator of the whole schema at a node. Raises `Unprovable`."""
    rules = source.rules(node.file)
    writing = _Writing(source)
    schema = writing.document(node)
    make = _VALIDATORS["2020-12" if rules.lenient else rules.draft]
    try:
        return make(schema, validate_formats=formats, pattern_options=PATTERNS, retriever=refuse_retrieval)
    except (ValidationError, ValueError) as error:
        raise Unprovable(str(error)) from None


class _Writing:
    """Writes one document; every target of a reference becomes a definition."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: dict[tuple[str, str], str] = {}
        self.waiting: list[Node] = []

    def document(self, start: Node) -> Json:
        schema = self._schema(start, 0)
        definitions: dict[str, Json] = {}
        while self.waiting:
            node = self.waiting.pop()
            definitions[self.names[node.key]] = self._schema(node, 0)
        return {"allOf": [schema], "$defs": definitions} if definitions else schema

    def _reference(self, node: Node) -> Json:
        target = self.source.follow(node)
        if target is None or len(self.names) > _DEFINITIONS_MAX:
            raise Unprovable(node.pointer)
        if target.key not in self.names:
            self.names[target.key] = f"d{len(self.names)}"
            self.waiting.append(target)
        return {"$ref": f"#/$defs/{self.names[target.key]}"}

    def _schema(self, node: Node, depth: int) -> Json:
        if not isinstance(node.value, dict):
            return node.value
        if depth > _DEPTH_MAX:
            raise Unprovable(node.pointer)
        rules = self.source.rules(node.file)
        if node.reference is not None and not rules.siblings:
            return self._reference(node)
        result: dict[str, Json] = {}
        for key, value in node.value.items():
            if key in _LEFT_OUT or key.startswith("x-"):
                continue
            if key == "$ref":
                result = {**result, "allOf": [*result.get("allOf", []), self._reference(node)]}
            elif key in SCHEMA_MAPS and isinstance(value, dict):
                result[key] = {name: self._schema(node.child(key, name), depth + 1) for name in value}
            elif key == "dependencies" and isinstance(value, dict):
                result[key] = {
                    name: each if isinstance(each, list) else self._schema(node.child(key, name), depth + 1)
                    for name, each in value.items()
                }
            elif (key in SCHEMA_LISTS or key == "items") and isinstance(value, list):
                several = [self._schema(node.child(key, at), depth + 1) for at in range(len(value))]
                result[key] = [*result.get("allOf", []), *several] if key == "allOf" else several
            elif (key in SCHEMA_SINGLES or key == "additionalItems") and isinstance(value, dict):
                result[key] = self._schema(node.child(key), depth + 1)
            else:
                result[key] = value
        return _modern(result, nullable=rules.nullable) if rules.lenient else result


def _modern(schema: dict[str, Json], *, nullable: bool) -> Json:
    """The same in the words of 2020-12."""
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        said = schema.get(exclusive)
        if isinstance(said, bool):
            del schema[exclusive]
            if said and limit in schema:
                schema[exclusive] = schema.pop(limit)
    if isinstance(schema.get("items"), list):
        schema["prefixItems"] = schema.pop("items")
        if "additionalItems" in schema:
            schema["items"] = schema["additionalItems"]
    schema.pop("additionalItems", None)
    for name, each in (schema.pop("dependencies", None) or {}).items():
        keyword = "dependentRequired" if isinstance(each, list) else "dependentSchemas"
        schema[keyword] = {**schema.get(keyword, {}), name: each}
    return _nullable(schema) if schema.pop("nullable", False) is True and nullable else schema


def _nullable(schema: dict[str, Json]) -> Json:
    if "type" not in schema:
        return {"anyOf": [schema, _NULL]} if schema.keys() & {"allOf", "anyOf", "oneOf"} else schema
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    schema["type"] = list(dict.fromkeys([*kinds, "null"]))
    if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema
