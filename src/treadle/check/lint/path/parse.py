"""Reads a path expression as Nimma and JSONPath-Plus do, which is not as RFC 9535 does.

    path     = "$" *(step) *("~" / "^")
    step     = ("." / ".." / nothing before "[") (name / "*" / bracket)
    bracket  = "[" (union / slice / "*" / "?(" script ")" / "(@.length-" number ")") "]"

A name needs no quotes in a union (`[get,put]`), and may hold anything but `.[]()~^` and spaces. `..` is every depth
below, and so is a dot in front of a bracket: `$.a.[b]` is `$.a..b`. `~` gives keys in place of values, `^` goes up to
the parent; after `^` the path may go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.filter import Filter, compile_filter

_NAME = re.compile(r"[^.\[\]()~^\s'\"?,:@]+")
_SLICE = re.compile(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(-?\d*)\s*)?\]")
_FROM_END = re.compile(r"\s*\(\s*@\.length\s*-\s*(\d+)\s*\)\s*\]")
_MEMBER = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\]'",]*[^\]'",\s]))\s*(,|\])""")


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
    return _Reader(text).expression(1)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A step whose script is text yet, with its offset: how it runs depends on the whole path."""

    deep: bool = False
    names: tuple[str, ...] | None = None
    slice: tuple[int, int | None, int] | None = None
    script: tuple[str, int] | None = None

    @property
    def is_member(self) -> bool:
        return self.names is not None and len(self.names) == 1

    @property
    def is_wildcard(self) -> bool:
        return self.names is None and self.slice is None and self.script is None


def _runs_on_plus(steps: Sequence[_Raw | None]) -> bool:
    """Whether Spectral hands a path to JSONPath-Plus, because Nimma would have to try more than once at one node.

    None stands for a modifier. Source: the behaviour of Nimma 0.2.3.
    """
    deep = [at for at, step in enumerate(steps) if step is not None and step.deep]
    if not deep:
        return False
    first = steps[deep[0]]
    if first is not None and not first.is_member:
        return len(deep) > 1
    flat, last = False, steps[-1]
    for step in steps[deep[0] + 1 : -1]:
        if step is None:
            continue
        plain = step.is_member or step.is_wildcard
        if not step.deep:
            flat = flat or plain
        elif flat or not plain:
            return True
    if last is not None and last.deep:
        return flat or last.is_wildcard
    return len(deep) > 1


def _without_deep_wildcards(steps: list[_Raw]) -> list[_Raw]:
    """Nimma takes `$..*.name` for `$..name`: a wildcard at any depth only says that the next step may be."""
    kept: list[_Raw] = []
    deep = False
    for at, step in enumerate(steps):
        if step.deep and step.is_wildcard and at < len(steps) - 1:
            deep = True
        else:
            kept.append(replace(step, deep=step.deep or deep))
            deep = False
    return kept


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1

    def expression(self, at: int) -> Expression:
        self.at = at
        steps: list[_Raw] = []
        while self.at < len(self.text) and self.text[self.at] not in "~^":
            step = self._step()
            if step is None:
                return Expression(self.text, (Step(deep=True),), itself=True)
            steps.append(step)
        begin, parents, keyed = self.at, 0, False
        while self.at < len(self.text) and self.text[self.at] in "~^":
            if self.text[self.at] == "~":
                keyed = True
            elif keyed:
                parents, keyed = 0, False
            else:
                parents += 1
            self.at += 1
        rest = None
        if self.at < len(self.text):
            if keyed or not parents:
                self._refuse(f"`{self.text[self.at :]}` cannot follow `~`", "end the path with `~`")
            rest = _Reader(self.text).expression(self.at)
        plus = rest is not None or _runs_on_plus([*steps, *[None] * (self.at - begin)])
        made = [self._made(step, plus=plus) for step in (steps if plus else _without_deep_wildcards(steps))]
        return Expression(self.text, tuple(made), parents, keyed, rest)

    @staticmethod
    def _made(step: _Raw, *, plus: bool) -> Step:
        found = None if step.script is None else compile_filter(*step.script, plus=plus)
        return Step(step.deep, step.names, step.slice, found)

    def _refuse(self, message: str, hint: str | None = None) -> NoReturn:
        raise BadPath(message, self.at, hint)

    def _step(self) -> _Raw | None:
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
            return self._bracket(deep=dots > 0)
        if self.text[self.at] == "*":
            self.at += 1
            return _Raw(deep)
        match = _NAME.match(self.text, self.at)
        if match is None or not dots:
            self._refuse(f"`{self.text[self.at]}` was not expected here")
        self.at = match.end()
        return _Raw(deep, (match[0],))

    def _bracket(self, *, deep: bool) -> _Raw:
        text = self.text
        if match := _FROM_END.match(text, self.at):
            self.at = match.end()
            return _Raw(deep, slice=(-int(match[1]), 1 - int(match[1]) or None, 1))
        if match := _SLICE.match(text, self.at):
            self.at = match.end()
            start, end, stride = match[1], match[2], match[3]
            if stride == "0":
                self._refuse("a slice cannot go on by 0")
            return _Raw(deep, slice=(int(start or 0), int(end) if end else None, int(stride or 1)))
        if text.startswith("?", self.at):
            return self._filter(deep=deep)
        if text.startswith("*]", self.at):
            self.at += 2
            return _Raw(deep)
        if text.startswith("(", self.at):
            self._refuse("only `(@.length-1)` may be computed", "write the index, or a filter: `[?( … )]`")
        names: list[str] = []
        last = False
        while not last:
            match = _MEMBER.match(text, self.at)
            if match is None:
                self._refuse("a name, a number, `*`, a slice or a filter was expected")
            names.append(next(each for each in match.groups()[:3] if each is not None))
            self.at = match.end()
            last = match[4] == "]"
        return _Raw(deep, tuple(dict.fromkeys(names)))

    def _filter(self, *, deep: bool) -> _Raw:
        start = self.at + 1
        if not self.text.startswith("(", start):
            self._refuse("a filter stands in parentheses", "write `[?( … )]`")
        end = self._end_of_script(start)
        script = (self.text[start + 1 : end], start + 1)
        self.at = end + 1
        if not self.text.startswith("]", self.at):
            self._refuse("`]` is missing behind the filter")
        self.at += 1
        return _Raw(deep, script=script)

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
        raise BadPath("the parenthesis of the filter is not closed", start)
