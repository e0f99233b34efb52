"""File globs as minimatch reads them: `*`, `**`, `?`, `[…]`, `{a,b}`; one without a slash is matched by the base name."""

from __future__ import annotations

import posixpath
import re
from functools import cache

_ALTERNATIVES_MAX = 64


def matches(path: str, glob: str) -> bool:
    """Whether a relative path, with slashes, is meant by a glob."""
    if "/" not in glob:
        path = posixpath.basename(path)
    return any(pattern.fullmatch(path) for pattern in _patterns(glob.removeprefix("./")))


@cache
def _patterns(glob: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile("/".join(_segments(each)), re.DOTALL) for each in _braces(glob))


def _braces(glob: str) -> list[str]:
    """Every choice of `{a,b}` written out."""
    waiting, done = [glob], []
    while waiting and len(waiting) + len(done) < _ALTERNATIVES_MAX:
        each = waiting.pop()
        match = re.search(r"\{([^{}]*,[^{}]*)\}", each)
        if match is None:
            done.append(each)
        else:
            waiting += [each[: match.start()] + choice + each[match.end() :] for choice in match[1].split(",")]
    return done


def _segments(glob: str) -> list[str]:
    segments = glob.split("/")
    found: list[str] = []
    for at, segment in enumerate(segments):
        last = at == len(segments) - 1
        if segment != "**":
            found.append(_segment(segment))
        elif last:
            found.append(r"(?:(?!\.)[^/]+/)*(?!\.)[^/]*")
        else:
            found.append("(?:(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+)?")
    return _joined(found, segments)


def _joined(found: list[str], segments: list[str]) -> list[str]:
    """`a/**/b` also means `a/b`: the slash behind `**` goes with it."""
    joined: list[str] = []
    at = 0
    while at < len(found):
        if segments[at] == "**" and at < len(found) - 1:
            joined.append(f"(?:{found[at]}/)?{found[at + 1]}" if segments[at + 1] != "**" else found[at])
            at += 2
        else:
            joined.append(found[at])
            at += 1
    return joined


def _segment(text: str) -> str:
    """One segment; a star at its start does not take a leading dot."""
    pattern = "" if text.startswith(".") else r"(?!\.)"
    for piece in re.finditer(r"\*+|\?|\[([!^]?)([^\]]+)\]|.", text, re.DOTALL):
        if piece[0].startswith("*"):
            pattern += "[^/]*"
        elif piece[0] == "?":
            pattern += "[^/]"
        elif piece[2] is not None:
            pattern += f"[{'^' if piece[1] else ''}{piece[2].replace(chr(92), chr(92) * 2)}]"
        else:
            pattern += re.escape(piece[0])
    return pattern
