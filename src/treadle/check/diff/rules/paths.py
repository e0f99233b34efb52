"""Rows about operations as such: that they are there, and what names them."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_ADD = (Direction.NONE, "paths", "existence", "add")
_REMOVE = (Direction.NONE, "paths", "existence", "remove")

PATHS: tuple[Rule, ...] = (
    row(
        "endpoint-added",
        _ADD,
        Effect.WIDENS,
        "the operation was added",
        "Nobody who keeps to the old contract notices.",
    ),
    row(
        "api-removed-without-deprecation",
        _REMOVE,
        Effect.NARROWS,
        "the operation was removed without having been deprecated",
        "Callers get 404 or 405, and nobody told them. Deprecate first, with a sunset date.",
    ),
    row(
        "api-path-removed-without-deprecation",
        _REMOVE,
        Effect.NARROWS,
        "the operation was removed with its whole path, without having been deprecated",
        "Callers get 404, and nobody told them. Deprecate first, with a sunset date.",
    ),
    row(
        "api-removed-before-sunset",
        _REMOVE,
        Effect.NARROWS,
        "the operation was removed before its sunset date {old}",
        "Callers were promised that it works until that day.",
    ),
    row(
        "api-path-removed-before-sunset",
        _REMOVE,
        Effect.NARROWS,
        "the operation was removed with its whole path before its sunset date {old}",
        "Callers were promised that it works until that day.",
    ),
    row(
        "api-removed-with-deprecation",
        _REMOVE,
        Effect.NONE,
        "the operation, which was deprecated, was removed",
        "It was announced. See in the facts that nobody calls it any more.",
        bump=Bump.MINOR,
    ),
    row(
        "api-path-removed-with-deprecation",
        _REMOVE,
        Effect.NONE,
        "the operation, which was deprecated, was removed with its whole path",
        "It was announced. See in the facts that nobody calls it any more.",
        bump=Bump.MINOR,
    ),
    row(
        "api-operation-id-removed",
        _REMOVE,
        Effect.NONE,
        "the operationId `{old}` was replaced by `{new}`",
        "It is not on the wire, but generated clients name their functions by it.",
        bump=Bump.MINOR,
    ),
    row(
        "api-operation-id-added",
        _ADD,
        Effect.NONE,
        "the operation was given the operationId `{new}`",
        "It is not on the wire; generated clients get a better name.",
    ),
    row(
        "api-tag-removed",
        (Direction.NONE, "tags", "existence", "remove"),
        Effect.NONE,
        "the tag `{old}` was removed",
        "Tags order documentation and group generated clients.",
    ),
    row(
        "api-tag-added",
        (Direction.NONE, "tags", "existence", "add"),
        Effect.NONE,
        "the tag `{new}` was added",
        "Tags order documentation and group generated clients.",
    ),
)
