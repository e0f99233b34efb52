"""A short text that a pattern matches, for the patterns that people write: literals, classes, groups, counts.

What is not understood (look-around, references back, properties of characters) gives no text, never a wrong one: a
caller tries the text on the pattern anyway.
"""

from __future__ import annotations

import re
import string

_CLASSES = {
    "d": "0",
    "w": "a",
    "s": " ",
    "D": "a",
    "W": "-",
    "S": "a",
    "t": "\t",
    "n": "\n",
    "r": "\r",
    "f": "\f",
    "v": "\v",
}
_COUNT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_REPEATS_MAX = 2_000
_TRIED = string.ascii_letters + string.digits + " -_.:/@+#!~"


class _NotUnderstood(Exception):  # noqa: N818 - asked and answered inside this module
    pass


def text_for(pattern: str) -> str | None:
    """A text that the pattern matches from end to end, or None."""
    try:
        text, end = _choice(pattern, 0, 0)
    except (_NotUnderstood, IndexError, ValueError):
        return None
    return text if end == len(pattern) else None


def _choice(pattern: str, at: int, depth: int) -> tuple[str, int]:
    """The first alternative; the others are passed over."""
    if depth > _DEPTH_MAX:
        raise _NotUnderstood
    first, at = _sequence(pattern, at, depth)
    while at < len(pattern) and pattern[at] == "|":
        _, at = _sequence(pattern, at + 1, depth)
    return first, at


_DEPTH_MAX = 20


def _sequence(pattern: str, at: int, depth: int) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(pattern) and pattern[at] not in "|)":
        atom, at = _atom(pattern, at, depth)
        times, at = _times(pattern, at)
        if len(atom) * times > _REPEATS_MAX:
            raise _NotUnderstood
        parts.append(atom * times)
    return "".join(parts), at


def _atom(pattern: str, at: int, depth: int) -> tuple[str, int]:
    char = pattern[at]
    if char in "^$":
        return "", at + 1
    if char == ".":
        return "a", at + 1
    if char == "\\":
        return _escaped(pattern, at + 1)
    if char == "[":
        return _class(pattern, at)
    if char == "(":
        at += 1
        if pattern.startswith("?:", at):
            at += 2
        elif pattern.startswith("?", at):
            raise _NotUnderstood
        text, at = _choice(pattern, at, depth + 1)
        if pattern[at] != ")":
            raise _NotUnderstood
        return text, at + 1
    if char in "*+?":
        raise _NotUnderstood
    return char, at + 1


def _escaped(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at]
    if char in "bB":
        return "", at + 1
    if char in "ux":
        length = 4 if char == "u" else 2
        return chr(int(pattern[at + 1 : at + 1 + length], 16)), at + 1 + length
    if char in _CLASSES:
        return _CLASSES[char], at + 1
    if char.isalnum():
        raise _NotUnderstood
    return char, at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    """One character of a class. Python's own engine says which; a class alone takes it no time."""
    end = at + 1 + pattern.startswith("^", at + 1)
    end += pattern.startswith("]", end)
    while pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    written = pattern[at : end + 1]
    try:
        takes = re.compile(written.replace("[", "\\[").replace("\\[", "[", 1))
    except re.error:
        raise _NotUnderstood from None
    found = next((char for char in (written[1], *_TRIED) if takes.fullmatch(char)), None)
    if found is None:
        raise _NotUnderstood
    return found, end + 1


def _times(pattern: str, at: int) -> tuple[int, int]:
    """How often an atom is repeated: once where it may be left out, so that a text has some flesh."""
    times = 1
    if at < len(pattern) and pattern[at] in "*+?":
        at += 1
    elif match := _COUNT.match(pattern, at):
        times = int(match[1])
        at = match.end()
    else:
        return 1, at
    if at < len(pattern) and pattern[at] == "?":
        at += 1
    return times, at
