"""What each operation may answer, as a file. Pure.

{"version": 1, "operations": {"sales.orders.v1/getOrder": {"stamp": …, "domain": …, "method": "GET",
  "answers": {"200": {"content": {"application/json": <JSON Schema>}, "headers": ["ETag"]}}}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from treadle.base.canon import canonical
from treadle.base.errors import InputError
from treadle.contract.model import Contract, Json, Kind, Operation

VERSION = 1
_BY_GATEWAY = ("x-ratelimit-", "retry-after", "deprecation", "sunset", "link", "x-trace-id", "idempotency-replayed")
"""How the names of headers begin that the gateway adds: an upstream does not owe them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What belongs to one status: a schema for each media type (None for any value), and headers that must be there."""

    content: Mapping[str, Json]
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """All that one operation may answer, by status: `200`, `4XX` or `default`."""

    key: str
    stamp: str
    domain: str
    method: str
    answers: Mapping[str, Answer]

    @property
    def operation(self) -> str:
        """The operation's id."""
        return self.key.partition("/")[2]

    def of(self, status: int) -> Answer | None:
        """What belongs to a status; None for one that is not described."""
        for name in (str(status), f"{status // 100}XX", "default"):
            if name in self.answers:
                return self.answers[name]
        return None


def encode(contracts: Iterable[Contract]) -> bytes:
    """The file for these contracts: operations of which a share of answers is to be looked at."""
    rows = {
        f"{contract.id}/{operation.id}": _row(contract, operation)
        for contract in contracts
        if contract.kind is Kind.OPENAPI and contract.drift_percent
        for operation in contract.operations
        if operation.responses
    }
    return canonical({"version": VERSION, "operations": rows})


def decode(data: bytes) -> dict[str, Answers]:
    """What operations may answer, by key. Raises InputError `drift-table-unreadable`."""
    try:
        document = orjson.loads(data)
        if document["version"] != VERSION:
            raise ValueError("another version wrote it")
        return {key: _answers(key, row) for key, row in document["operations"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "drift-table-unreadable", f"the table of answers cannot be read: {error}", "apply the workspace again"
        ) from None


def _row(contract: Contract, operation: Operation) -> Json:
    answers = {}
    for status in operation.responses:
        content = operation.response_content.get(status, {})
        headers = operation.response_headers.get(status, ())
        answers[status.upper() if status != "default" else status] = {
            "content": {media: each.schema for media, each in content.items()},
            "headers": [
                each.name for each in headers if each.required and not each.name.lower().startswith(_BY_GATEWAY)
            ],
        }
    return {"stamp": contract.stamp, "domain": contract.domain, "method": operation.method, "answers": answers}


def _answers(key: str, row: Mapping[str, Any]) -> Answers:
    answers = {status: Answer(dict(each["content"]), tuple(each["headers"])) for status, each in row["answers"].items()}
    return Answers(key, str(row["stamp"]), str(row["domain"]), str(row["method"]), answers)
