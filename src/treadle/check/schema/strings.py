"""`pattern`, and what a string holds: `contentMediaType`, `contentEncoding`, `contentSchema`."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair, Policy
from treadle.check.schema.shape import Shape

_EVERYTHING = frozenset({".*", "^.*", ".*$", ""})
"""Patterns that match every text."""
_ONE_LINE = "^.*$"
"""One that refuses something, if seldom: a line end."""


def compare_strings(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """Strings that both take."""
    if "string" not in old.kinds & new.kinds:
        return
    yield from _pattern(old, new, judge)
    read_otherwise = old.encodings != new.encodings and bool(old.media or new.media)
    for keyword, kind, before, after in (
        ("contentMediaType", "content-media-type-changed", old.media, new.media),
        ("contentEncoding", "content-encoding-changed", old.encodings, new.encodings),
    ):
        if before != after:
            words = {"old": ", ".join(sorted(before)), "new": ", ".join(sorted(after))}
            narrows, widens = bool(after - before) or read_otherwise, bool(before - after) or read_otherwise
            yield Change(kind, Effect.of(narrows=narrows, widens=widens), keyword, words)
    if old.content and new.content:
        step = Step("contentSchema")
        yield Pair(step, old.source.join(old.content), new.source.join(new.content), "contentSchema")
    elif old.content or new.content:
        kind = "content-schema-removed" if old.content else "content-schema-added"
        yield Change(kind, Effect.WIDENS if old.content else Effect.NARROWS, "contentSchema")


def _pattern(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    gone, come = old.patterns - new.patterns, new.patterns - old.patterns
    if not gone and not come:
        return
    words = {"old": " and ".join(sorted(gone)), "new": " and ".join(sorted(come))}
    harmless = _EVERYTHING if judge.policy is Policy.STRICT else _EVERYTHING | {_ONE_LINE}
    effect = Effect.of(narrows=bool(come - harmless), widens=bool(gone - _EVERYTHING))
    name = "changed" if gone and come else "added" if come else "removed"
    if come and come <= _EVERYTHING | {_ONE_LINE}:
        name = "generalized"
    yield Change(f"pattern-{name}", effect, "pattern", words)
