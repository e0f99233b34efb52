"""Writes can be repeated safely."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract

_WRITES = ("POST", "PUT")


@rule("idempotency-key")
def idempotency_key(contract: Contract) -> Iterator[Complaint]:
    """POST and PUT declare the header `Idempotency-Key`.

    Why: a client that got no answer must be able to ask again without paying twice. The key tells a repeat from a
    second order.

    Bad:   post: {operationId: createOrder}
    Good:  post:
             parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string}}]

    Mend it: declare the parameter once in components.parameters and refer to it.
    """
    for operation in contract.operations:
        declared = any(
            each.where == "header" and each.name.lower() == "idempotency-key" for each in operation.parameters
        )
        if operation.method in _WRITES and not declared:
            yield (
                operation.place,
                f"{operation.method} {operation.path} does not declare the header Idempotency-Key",
                "add `{name: Idempotency-Key, in: header, required: true, schema: {type: string}}` to its parameters",
            )
