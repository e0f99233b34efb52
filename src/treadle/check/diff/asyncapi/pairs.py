"""Which thing of the new version is which of the old: by name, by what it holds, or because only it is left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

import orjson

from treadle.check.diff.asyncapi.view import Channel, Message, Operation, Server

Thing = TypeVar("Thing")
Keys = Sequence[Callable[[Thing], Iterable[Hashable]]]


def matched(old: Sequence[Thing], new: Sequence[Thing], keys: Keys[Thing]) -> list[tuple[Thing | None, Thing | None]]:
    """Pairs in the order of `old`, what has no partner with None, then what is only in `new`.

    Each function of `keys` gives what a thing is known by; the first that finds a partner decides. A thing has one
    partner at most.
    """
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for known_by in keys:
        free: dict[Hashable, int] = {}
        for at, thing in enumerate(new):
            if at not in taken:
                for key in known_by(thing):
                    free.setdefault(key, at)
        for at, thing in enumerate(old):
            if at in partners:
                continue
            found = next((free[key] for key in known_by(thing) if key in free and free[key] not in taken), None)
            if found is not None:
                partners[at] = found
                taken.add(found)
    pairs: list[tuple[Thing | None, Thing | None]] = [
        (thing, new[partners[at]] if at in partners else None) for at, thing in enumerate(old)
    ]
    return [*pairs, *((None, thing) for at, thing in enumerate(new) if at not in taken)]


def channels(old: Sequence[Channel], new: Sequence[Channel]) -> list[tuple[Channel | None, Channel | None]]:
    """By address; the names of parameters in it are not on the wire."""
    return matched(old, new, (lambda each: (each.address,), lambda each: (each.shape,)))


def operations(old: Sequence[Operation], new: Sequence[Operation]) -> list[tuple[Operation | None, Operation | None]]:
    """Of one channel: by what is done and its id, else by what is done."""
    return matched(old, new, (lambda each: ((each.action, each.id),), lambda each: (each.action,)))


def messages(old: Sequence[Message], new: Sequence[Message]) -> list[tuple[Message | None, Message | None]]:
    """By a name of it, else by its payload; one message that became one other is still the message there."""
    pairs = matched(old, new, (lambda each: each.names, _payload))
    gone = [before for before, after in pairs if before is not None and after is None]
    come = [after for before, after in pairs if before is None and after is not None]
    if len(gone) == len(come) == 1 and len(old) == len(new) == 1:
        return [(old[0], new[0])]
    return pairs


def servers(old: Sequence[Server], new: Sequence[Server]) -> list[tuple[Server | None, Server | None]]:
    """By where it is and what it speaks, else by its name."""
    return matched(old, new, (lambda each: ((each.url, each.protocol),), lambda each: (each.name,)))


def _payload(message: Message) -> Iterable[Hashable]:
    """A message without a payload says nothing that it could be known by."""
    if message.payload is not None:
        with contextlib.suppress(TypeError):  # orjson refuses what is nested deeper than some 250 levels
            yield orjson.dumps(message.payload.value, option=orjson.OPT_SORT_KEYS)
