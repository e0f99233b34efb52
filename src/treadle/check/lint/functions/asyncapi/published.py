"""The published JSON Schemas of AsyncAPI, one of each version, read when a document of that version comes by."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import orjson

from treadle.check.lint.ajv import Judge
from treadle.check.lint.packaged import packaged
from treadle.contract.place import Json

LATEST = "3.1"
DRAFT_07 = "json-schema-draft-07-schema"
"""What the definition of a JSON Schema is called in the schemas of all versions."""
_VERSION = re.compile(r"([23])\.(0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\Z")
_MINORS = frozenset({"2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3.0", "3.1"})
_ANY_3 = {"type": "string", "pattern": r"^3\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"}


def minor_of(data: Json) -> str:
    """`3.0` of a document that says `asyncapi: 3.0.0`; empty where it is no AsyncAPI 2 or 3."""
    said = data.get("asyncapi") if isinstance(data, dict) else None
    match = _VERSION.match(str(said))
    return f"{match[1]}.{match[2]}" if match else ""


@cache
def schema(minor: str) -> dict[str, Any]:
    """The schema of one version, as published. Not to be changed."""
    found: dict[str, Any] = orjson.loads(packaged("schemas", f"asyncapi-{minor}.json"))
    return found


@cache
def document_judge(minor: str, *, resolved: bool, nearest: bool = False) -> Judge | None:
    """What judges a whole document, or None for a version of which nothing is known.

    `resolved`: every reference was written out, so that version 3's places for references hold what they lead to. A
    later 3.x is judged by the latest 3.x that is known.
    """
    if minor in _MINORS:
        root = _asserted(minor, nearest=nearest)
    elif minor.startswith("3."):
        latest = _asserted(LATEST, nearest=nearest)
        root = {**latest, "properties": {**latest["properties"], "asyncapi": _ANY_3}}
    else:
        return None
    return Judge(_written_out(root) if resolved and minor.startswith("3.") else root, nearest=nearest)


@cache
def part_judge(minor: str, name: str, *, nearest: bool = False) -> Judge:
    """What judges one kind of object by its name in the schema's definitions (`schema`, `server`, …)."""
    definitions = _asserted(minor if minor in _MINORS else LATEST, nearest=nearest)["definitions"]
    return Judge({"$ref": f"#/definitions/{name}", "definitions": definitions}, nearest=nearest)


@cache
def _asserted(minor: str, *, nearest: bool) -> dict[str, Any]:
    """The schema of one version. For Spectral's results without the formats of draft 7: Ajv asserts none in its own
    metaschema, and Spectral puts that in the place of the published one.
    """
    root = schema(minor)
    if nearest:
        return root
    definitions = root["definitions"]
    return {**root, "definitions": {**definitions, DRAFT_07: _without_formats(definitions[DRAFT_07])}}


def _without_formats(node: Json) -> Json:
    if isinstance(node, list):
        return [_without_formats(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_formats(each) for key, each in node.items() if key != "format" or not isinstance(each, str)}


def _written_out(root: dict[str, Any]) -> dict[str, Any]:
    definitions = dict(root["definitions"])

    def put(kind: str, field: str, wanted: str, *, items: bool) -> None:
        properties = definitions[kind]["properties"]
        ref = {"$ref": f"#/definitions/{wanted}"}
        changed = {**properties[field], "items": ref} if items else ref
        definitions[kind] = {**definitions[kind], "properties": {**properties, field: changed}}

    put("channel", "servers", "server", items=True)
    for kind in ("operation", "operationReply"):
        put(kind, "channel", "channel", items=False)
        put(kind, "messages", "messageObject", items=True)
    return {**root, "definitions": definitions}
