"""AsyncAPI 2: a `messageId` names one message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.walk import messages, repeated
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Each message whose id an earlier one has. A message that several operations refer to counts for each."""
    for path, id in repeated(messages(context.subject.inlined(value)), "messageId"):
        yield Complaint(f'another message has the id "{id}"', path)
