"""`errorEnvelope`: every error has one shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import is_error, json_schema, name, response_path, responses, written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Subject
from treadle.check.lint.shape import kinds, required
from treadle.contract.place import Json

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
            wrong = context.kept.get((check, id(schema)))  # one schema, many responses
            if wrong is None:
                wrong = context.kept[check, id(schema)] = _wrong(schema, wanted, subject)
            if wrong:
                yield Complaint(f"{said} {wrong}", at)

    return check


def _wrong(schema: Json, wanted: list[str], subject: Subject) -> str:
    if kinds(schema, subject) != frozenset({"object"}):
        return "is no object"
    lacking = frozenset(wanted) - required(schema, subject)
    return f"does not require {', '.join(each for each in wanted if each in lacking)}" if lacking else ""
