"""Rows about response headers as such; what changes inside their schemas is in `schemas`."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect

_REQUIRED = (Direction.RESPONSE, "headers", "requiredness", "change")
_REMOVE = (Direction.RESPONSE, "headers", "existence", "remove")

HEADERS: tuple[Rule, ...] = (
    row(
        "response-header-added",
        (Direction.RESPONSE, "headers", "existence", "add"),
        Effect.NARROWS,
        "the header `{header}` was added to the {status} response",
        "Callers that do not know it do not read it.",
    ),
    row(
        "required-response-header-removed",
        _REMOVE,
        Effect.WIDENS,
        "the required header `{header}` was removed from the {status} response",
        "Callers rely on it.",
    ),
    row(
        "optional-response-header-removed",
        _REMOVE,
        Effect.WIDENS,
        "the optional header `{header}` was removed from the {status} response",
        "No promise is broken, for it could be absent; some caller may read it.",
        level=Level.WARNING,
        differs="oasdiff says info in some versions: a header that somebody reads goes, which is worth a look.",
    ),
    row(
        "response-header-became-optional",
        _REQUIRED,
        Effect.WIDENS,
        "the header `{header}` of the {status} response became optional",
        "Callers rely on it.",
    ),
    row(
        "response-header-became-required",
        _REQUIRED,
        Effect.NARROWS,
        "the header `{header}` of the {status} response became required",
        "Callers get it always.",
    ),
)
