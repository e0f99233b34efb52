"""Reads a path expression as Nimma and JSONPath-Plus do, which is not as RFC 9535 does.

    path     = "$" *(step) *("~" / "^")
    step     = ("." / ".." / nothing before "[") (name / "*" / bracket)
    bracket  = "[" (union / slice / "*" / "?(" script ")" / "(@.length-" number ")") "]"

A name needs no quotes in a union (`[get,put]`), and may hold anything but `.[]()~^` and spaces. `..` is every depth
below. `~` gives keys in place of values, `^` goes up to the parent; after `^` the path may go on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.filter import Filter, compile_filter

_NAME = re.compile(r"[^.\[\]()~^\s'\"?,:@]+")
_SLICE = re.compile(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(-?\d*)\s*)?\]")
_FROM_END = re.compile(r"\s*\(\s*@\.length\s*-\s*(\d+)\s*\)\s*\]")
_MEMBER = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\]'",]*[^\]'",\s]))\s*(,|\])""")
_FLAT = re.compile(r"\?\s*(?=[^\s(])")


@dataclass(frozen=True, slots=True)
class Step:
    """One step down. Exactly one of `names`, `slice`, `filter` is there, or none of them for a wildcard.

    `slice` is start, end (None: no end) and stride; `deep` says that it may stand at any depth below.
    """

    deep: bool = False
    names: tuple[str, ...] | None = None
    slice: tuple[int, int | None, int] | None = None
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A path: its steps, then `parents` levels up, then the key in place of the value, then `rest` from there.

    `itself` says that `$..` was written with nothing behind it: every container, the root among them.
    """

    source: str
    steps: tuple[Step, ...]
    parents: int = 0
    keyed: bool = False
    rest: Expression | None = None
    itself: bool = False


def parse_path(text: str) -> Expression:
    """Parse one expression that starts at `$`. Raises `BadPath`."""
    if not text.startswith("$"):
        raise BadPath("a path starts with `$`", 0, "write `$` for the root of the document")
    return _Reader(text, plus=_runs_on_plus(text)).expression(1)


def _runs_on_plus(text: str) -> bool:
    """Whether Spectral hands the path to JSONPath-Plus: Nimma takes one filter at any depth, not two deep steps."""
    outside = re.sub(r"\[\?\(.*?\)\]", "[]", text)
    return outside.count("..") > 1


class _Reader:
    def __init__(self, text: str, *, plus: bool) -> None:
        self.text = text
        self.at = 1
        self.plus = plus

    def expression(self, at: int) -> Expression:
        self.at = at
        steps: list[Step] = []
        while self.at < len(self.text) and self.text[self.at] not in "~^":
            step = self._step()
            if step is None:
                return Expression(self.text, (Step(deep=True),), itself=True)
            steps.append(step)
        parents, keyed = 0, False
        while self.at < len(self.text) and self.text[self.at] in "~^":
            if self.text[self.at] == "~":
                keyed = True
            elif keyed:
                parents, keyed = 0, False
            else:
                parents += 1
            self.at += 1
        if self.at == len(self.text):
            return Expression(self.text, tuple(steps), parents, keyed)
        if keyed or not parents:
            self._refuse(f"`{self.text[self.at :]}` cannot follow `~`", "end the path with `~`")
        return Expression(self.text, tuple(steps), parents, rest=_Reader(self.text, plus=self.plus).expression(self.at))

    def _refuse(self, message: str, hint: str | None = None) -> NoReturn:
        raise BadPath(message, self.at, hint)

    def _step(self) -> Step | None:
        dots = 0
        while self.text.startswith(".", self.at):
            dots += 1
            self.at += 1
        if dots > 2:
            self._refuse("more than two dots in a row")
        deep = dots == 2
        if self.at == len(self.text):
            if deep and self.text == "$..":
                return None
            self._refuse("the path ends with a dot", "leave it off, or write `*`")
        if self.text[self.at] == "[":
            self.at += 1
            return self._bracket(deep=deep)
        if self.text[self.at] == "*":
            self.at += 1
            return Step(deep)
        match = _NAME.match(self.text, self.at)
        if match is None or not dots:
            self._refuse(f"`{self.text[self.at]}` was not expected here")
        self.at = match.end()
        return Step(deep, (match[0],))

    def _bracket(self, *, deep: bool) -> Step:
        text = self.text
        if match := _FROM_END.match(text, self.at):
            self.at = match.end()
            return Step(deep, slice=(-int(match[1]), 1 - int(match[1]) or None, 1))
        if match := _SLICE.match(text, self.at):
            self.at = match.end()
            start, end, stride = match[1], match[2], match[3]
            return Step(deep, slice=(int(start or 0), int(end) if end else None, int(stride or 1)))
        if text.startswith("?", self.at):
            return self._filter(deep=deep)
        if text.startswith("*]", self.at):
            self.at += 2
            return Step(deep)
        if text.startswith("(", self.at):
            self._refuse("only `(@.length-1)` may be computed", "write the index, or a filter: `[?( … )]`")
        names: list[str] = []
        while True:
            match = _MEMBER.match(text, self.at)
            if match is None:
                self._refuse("a name, a number, `*`, a slice or a filter was expected")
            names.append(next(each for each in match.groups()[:3] if each is not None))
            self.at = match.end()
            if match[4] == "]":
                return Step(deep, tuple(dict.fromkeys(names)))

    def _filter(self, *, deep: bool) -> Step:
        start = self.at + 1
        if not self.text.startswith("(", start):
            self._refuse("a filter stands in parentheses", "write `[?( … )]`")
        end = self._end_of_script(start)
        found = compile_filter(self.text[start + 1 : end], start + 1, plus=self.plus)
        self.at = end + 1
        if not self.text.startswith("]", self.at):
            self._refuse("`]` is missing behind the filter")
        self.at += 1
        return Step(deep, filter=found)

    def _end_of_script(self, start: int) -> int:
        """The parenthesis that closes the one at `start`: the first that `]` follows with nothing open before it."""
        depth, at, quote = 0, start, ""
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char == "/" and self.text[:at].rstrip()[-1:] in ("(", "&", "|", "!", ",", "="):
                quote = "/"
            elif char == "(":
                depth += 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    return at
            at += 1
        self.at = start
        self._refuse("the parenthesis of the filter is not closed")
