"""File globs as minimatch reads them: `*`, `**`, `?`, `[…]`, `{a,b}`; one without a slash is about the base name."""

from __future__ import annotations

import posixpath
import re
from functools import cache

_CHOICES_MAX = 64
_CHOICE = re.compile(r"\{([^{}]*,[^{}]*)\}")
_PIECE = re.compile(r"\*+|\?|\[([!^]?)([^\]]+)\]|.", re.DOTALL)
_FOLDERS = r"(?:(?!\.)[^/]+/)*"


def matches(path: str, glob: str) -> bool:
    """Whether a relative path, with slashes, is meant by a glob."""
    if "/" not in glob:
        path = posixpath.basename(path)
    return any(pattern.fullmatch(path) for pattern in _patterns(glob.removeprefix("./")))


@cache
def _patterns(glob: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(_pattern(each), re.DOTALL) for each in _choices(glob))


def _choices(glob: str) -> list[str]:
    """Every choice of `{a,b}` written out."""
    waiting = [glob]
    done: list[str] = []
    while waiting and len(waiting) + len(done) < _CHOICES_MAX:
        each = waiting.pop()
        match = _CHOICE.search(each)
        if match is None:
            done.append(each)
        else:
            waiting += [each[: match.start()] + choice + each[match.end() :] for choice in match[1].split(",")]
    return done


def _pattern(glob: str) -> str:
    """`**` is any number of folders, none included; at the end it is at least one name."""
    *folders, last = glob.split("/")
    path = "".join(_FOLDERS if each == "**" else _segment(each) + "/" for each in folders)
    return path + (_FOLDERS + _segment("*") if last == "**" else _segment(last))


def _segment(text: str) -> str:
    """One segment; a star at its start does not take a leading dot."""
    pattern = "" if text.startswith(".") else r"(?!\.)"
    for piece in _PIECE.finditer(text):
        if piece[0].startswith("*"):
            pattern += "[^/]*"
        elif piece[0] == "?":
            pattern += "[^/]"
        elif piece[2] is not None:
            inner = piece[2].replace("\\", "\\\\")
            pattern += f"[{'^' if piece[1] else ''}{inner}]"
        else:
            pattern += re.escape(piece[0])
    return pattern
