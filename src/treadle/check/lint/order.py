"""Results with their ranges, in the order in which Spectral prints them: file, place, code, path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from treadle.base.printable import printable
from treadle.check.lint.result import Result
from treadle.contract.library import Library
from treadle.contract.parse import InvalidDocument
from treadle.contract.ranges import NOWHERE, Range, range_of

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Placed:
    """A result and where it stands in the text, 0-based."""

    result: Result
    range: Range


def placed(results: Iterable[Result], library: Library) -> list[Placed]:
    """Look up every range, and sort."""
    return sorted((Placed(each, _range(each, library)) for each in results), key=_key)


def _range(result: Result, library: Library) -> Range:
    if result.range is not None:
        return result.range
    try:
        return range_of(library.document(result.file), result.path)
    except (KeyError, InvalidDocument):
        return NOWHERE


def _key(each: Placed) -> tuple[Any, ...]:
    result = each.result
    return (result.file, each.range[0], _natural(result.code), ",".join(map(str, result.path)), result.message)


@cache
def _natural(code: str) -> list[Any]:
    """Words as words and numbers as numbers: `oas2-x` before `oas10-x`."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _DIGITS.split(code)]


def spectral_json(each: Placed) -> dict[str, Any]:
    """One result in the shape of `spectral lint --format json`: an index is a text there, but for `parser`."""
    (line, character), (end_line, end_character) = each.range
    result = each.result
    return {
        "code": result.code,
        "path": list(result.path) if result.code == "parser" else [str(step) for step in result.path],
        "message": result.message,
        "severity": int(result.level),
        "range": {
            "start": {"line": line, "character": character},
            "end": {"line": end_line, "character": end_character},
        },
        "source": printable(result.file),
    }
