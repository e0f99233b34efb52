"""Errors have one shape."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.objects import required, types, whole
from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract
from treadle.contract.pointer import pointer

_WANTED = ("traceId", "code", "message")


@rule("error-envelope")
def error_envelope(contract: Contract) -> Iterator[Complaint]:
    """Every error response is an object that requires `traceId`, `code` and `message`.

    Why: a client that can read one error can read them all, and the trace id leads support from a screenshot to the
    call. The gateway answers its own refusals in the same shape.

    Bad:   "404": {description: Not found}
    Good:  default: {$ref: '#/components/responses/Error'}
           # schema: {type: object, required: [traceId, code, message], properties: {…, details: {type: object}}}

    Mend it: declare the envelope once in components and refer to it from every 4xx, 5xx and default response.
    """
    for operation in contract.operations:
        for status in operation.error_statuses:
            place = contract.at(pointer("paths", operation.path, operation.method.lower(), "responses", status))
            name = f"{operation.method} {operation.path} {status}"
            schema = operation.responses[status]
            if schema is None:
                yield place, f"{name} has no application/json schema", "refer to the error envelope in components"
                continue
            part = whole(schema)
            if types(part) != frozenset({"object"}):
                yield place, f"{name} is no object", "refer to the error envelope in components"
                continue
            lacking = [each for each in _WANTED if each not in required(part)]
            if lacking:
                hint = f"the envelope requires {', '.join(_WANTED)}"
                yield place, f"{name} does not require {', '.join(lacking)}", hint
