"""Compares the parameters in a channel's address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.diff.asyncapi.bindings import shown
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.payloads import Payloads
from treadle.check.diff.asyncapi.view import Channel
from treadle.check.diff.change import Change
from treadle.check.schema.edit import Flow
from treadle.contract.library import Node

_NAME = re.compile(r"\{([^}]*)\}")


def parameter_changes(here: Here, old: Channel, new: Channel, payloads: Payloads) -> Iterator[Change]:
    """A parameter is known by its position in the address. 2.x describes it by a schema, 3.x by a list of values."""
    for was, now in zip(_NAME.findall(old.address), _NAME.findall(new.address), strict=False):
        if was != now:
            yield here.change("channel-parameter-renamed", old=was, new=now)
        before, after = old.parameters.get(was), new.parameters.get(now)
        if before is None or after is None:
            continue
        yield from _pair(here.at(before, after), now, payloads)


def _pair(here: Here, name: str, payloads: Payloads) -> Iterator[Change]:
    schemas = [each.child("schema") for each in (here.old, here.new)]
    if all(each.value is not None for each in schemas):
        yield from payloads.changes(here, Flow.BOTH, f"the parameter `{name}`", *schemas)
    else:
        before, after = (_values(each) for each in (here.old, here.new))
        for value in before or () if after is not None else ():
            if after is not None and value not in after:
                yield here.member("channel-parameter-value-removed", "enum", name=name, old=shown(value))
        for value in after or () if before is not None else ():
            if before is not None and value not in before:
                yield here.member("channel-parameter-value-added", "enum", name=name, new=shown(value))
        if before is None and after is not None:
            yield here.member("channel-parameter-became-enum", "enum", name=name)
    places = [each.child("location").value for each in (here.old, here.new)]
    if places[0] != places[1]:
        yield here.member(
            "channel-parameter-location-changed", "location", name=name, old=shown(places[0]), new=shown(places[1])
        )


def _values(parameter: Node) -> list[object] | None:
    """The values that a parameter may have, None where any will do."""
    for found in (parameter.child("enum").value, parameter.child("schema", "enum").value):
        if isinstance(found, list):
            return found
    return None
