"""The languages that payloads are written in, by their media types.

Options: `level`, `unknown` (a format that the specification does not list), `unjudged` (one that is not read here).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Path
from treadle.check.lint.functions.asyncapi.objects import Objects, objects_of
from treadle.contract.place import Json

_FORMATS = (
    (re.compile(r"application/vnd\.aai\.asyncapi(?:\+json|\+yaml)?;\s*version=[23]\.\d+\.\d+\Z"), "asyncapi"),
    (re.compile(r"application/schema\+(?:json|yaml);\s*version=draft-07\Z"), "draft-07"),
    (re.compile(r"application/schema(?:\+(?:json|yaml))?(?:;.*)?\Z"), "json-schema"),
    (re.compile(r"application/vnd\.oai\.openapi(?:\+json|\+yaml)?;\s*version=3\.0\.\d+\Z"), "openapi"),
    (re.compile(r"application/vnd\.apache\.avro(?:\+json|\+yaml)?;\s*version=1\.\d+\.\d+\Z"), "avro"),
    (re.compile(r"application/raml\+yaml;\s*version=1\.0\Z"), "raml"),
    (re.compile(r"application/vnd\.google\.protobuf;\s*version=[23]\Z"), "protobuf"),
    (re.compile(r"application/x-protobuf\Z|application/protobuf\Z"), "protobuf"),
)
JSON_LIKE = frozenset({"asyncapi", "draft-07"})
"""Languages in which an example can be judged by its schema."""
_UNJUDGED = frozenset({"raml", "protobuf", "json-schema"})


def language(schema_format: Json) -> str:
    """The language that a `schemaFormat` names; AsyncAPI's own where none is said, empty for one we do not know."""
    if schema_format is None:
        return "asyncapi"
    text = schema_format.strip().lower() if isinstance(schema_format, str) else ""
    return next((name for pattern, name in _FORMATS if pattern.match(text)), "")


def make(options: Mapping[str, Any]) -> Check:
    """The value is a whole document."""
    level = options.get("level", "unknown")
    if level not in ("unknown", "unjudged"):
        raise BadOptions("`level` must be `unknown` or `unjudged`")

    def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
        for path, said, _ in said_formats(objects_of(context)):
            name = language(said)
            if level == "unknown" and not name:
                yield Complaint(f"`{said}` is no schema format that the specification lists", path)
            elif level == "unjudged" and name in _UNJUDGED:
                yield Complaint(f"a schema in {name} is known, and not judged here", path)

    return check


def said_formats(objects: Objects) -> Iterator[tuple[Path, Json, tuple[Path, Json]]]:
    """Where a `schemaFormat` is said, what it is, and the path and value of the schema that it is about."""
    if objects.minor.startswith("2"):
        for spot in objects.of("message", "messageTrait"):
            if "schemaFormat" in spot.value:
                about = ((*spot.path, "payload"), spot.value.get("payload", True))
                yield (*spot.path, "schemaFormat"), spot.value["schemaFormat"], about
        return
    for spot in objects.of("schema"):
        if "schema" in spot.value and "schemaFormat" in spot.value:
            about = ((*spot.path, "schema"), spot.value["schema"])
            yield (*spot.path, "schemaFormat"), spot.value["schemaFormat"], about
