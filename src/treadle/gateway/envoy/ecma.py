r"""Patterns of JSON Schema (ECMA-262, flag `u`) as expressions, where every engine means the same by them.

Taken are literals, classes, `.`, groups, choices, counts, and `^` and `$` at the ends. Not taken, because linear
engines cannot or each reads them differently: look-around, back-references, `\b`, `\p{…}`, anchors inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treadle.gateway.envoy.expression import ANY, Chars, Choice, Expression, Repeat, Sequence

PATTERN_MAX = 512
COUNT_MAX = 512
_DEPTH_MAX = 24
_ALL = frozenset(range(128))
_DIGITS = frozenset(b"0123456789")
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_SPACE = frozenset(b"\t\n\v\f\r ")
_LINES = frozenset(b"\n\r")
_CLASSES = {
    "d": Chars(_DIGITS),
    "w": Chars(_WORD),
    "s": Chars(_SPACE, beyond=True),
    "D": Chars(_ALL - _DIGITS, beyond=True),
    "W": Chars(_ALL - _WORD, beyond=True),
    "S": Chars(_ALL - _SPACE, beyond=True),
}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_SYNTAX = "^$\\.*+?()[]{}|/-"
_ANYTHING = Repeat(ANY, 0, None)


class NotTaken(Exception):  # noqa: N818 - not a fault of the pattern
    """A pattern, or a part of it, that is not taken. The message says which."""


def search(pattern: str) -> Expression:
    """Texts in which the pattern is found anywhere, as JSON Schema asks for. Raises NotTaken."""
    if len(pattern) > PATTERN_MAX:
        raise NotTaken(f"a pattern of {len(pattern)} characters")
    reader = _Reader(pattern)
    ways = []
    for begins, parts, ends in reader.whole():
        ways.append(Sequence((*(() if begins else (_ANYTHING,)), *parts, *(() if ends else (_ANYTHING,)))))
    return ways[0] if len(ways) == 1 else Choice(tuple(ways))


@dataclass(slots=True)
class _Reader:
    pattern: str
    at: int = 0
    depth: int = 0

    def whole(self) -> Iterable[tuple[bool, list[Expression], bool]]:
        """Each alternative of the whole: whether it begins at the beginning, its parts, whether it ends at the end."""
        while True:
            begins = self._take("^")
            parts = self._parts()
            ends = self._take("$")
            yield begins, parts, ends
            if not self._take("|"):
                break
        if self.at < len(self.pattern):
            raise NotTaken(f"`{self.pattern[self.at]}` at {self.at}")

    def _parts(self) -> list[Expression]:
        parts: list[Expression] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)$":
            parts.append(self._counted(self._atom()))
        return parts

    def _atom(self) -> Expression:
        c = self._next()
        match c:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Chars(_ALL - _LINES, beyond=True)
            case "\\":
                return self._escape()
            case "^" | "*" | "+" | "?" | "{" | "}" | "]":
                raise NotTaken(f"`{c}` at {self.at - 1}")
        return _char(c)

    def _group(self) -> Expression:
        if self._take("?") and not self._take(":"):
            raise NotTaken("a group that begins with `(?`")
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise NotTaken("groups that deep")
        ways = [Sequence(tuple(self._parts()))]
        while self._take("|"):
            ways.append(Sequence(tuple(self._parts())))
        if not self._take(")"):
            raise NotTaken("an anchor within a group" if self.pattern[self.at :] else "a group without an end")
        self.depth -= 1
        return ways[0] if len(ways) == 1 else Choice(tuple(ways))

    def _counted(self, atom: Expression) -> Expression:
        low: int
        high: int | None
        if self._take("*"):
            low, high = 0, None
        elif self._take("+"):
            low, high = 1, None
        elif self._take("?"):
            low, high = 0, 1
        elif self._take("{"):
            low, high = self._counts()
        else:
            return atom
        self._take("?")  # lazy or not: the texts are the same
        return Repeat(atom, low, high)

    def _counts(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.at)
        said = self.pattern[self.at : max(end, self.at)]
        self.at = end + 1
        low, comma, high = said.partition(",")
        if not (low.isascii() and low.isdigit()) or (high and not (high.isascii() and high.isdigit())) or len(said) > 9:
            raise NotTaken(f"the count `{{{said}}}`")
        least = int(low)
        most = least if not comma else int(high) if high else None
        if max(least, most or 0) > COUNT_MAX or (most is not None and most < least):
            raise NotTaken(f"the count `{{{said}}}`")
        return least, most

    def _escape(self) -> Chars:
        c = self._next()
        if c in _CLASSES:
            return _CLASSES[c]
        return _char(self._escaped(c))

    def _escaped(self, c: str) -> str:
        """The character that stands after a backslash as `c` and what follows it."""
        if c in _SYNTAX:
            return c
        if c in _CONTROLS and not (c == "0" and self.pattern[self.at : self.at + 1].isdigit()):
            return _CONTROLS[c]
        if c in "xu":
            digits = self.pattern[self.at : self.at + (2 if c == "x" else 4)]
            self.at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise NotTaken(f"`\\{c}{digits}`") from None
        raise NotTaken(f"`\\{c}`")

    def _class(self) -> Chars:
        negated = self._take("^")
        codes: set[int] = set()
        beyond = False
        while not self._take("]"):
            low = self._member()
            if self._ranged() and isinstance(low, str):
                self.at += 1
                high = self._member()
                if not isinstance(high, str) or high < low:
                    raise NotTaken("a range of classes")
                codes.update(range(ord(low), min(ord(high), 127) + 1))
                beyond = beyond or high > "\x7f"
            elif isinstance(low, str):
                codes.update({ord(low)} if low < "\x80" else ())
                beyond = beyond or low > "\x7f"
            else:
                codes |= low.ascii
                beyond = beyond or low.beyond
        # Without its characters beyond ASCII a class still lets others of them pass.
        return Chars(_ALL - codes, beyond=True) if negated else Chars(frozenset(codes), beyond)

    def _ranged(self) -> bool:
        return self.pattern[self.at : self.at + 1] == "-" and self.pattern[self.at + 1 : self.at + 2] != "]"

    def _member(self) -> str | Chars:
        c = self._next()
        if c == "[":
            raise NotTaken("a class in a class")
        if c != "\\":
            return c
        c = self._next()
        if c == "b":
            return "\b"
        return _CLASSES[c] if c in _CLASSES else self._escaped(c)

    def _take(self, c: str) -> bool:
        found = self.pattern[self.at : self.at + 1] == c
        self.at += found
        return found

    def _next(self) -> str:
        if self.at >= len(self.pattern):
            raise NotTaken("a pattern without an end")
        self.at += 1
        return self.pattern[self.at - 1]


def _char(c: str) -> Chars:
    return Chars(frozenset({ord(c)})) if c < "\x80" else Chars(frozenset(), beyond=True)
