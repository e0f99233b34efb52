"""A payload in another language is a schema of that language, also in versions that AsyncAPI's own schemas lack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.ajv_results import each_once
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.check.lint.functions.asyncapi.published import LATEST, part_judge
from treadle.check.lint.functions.asyncapi.schema_format import language, said_formats
from treadle.contract.place import Json

_DEFINITIONS = {
    "asyncapi": "schema",
    "draft-07": "json-schema-draft-07-schema",
    "openapi": "openapiSchema_3_0",
    "avro": "avroSchema_v1",
}
_COVERED = re.compile(
    r"application/(?:vnd\.aai\.asyncapi|schema|vnd\.oai\.openapi|vnd\.apache\.avro)(?:\+json|\+yaml)?"
    r";version=(?:[23]\.\d\.0|draft-07|1\.9\.0)\Z"
)
"""What the schema of the whole document judges already."""


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """Avro 1.10 and later, OpenAPI 3.0.1 and later, formats that are spelt with a space; AsyncAPI 2's own payloads."""
    for _, said, (path, schema) in said_formats(objects_of(context)):
        definition = _DEFINITIONS.get(language(said))
        if definition is None or _COVERED.match(str(said)) or (isinstance(schema, dict) and "$ref" in schema):
            continue
        judge = part_judge(LATEST, definition, nearest=True)
        yield from each_once(judge.errors(context.subject.inlined(schema)), path)
