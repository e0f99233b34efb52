"""A payload in another language than AsyncAPI's own is a schema of that language: JSON Schema, OpenAPI, Avro."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.ajv_results import complaints, without_neighbours
from treadle.check.lint.context import Check, Complaint, Context, Path
from treadle.check.lint.functions.asyncapi.objects import Objects, objects_of
from treadle.check.lint.functions.asyncapi.published import LATEST, part_judge
from treadle.check.lint.functions.asyncapi.schema_format import language, said_formats
from treadle.contract.model import Json

_DEFINITIONS = {
    "asyncapi": "schema",
    "draft-07": "json-schema-draft-07-schema",
    "openapi": "openapiSchema_3_0",
    "avro": "avroSchema_v1",
}


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Payloads of AsyncAPI 3 without `schemaFormat` are part of the document's own schema already."""
    objects = objects_of(context)
    for path, schema, name in _schemas(objects):
        definition = _DEFINITIONS.get(name)
        if definition is None or (isinstance(schema, dict) and "$ref" in schema):
            continue
        errors = part_judge(LATEST, definition).errors(context.subject.inlined(schema))
        yield from complaints(without_neighbours(errors, exact=True), path)


def _schemas(objects: Objects) -> Iterator[tuple[Path, Json, str]]:
    for _, said, (path, schema) in said_formats(objects):
        yield path, schema, language(said)
    if objects.minor.startswith("2"):
        for spot in objects.of("message"):
            if "payload" in spot.value and "schemaFormat" not in spot.value:
                yield (*spot.path, "payload"), spot.value["payload"], "asyncapi"
