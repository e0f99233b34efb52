"""Locations of parameters, correlation ids and replies: a runtime expression, and something that it points at.

Options: `check`, `syntax` (the expression parses) or `target` (a message that it is about can hold what it names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.messages import messages_of, parts_of
from treadle.check.lint.functions.asyncapi.objects import Objects, Spot, objects_of
from treadle.check.lint.functions.asyncapi.runtime_expression import may_hold, parse_expression
from treadle.contract.place import Json

_KINDS = ("parameter", "correlationId", "replyAddress")


def make(options: Mapping[str, Any]) -> Check:
    """The value is a whole document."""
    kind = options.get("check", "syntax")
    if kind not in ("syntax", "target"):
        raise BadOptions("`check` must be `syntax` or `target`")
    return _syntax if kind == "syntax" else _target


def _syntax(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    for spot in objects_of(context).of(*_KINDS):
        location = spot.value.get("location")
        if isinstance(location, str) and parse_expression(location) is None:
            says = f"`{location}` is no runtime expression such as `$message.header#/correlationId`"
            yield Complaint(says, (*spot.path, "location"))


def _target(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    objects = objects_of(context)
    told: set[tuple[str | int, ...]] = set()
    for spot, messages in _uses(objects):
        location = spot.value.get("location")
        expression = parse_expression(location) if isinstance(location, str) else None
        if expression is None or not messages or spot.path in told:
            continue
        for message in messages:
            schema = parts_of(context, message).get(expression.part)
            if schema is not None and not may_hold(schema, expression.steps):
                told.add(spot.path)
                name = ".".join(map(str, message.path))
                yield Complaint(f"nothing of `{name}` can stand at `{location}`", (*spot.path, "location"))
                break


def _uses(objects: Objects) -> Iterator[tuple[Spot, list[Spot]]]:
    """Every object with a location, and the messages that it is about: by each way that leads to it."""
    for channel in objects.of("channel"):
        messages = messages_of(objects, channel)
        for found in _below(objects, channel, "parameters"):
            yield found, messages
    for message in objects.of("message", "messageTrait"):
        for found in _below(objects, message, "correlationId"):
            yield found, [message]
    for operation in objects.of("operation"):
        for reply in _below(objects, operation, "reply"):
            for found in _below(objects, reply, "address"):
                yield found, messages_of(objects, operation)


def _below(objects: Objects, spot: Spot, field: str) -> Iterator[Spot]:
    value = spot.value.get(field)
    names = list(value) if field == "parameters" and isinstance(value, dict) else [None]
    for name in names:
        path = (*spot.path, field) if name is None else (*spot.path, field, name)
        below = objects.at(path)
        found = below and objects.target(below)
        if found and isinstance(found.value, dict):
            yield found
