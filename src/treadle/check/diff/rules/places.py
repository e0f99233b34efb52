"""Where a schema may stand in an operation, and what its place is called in ids and in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.check.diff.rule import Direction


@dataclass(frozen=True, slots=True)
class Site:
    """One place. `prefix` begins the ids of its rules; `subject` begins their messages."""

    prefix: str
    direction: Direction
    area: str
    subject: str
    whole: bool
    """Whether it is the schema itself, not something inside it."""


REQUEST_BODY = Site("request-body", Direction.REQUEST, "schema", "the request body", whole=True)
REQUEST_PROPERTY = Site(
    "request-property", Direction.REQUEST, "schema", "`{property}` of the request body", whole=False
)
PARAMETER = Site(
    "request-parameter", Direction.REQUEST, "parameters", "the {where} parameter `{parameter}`", whole=True
)
PARAMETER_PROPERTY = Site(
    "request-parameter-property",
    Direction.REQUEST,
    "parameters",
    "`{property}` of the {where} parameter `{parameter}`",
    whole=False,
)
RESPONSE_BODY = Site("response-body", Direction.RESPONSE, "schema", "the {status} response", whole=True)
RESPONSE_PROPERTY = Site(
    "response-property", Direction.RESPONSE, "schema", "`{property}` of the {status} response", whole=False
)
RESPONSE_HEADER = Site(
    "response-header", Direction.RESPONSE, "headers", "the header `{header}` of the {status} response", whole=True
)
RESPONSE_HEADER_PROPERTY = Site(
    "response-header-property",
    Direction.RESPONSE,
    "headers",
    "`{property}` of the header `{header}` of the {status} response",
    whole=False,
)

SITES = (
    REQUEST_BODY,
    REQUEST_PROPERTY,
    PARAMETER,
    PARAMETER_PROPERTY,
    RESPONSE_BODY,
    RESPONSE_PROPERTY,
    RESPONSE_HEADER,
    RESPONSE_HEADER_PROPERTY,
)
