"""Rows about request bodies as such, and the media types they may come in."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Rule, row
from treadle.check.schema.edit import Effect

_ADD = (Direction.REQUEST, "requestBody", "existence", "add")
_REMOVE = (Direction.REQUEST, "requestBody", "existence", "remove")
_REQUIRED = (Direction.REQUEST, "requestBody", "requiredness", "change")

BODIES: tuple[Rule, ...] = (
    row(
        "request-body-added-required",
        _ADD,
        Effect.NARROWS,
        "a required request body was added",
        "Calls without one are refused.",
    ),
    row(
        "request-body-added-optional",
        _ADD,
        Effect.WIDENS,
        "an optional request body was added",
        "Calls without one work as before.",
    ),
    row(
        "request-body-removed",
        (Direction.REQUEST, "schema", "existence", "remove"),
        Effect.NARROWS,
        "the request body was removed",
        "What callers send is refused, or no longer read.",
    ),
    row(
        "request-body-became-required",
        _REQUIRED,
        Effect.NARROWS,
        "the request body became required",
        "Calls without one are refused.",
    ),
    row(
        "request-body-became-optional",
        _REQUIRED,
        Effect.WIDENS,
        "the request body became optional",
        "Calls with one work as before.",
    ),
    row(
        "request-body-media-type-added",
        _ADD,
        Effect.WIDENS,
        "the request body may also be {media}",
        "Bodies sent so far are taken as before.",
    ),
    row(
        "request-body-media-type-removed",
        _REMOVE,
        Effect.NARROWS,
        "the request body may no longer be {media}",
        "Bodies of that media type get 415.",
    ),
    row(
        "request-body-media-type-schema-added",
        _ADD,
        Effect.NARROWS,
        "{media} in the request body was given a schema",
        "Before, anything was taken.",
    ),
    row(
        "request-body-media-type-schema-removed",
        _REMOVE,
        Effect.WIDENS,
        "{media} in the request body lost its schema",
        "Anything is taken now.",
    ),
    row(
        "request-body-media-type-item-schema-added",
        _ADD,
        Effect.NARROWS,
        "the items of {media} in the request body were given a schema",
        "Before, any item was taken.",
    ),
    row(
        "request-body-media-type-item-schema-removed",
        _REMOVE,
        Effect.WIDENS,
        "the items of {media} in the request body lost their schema",
        "Any item is taken now.",
    ),
)
