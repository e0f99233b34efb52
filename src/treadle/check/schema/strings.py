"""`pattern`, and what a string holds: `contentMediaType`, `contentEncoding`, `contentSchema`."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.schema.edit import Effect, Step
from treadle.check.schema.judge import Change, Found, Judge, Pair, Policy
from treadle.check.schema.shape import Shape

_ANYTHING = frozenset({".*", "^.*$", "^.*", ".*$", ""})
_ONE_LINE = "^.*$"
"""The one of them that refuses something, if seldom: a line end."""


def compare_strings(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    """Strings that both take."""
    if "string" not in old.kinds & new.kinds:
        return
    yield from _pattern(old, new, judge)
    for keyword, kind, before, after in (
        ("contentMediaType", "content-media-type-changed", old.media, new.media),
        ("contentEncoding", "content-encoding-changed", old.encodings, new.encodings),
    ):
        if before != after:
            words = {"old": ", ".join(sorted(before)), "new": ", ".join(sorted(after))}
            yield Change(kind, Effect.of(narrows=bool(after - before), widens=bool(before - after)), keyword, words)
    if old.content and new.content:
        step = Step("contentSchema")
        yield Pair(step, old.source.join(old.content), new.source.join(new.content), "contentSchema")
    elif old.content or new.content:
        kind = "content-schema-removed" if old.content else "content-schema-added"
        yield Change(kind, Effect.WIDENS if old.content else Effect.NARROWS, "contentSchema")


def _pattern(old: Shape, new: Shape, judge: Judge) -> Iterator[Found]:
    gone, come = old.patterns - new.patterns, new.patterns - old.patterns
    words = {"old": " and ".join(sorted(gone)), "new": " and ".join(sorted(come))}
    if come <= _ANYTHING and come:
        effect = Effect.of(narrows=judge.policy is Policy.STRICT and _ONE_LINE in come, widens=bool(gone))
        yield Change("pattern-generalized", effect, "pattern", words)
    elif gone and come:
        yield Change("pattern-changed", Effect.CHANGES, "pattern", words)
    elif come:
        yield Change("pattern-added", Effect.NARROWS, "pattern", words)
    elif gone:
        yield Change("pattern-removed", Effect.WIDENS, "pattern", words)
