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
        root = schema(minor)
    elif minor.startswith("3."):
        latest = schema(LATEST)
        root = {**latest, "properties": {**latest["properties"], "asyncapi": _ANY_3}}
    else:
        return None
    return Judge(_written_out(root) if resolved and minor.startswith("3.") else root, nearest=nearest)


@cache
def part_judge(minor: str, name: str, *, nearest: bool = False) -> Judge:
    """What judges one kind of object by its name in the schema's definitions (`schema`, `server`, …)."""
    definitions = schema(minor if minor in _MINORS else LATEST)["definitions"]
    return Judge({"$ref": f"#/definitions/{name}", "definitions": definitions}, nearest=nearest)


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
