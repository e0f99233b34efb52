"""`retrySafety`: a caller without an answer knows whether it may ask again.

RFC 9110 section 9.2: GET, HEAD, OPTIONS and TRACE are safe, PUT and DELETE idempotent. Of POST and PATCH the contract
must say it: by the header Idempotency-Key, or by `x-treadle: {retry: safe | idempotent | never}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import name, parameters, written
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.events import own
from treadle.contract.place import Json

_REPEATED = frozenset({"get", "head", "options", "trace", "put", "delete"})
_KEY = ("header", "idempotency-key")


def make(_: Mapping[str, Json]) -> Check:
    """Value: an operation. No options."""
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    operation = written(context)
    said = own(operation).get("retry")
    if context.path and context.path[-1] in _REPEATED:
        if said == "never":
            at = (*context.path, "x-treadle", "retry")
            yield Complaint(f"{name(context.path)} is repeated by clients and proxies, whatever the contract says", at)
    elif said is None and _KEY not in parameters(operation, context):
        yield Complaint(f"{name(context.path)} does not say whether it may be sent again")
