"""A value is valid by a schema in the rule's options, read as the schemas of the document are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.oas.author_schemas import AuthorSchemas, Use
from treadle.check.lint.functions.oas.judged import MODERN, judged
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """Options: `schema`."""
    schema = options.get("schema")
    if not isinstance(schema, dict):
        raise BadOptions("`schema` must be a schema")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        key = ("oasSchema", id(schema))
        schemas: AuthorSchemas | None = context.kept.get(key)
        if schemas is None:
            subject = context.subject
            schemas = context.kept[key] = AuthorSchemas(subject, modern=bool(MODERN & subject.formats))
        yield from judged(schemas, schema, Use.ANY, value, context.path)

    return check
