"""`traceable`: from what an operation answers, support finds the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import headers, is_error, json_schema, name, responses, written
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.shape import properties, required
from treadle.contract.place import Json

_HEADERS = frozenset({"traceid", "trace-id", "x-trace-id", "traceparent"})


def make(_: Mapping[str, Json]) -> Check:
    """Value: an operation. No options. `traceparent` is that of W3C Trace Context."""
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    subject = context.subject
    for status, response in responses(written(context), subject):
        if headers(response, subject) & _HEADERS:
            return
        schema = json_schema(response, subject) if is_error(status) else None
        if schema is not None and "traceId" in required(schema, subject) | properties(schema, subject).keys():
            return
    yield Complaint(f"no answer of {name(context.path)} carries a trace id", (*context.path, "responses"))
