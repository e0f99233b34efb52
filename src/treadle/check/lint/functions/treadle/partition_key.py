"""`partitionKey`: the key that orders a channel is in every event of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import written
from treadle.check.lint.context import Check, Complaint, Context, Subject
from treadle.check.lint.events import address, own, payloads
from treadle.check.lint.shape import kinds, properties, required
from treadle.contract.place import Json
from treadle.contract.pointer import pointer, tokens

_DEFAULT = "/partitionKey"


def make(_: Mapping[str, Json]) -> Check:
    """Value: a channel. No options."""
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    key = own(written(context)).get("partition_key", _DEFAULT)
    if not isinstance(key, str):
        return
    named = address(context)
    for _, payload in payloads(context):
        wrong = _wrong(payload, tokens(key), context.subject)
        if wrong:
            said = named[0] if named else context.path[-1]
            at = (*context.path, "x-treadle", "partition_key")
            yield Complaint(f"the partition key {key} of {said} {wrong}", at)


def _wrong(schema: Json, steps: tuple[str, ...], subject: Subject) -> str:
    """What is wrong with the way to the key, or nothing."""
    way = ""
    for step in steps:
        if kinds(schema, subject) != frozenset({"object"}):
            return f"may be missing: {way or 'the payload'} may be no object"
        found = properties(schema, subject).get(step)
        way += pointer(step)
        if found is None:
            return f"leads nowhere: the payload describes no {way}"
        if step not in required(schema, subject):
            return f"may be missing: {way} is not required"
        schema = found
    return "" if kinds(schema, subject) == frozenset({"string"}) else "is no string"
