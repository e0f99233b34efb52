"""Compares the channels of two versions: that they are there, their addresses, their settings, and what they carry."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from treadle.check.diff.asyncapi import pairs
from treadle.check.diff.asyncapi.bindings import binding_changes, schema_fields
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.messages import exchanges, message_changes
from treadle.check.diff.asyncapi.operations import operation_changes
from treadle.check.diff.asyncapi.parameters import parameter_changes
from treadle.check.diff.asyncapi.payloads import Payloads
from treadle.check.diff.asyncapi.settings import setting_changes
from treadle.check.diff.asyncapi.view import Api, Channel
from treadle.check.diff.change import Change
from treadle.check.schema.edit import Flow


def channel_changes(here: Here, old: Api, new: Api, payloads: Payloads, today: dt.date) -> Iterator[Change]:
    """What went comes first, then what stayed in the order of the new document, then what came."""
    found = pairs.channels(old.channels, new.channels)
    order = {id(channel): at for at, channel in enumerate(new.channels)}
    for before, after in found:
        if before is not None and after is None:
            yield _removed(Here(before.node, here.new.child("channels"), before.address), before, today)
    kept = [(before, after) for before, after in found if before is not None and after is not None]
    for before, after in sorted(kept, key=lambda pair: order[id(pair[1])]):
        yield from _pair(Here(before.node, after.node, after.address), before, after, payloads)
    for before, after in found:
        if before is None and after is not None:
            yield Here(here.old.child("channels"), after.node, after.address).change("channel-added")


def _removed(here: Here, channel: Channel, today: dt.date) -> Change:
    if not channel.deprecated:
        return here.change("channel-removed")
    sunset = _date(channel.node.child("x-sunset").value)
    if sunset is not None and today < sunset:
        return here.change("channel-removed-before-sunset", old=sunset.isoformat())
    return here.change("channel-removed-with-deprecation")


def _pair(here: Here, old: Channel, new: Channel, payloads: Payloads) -> Iterator[Change]:
    if new.deprecated and not old.deprecated:
        yield here.change("channel-deprecated")
    yield from setting_changes(here, old, new)
    yield from parameter_changes(here, old, new, payloads)
    yield from binding_changes(here, "channel", old.bindings, new.bindings)
    for name, before, after in schema_fields("channel", old.bindings, new.bindings):
        yield from payloads.changes(here, Flow.REQUEST, f"the {name}", before, after)
    if not (old.governed or new.governed):
        yield from operation_changes(here, old, new, payloads)
    yield from message_changes(here, exchanges(old, new), payloads)


def _date(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
