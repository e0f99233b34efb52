"""`lint --fix`: what a machine may mend without knowing the service, checked before anybody writes it.

A fix is text put in by position; the rest of the file stays byte for byte. The mended text is read again: its data must
be the old data with exactly the intended parts in it. It is linted again: what was to be mended must be gone, and
nothing new may have come. Else that fix is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from treadle.check.lint.fixers import FIXERS, Fixer
from treadle.check.lint.insertion import Edit, Insertion, edit_of, edited, inserted
from treadle.check.lint.result import Result
from treadle.contract.parse import Document, parse_tolerant
from treadle.contract.places import Places

Lint = Callable[[bytes], Sequence[Result]]
"""The bytes of the file -> what the rules say of it."""

_KEY = re.compile(r"[A-Za-z0-9_.+~-]+(?=[ \t]*:(?:\s|\Z))")


@dataclass(frozen=True, slots=True)
class Fixed:
    """The file as it should be, and what was mended, in words. Nothing where nothing could be."""

    data: bytes
    mended: tuple[str, ...] = ()


def fix(file: str, data: bytes, lint: Lint) -> Fixed:
    """Mend one file as far as that is safe."""
    fixed = _quote_keys(file, data)
    for rule, fixer in FIXERS.items():
        more = _put_in(file, fixed.data, lint, rule, fixer)
        fixed = Fixed(more.data, fixed.mended + more.mended)
    return fixed


def _quote_keys(file: str, data: bytes) -> Fixed:
    """Keys that YAML takes for numbers, booleans or null, in quotes: `200:` becomes `"200":`."""
    document, findings = parse_tolerant(file, data)
    wrong = [each.place for each in findings if each.rule == "key-not-string"]
    if document is None or not wrong or not isinstance(document.places, Places):
        return Fixed(data)
    lines = document.places.lines
    edits: list[Edit] = []
    for place in wrong:
        at = lines.starts[place.line - 1] + place.column - 1
        match = _KEY.match(lines.text, at)
        if match:
            edits.append(Edit(at, f'"{match[0]}"', len(match[0])))
    new = _encoded(data, edited(lines.text, edits))
    after, left = parse_tolerant(file, new)
    if after is None or after.data != document.data or len(left) >= len(findings):
        return Fixed(data)
    return Fixed(new, tuple(f"{file}: put the key {each.text} in quotes" for each in edits))


def _put_in(file: str, data: bytes, lint: Lint, rule: str, fixer: Fixer) -> Fixed:
    """What one rule misses, where the document has it. What did not help is left out at the second attempt."""
    document, _ = parse_tolerant(file, data)
    if document is None:
        return Fixed(data)
    before = [each for each in lint(data) if each.file == file]
    wanted = {
        each: made for each in before if each.code == rule and (made := fixer(document.data, each.path)) is not None
    }
    for _ in range(2):
        attempt = _attempt(document, data, wanted.values())
        if attempt is None:
            break
        left = Counter(_said(each) for each in lint(attempt) if each.file == file)
        helped = {each: made for each, made in wanted.items() if not left[_said(each)]}
        if len(helped) == len(wanted) and left <= Counter(_said(each) for each in before):
            return Fixed(attempt, tuple(f"{file}: {each.code}: {each.message}" for each in wanted))
        wanted = helped
    return Fixed(data)


def _attempt(document: Document, data: bytes, insertions: Iterable[Insertion]) -> bytes | None:
    """The bytes with all of them put in; None where they cannot be, or would say something else."""
    wanted = list(insertions)
    places = document.places
    if not wanted or not isinstance(places, Places):
        return None
    json = data.lstrip()[:1] in (b"{", b"[")
    edits = [edit for each in wanted if (edit := edit_of(each, places, json=json))]
    if len(edits) < len(wanted):
        return None
    new = _encoded(data, edited(places.lines.text, edits))
    after, _ = parse_tolerant(document.file, new)
    return new if after is not None and after.data == inserted(document.data, wanted) else None


def _encoded(old: bytes, text: str) -> bytes:
    """As bytes, with the byte order mark that the file had."""
    mark = b"\xef\xbb\xbf"
    return (mark if old.startswith(mark) else b"") + text.encode().removeprefix(mark)


def _said(result: Result) -> tuple[str, str]:
    return result.code, result.message
