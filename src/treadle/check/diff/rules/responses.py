"""Rows about responses as such: statuses, and the media types they come in."""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_ADD = (Direction.RESPONSE, "responses", "existence", "add")
_REMOVE = (Direction.RESPONSE, "responses", "existence", "remove")
_NAME = (Direction.RESPONSE, "responses", "type", "change")
_CHOSEN = "Callers choose what they read, so a choice more harms nobody and a choice less does."
_CLASS = "Callers must take any status of a class as that class (RFC 9110 section 15)."

RESPONSES: tuple[Rule, ...] = (
    row(
        "response-success-status-added",
        _ADD,
        Effect.NONE,
        "the operation may also answer {status}",
        _CLASS,
        bump=Bump.MINOR,
    ),
    row(
        "response-success-status-removed",
        _REMOVE,
        Effect.NARROWS,
        "the operation no longer answers {status}",
        "Callers wait for an answer that never comes.",
        level=Level.ERROR,
    ),
    row(
        "response-non-success-status-added",
        _ADD,
        Effect.NONE,
        "the operation may also answer {status}",
        _CLASS,
        bump=Bump.MINOR,
    ),
    row(
        "response-non-success-status-removed",
        _REMOVE,
        Effect.NONE,
        "the operation no longer answers {status}",
        "Any error may come at any time; that one is documented less breaks nobody.",
        bump=Bump.MINOR,
    ),
    row("response-media-type-added", _ADD, Effect.NARROWS, "the {status} response may also come as {media}", _CHOSEN),
    row(
        "response-media-type-removed",
        _REMOVE,
        Effect.NARROWS,
        "the {status} response no longer comes as {media}",
        _CHOSEN,
        level=Level.ERROR,
    ),
    row(
        "response-media-type-name-changed",
        _NAME,
        None,
        "the {status} response comes as {new} instead of {old}",
        "Whether readers of the old name read the new one cannot be told.",
        differs="oasdiff says info in some versions.",
    ),
    row(
        "response-media-type-name-generalized",
        (Direction.RESPONSE, "responses", "type", "generalize"),
        Effect.WIDENS,
        "the {status} response comes as {new}, which is more general than {old}",
        "Callers may get what the old name excluded.",
    ),
    row(
        "response-media-type-name-specialized",
        (Direction.RESPONSE, "responses", "type", "specialize"),
        Effect.NARROWS,
        "the {status} response comes as {new}, which is a kind of {old}",
        "Whoever reads the old name reads every kind of it.",
    ),
    row(
        "response-media-type-parameter-added",
        _ADD,
        Effect.NARROWS,
        "{media} of the {status} response now says `{name}`",
        "Readers are told more than before.",
    ),
    row(
        "response-media-type-parameter-removed",
        _REMOVE,
        Effect.WIDENS,
        "{media} of the {status} response no longer says `{name}`",
        "Readers rely on what the parameter promised.",
    ),
    row(
        "response-media-type-parameter-changed",
        _NAME,
        Effect.CHANGES,
        "`{name}` of {media} of the {status} response went from `{old}` to `{new}`",
        "Readers take the bytes for what the old parameter said.",
    ),
    row(
        "response-body-media-type-schema-added",
        _ADD,
        Effect.NARROWS,
        "{media} of the {status} response was given a schema",
        "Before, anything could come.",
    ),
    row(
        "response-body-media-type-schema-removed",
        _REMOVE,
        Effect.WIDENS,
        "{media} of the {status} response lost its schema",
        "Anything may come now.",
        differs="oasdiff says warning in some versions; a reader of the old schema has no promise left.",
    ),
    row(
        "response-body-media-type-item-schema-added",
        _ADD,
        Effect.NARROWS,
        "the items of {media} of the {status} response were given a schema",
        "Before, any item could come.",
    ),
    row(
        "response-body-media-type-item-schema-removed",
        _REMOVE,
        Effect.WIDENS,
        "the items of {media} of the {status} response lost their schema",
        "The whole is described, its items no more.",
    ),
    row(
        "response-body-media-type-item-schema-removed-untyped",
        _REMOVE,
        Effect.WIDENS,
        "the items of {media} of the {status} response lost their schema, and nothing else describes them",
        "Any item may come now.",
    ),
)
