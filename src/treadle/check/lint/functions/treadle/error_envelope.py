"""`errorEnvelope`: every error has one shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import is_error, json_schema, name, response_path, responses, written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.shape import kinds, required
from treadle.contract.model import Json

_WANTED = ("traceId", "code", "message")


def make(options: Mapping[str, Json]) -> Check:
    """Value: an operation. Option `properties`: what an error requires."""
    wanted = options.get("properties", list(_WANTED))
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise BadOptions("`properties` must be a list of names")

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        operation, subject = written(context), context.subject
        for status, response in responses(operation, subject):
            if not is_error(status):
                continue
            said, at = f"{name(context.path)} {status}", response_path(operation, status, context)
            schema = json_schema(response, subject)
            if schema is None:
                yield Complaint(f"{said} has no application/json schema", at)
                continue
            lacking = [each for each in wanted if each not in required(schema, subject)]
            if kinds(schema, subject) != frozenset({"object"}):
                yield Complaint(f"{said} is no object", at)
            elif lacking:
                yield Complaint(f"{said} does not require {', '.join(lacking)}", at)

    return check
