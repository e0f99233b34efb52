"""Rows about parameters as such; what changes inside their schemas is in `schemas` and `properties`."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_ADD = (Direction.REQUEST, "parameters", "existence", "add")
_REMOVE = (Direction.REQUEST, "parameters", "existence", "remove")
_REQUIRED = (Direction.REQUEST, "parameters", "requiredness", "change")
_FORM = (Direction.REQUEST, "parameters", "type", "change")
_REFUSED = "Calls without it are refused."
_AS_BEFORE = "Calls without it work as before."

PARAMETERS: tuple[Rule, ...] = (
    row(
        "new-required-request-parameter",
        _ADD,
        Effect.NARROWS,
        "the required {where} parameter `{parameter}` was added",
        _REFUSED,
    ),
    row(
        "new-optional-request-parameter",
        _ADD,
        Effect.WIDENS,
        "the optional {where} parameter `{parameter}` was added",
        _AS_BEFORE,
    ),
    row(
        "new-required-request-default-parameter-to-existing-path",
        _ADD,
        Effect.NARROWS,
        "the required {where} parameter `{parameter}` was added to the whole path",
        _REFUSED,
    ),
    row(
        "new-optional-request-default-parameter-to-existing-path",
        _ADD,
        Effect.WIDENS,
        "the optional {where} parameter `{parameter}` was added to the whole path",
        _AS_BEFORE,
    ),
    row(
        "new-request-path-parameter",
        _ADD,
        Effect.NARROWS,
        "the path parameter `{parameter}` was added",
        "A path parameter is always required, and what callers write in its place may not fit it.",
    ),
    row(
        "request-parameter-removed",
        _REMOVE,
        Effect.NARROWS,
        "the {where} parameter `{parameter}` was removed",
        "Calls that send it are no longer understood as they were meant.",
        level=Level.WARNING,
    ),
    row(
        "request-parameter-removed-with-deprecation",
        _REMOVE,
        Effect.NONE,
        "the {where} parameter `{parameter}`, which was deprecated, was removed",
        "It was announced. See in the facts that nobody sends it any more.",
        bump=Bump.MINOR,
    ),
    row(
        "request-parameter-removed-before-sunset",
        _REMOVE,
        Effect.NARROWS,
        "the {where} parameter `{parameter}` was removed before its sunset date {old}",
        "Callers were promised that it works until that day.",
    ),
    row(
        "request-parameter-became-required",
        _REQUIRED,
        Effect.NARROWS,
        "the {where} parameter `{parameter}` became required",
        _REFUSED,
    ),
    row(
        "request-parameter-became-optional",
        _REQUIRED,
        Effect.WIDENS,
        "the {where} parameter `{parameter}` became optional",
        "Calls with it work as before.",
    ),
    row(
        "request-parameter-renamed",
        _FORM,
        Effect.NONE,
        "the path parameter `{old}` is now named `{new}`",
        "The name of a path parameter is not on the wire; generated clients name their arguments by it.",
        bump=Bump.MINOR,
    ),
    row(
        "request-parameter-style-changed",
        _FORM,
        Effect.CHANGES,
        "the {where} parameter `{parameter}` is now written in the style {new}, not {old}",
        "Values are split and joined in another way, so what callers send is read as something else.",
    ),
)
