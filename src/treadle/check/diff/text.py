"""Two versions compared, for a person at a terminal: by operation, worst first, the verdict last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from treadle.base.printable import printable
from treadle.check.diff.report import POSSIBLE, Comparison, Told
from treadle.check.diff.rule import Level

_COLOURS = {Level.ERROR: "31", Level.WARNING: "33", Level.INFO: "36"}
_ORDER = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}
_WITNESS_CHARS_MAX = 160


def render(comparison: Comparison, *, all_levels: bool = False, colour: bool = False) -> str:
    """Errors and warnings, with `all_levels` also what is only worth knowing; then the verdict in one line."""
    shown = [each for each in comparison.changes if all_levels or each.level is not Level.INFO]
    return "".join(f"{line}\n" for line in _lines(comparison, shown, colour=colour))


def _lines(comparison: Comparison, shown: Sequence[Told], *, colour: bool) -> Iterator[str]:
    groups: dict[str, list[Told]] = {}
    for each in shown:
        groups.setdefault(each.where, []).append(each)
    for where, told in groups.items():
        yield _painted(printable(where) or "the document", "1", colour=colour)
        for each in sorted(told, key=lambda one: _ORDER[one.level]):
            yield from _told(each, colour=colour)
        yield ""
    hidden = len(comparison.changes) - len(shown)
    if hidden:
        yield f"{hidden} more break{'s' if hidden == 1 else ''} nobody (--all shows {'it' if hidden == 1 else 'them'})"
    yield _painted(printable(str(comparison.verdict)), "32" if comparison.compatible else "31", colour=colour)


def _told(each: Told, *, colour: bool) -> Iterator[str]:
    level = _painted(f"{each.level.value:7}", _COLOURS[each.level], colour=colour)
    yield printable(f"  {{}} {each.id}: {each.text}").replace("{}", level, 1)
    yield printable(f"          {each.old} -> {each.new}")
    if each.proof.witness and each.proof.of_values:
        inside = f" (at {each.proof.part[0]})" if each.proof.part else ""
        yield printable(f"          for example: {example(each.proof.witness[0])}{inside}")
    elif each.proof.word == POSSIBLE and each.proof.of_values:
        yield "          no example was found: look at both"


def example(value: object) -> str:
    """An instance in one line, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= _WITNESS_CHARS_MAX else f"{text[:_WITNESS_CHARS_MAX]}…"


def _painted(text: str, code: str, *, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
