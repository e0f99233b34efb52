"""Reads the JavaScript inside `[?( … )]` into a tree of tuples.

Grammar: ECMAScript expressions without assignment, functions and templates, plus the names that begin with `@`. A tree
is `(kind, …)`: `lit value`, `regex pattern flags`, `name word at`, `member object property optional at` (the property
is a tree), `call callee arguments optional at`, `unary operator x`, `binary operator x y`, `logic operator x y`,
`cond test x y`, `list items`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from treadle.check.lint.path.errors import BadPath

Tree = tuple[Any, ...]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<word>[@A-Za-z_$][\w$@]*)
    | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<mark>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|~=|=~|=>|\.\.\.|[-+*/%<>!?:.,()\[\]{}=&|^~;`])
    )""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+)/([a-z]*)")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_BINARY = {
    "??": 1,
    "||": 2,
    "&&": 3,
    "==": 4,
    "!=": 4,
    "===": 4,
    "!==": 4,
    "~=": 4,
    "<": 5,
    ">": 5,
    "<=": 5,
    ">=": 5,
    "in": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
_LOGIC = ("&&", "||", "??")
_UNARY = ("!", "-", "+", "typeof", "void")
_CONSTANTS = {"true": True, "false": False, "null": None}
_DEPTH_MAX = 64


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_script(text: str, at: int = 0) -> Tree:
    """Text of one expression, `at` its offset in the whole path. Raises `BadPath`."""
    return _Reader(text, at).whole()


class _Reader:
    """A precedence climber over tokens made on demand: whether `/` divides depends on what stands before it."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.base = at
        self.offset = 0
        self.depth = 0
        self.token = self._next(operand=True)

    def whole(self) -> Tree:
        tree = self._ternary()
        if self.token.kind != "end":
            self._refuse(f"`{self.token.text}` was not expected here")
        return tree

    def _next(self, *, operand: bool) -> _Token:
        while self.offset < len(self.text) and self.text[self.offset].isspace():
            self.offset += 1
        at = self.base + self.offset
        if self.offset >= len(self.text):
            return _Token("end", "", at)
        if operand and self.text[self.offset] == "/" and (match := _REGEX.match(self.text, self.offset)):
            self.offset = match.end()
            return _Token("regex", match[0], at)
        match = _TOKEN.match(self.text, self.offset)
        if match is None:
            raise BadPath(f"`{self.text[self.offset]}` was not expected in a filter", at)
        self.offset = match.end()
        return _Token(match.lastgroup or "", match[match.lastgroup or 0], at)

    def _advance(self, *, operand: bool = False) -> _Token:
        token = self.token
        self.token = self._next(operand=operand)
        return token

    def _expect(self, mark: str, *, operand: bool = False) -> None:
        if self.token.text != mark or self.token.kind != "mark":
            self._refuse(f"`{mark}` is missing before `{self.token.text or 'the end'}`")
        self._advance(operand=operand)

    def _refuse(self, message: str, hint: str | None = None) -> NoReturn:
        raise BadPath(message, self.token.at, hint)

    def _ternary(self) -> Tree:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            self._refuse("the filter is nested too deeply")
        test = self._binary(0)
        if self.token.kind == "mark" and self.token.text == "?":
            self._advance(operand=True)
            yes = self._ternary()
            self._expect(":", operand=True)
            test = ("cond", test, yes, self._ternary())
        self.depth -= 1
        return test

    def _binary(self, floor: int) -> Tree:
        left = self._unary()
        while (power := _BINARY.get(self.token.text, 0)) > floor and self.token.kind in ("mark", "word"):
            operator = self._advance(operand=True).text
            right = self._binary(power)
            left = ("logic" if operator in _LOGIC else "binary", operator, left, right)
        if self.token.kind == "mark" and self.token.text in ("=", "=>", "=~", "&", "|"):
            near = {"=": "===", "=~": ".match(/…/)", "&": "&&", "|": "||"}.get(self.token.text)
            self._refuse(f"`{self.token.text}` is not supported in a filter", f"write `{near}`" if near else None)
        return left

    def _unary(self) -> Tree:
        if self.token.text in _UNARY and self.token.kind in ("mark", "word"):
            self.depth += 1
            if self.depth > _DEPTH_MAX:
                self._refuse("the filter is nested too deeply")
            tree = ("unary", self._advance(operand=True).text, self._unary())
            self.depth -= 1
            return tree
        return self._postfix(self._primary())

    def _postfix(self, tree: Tree) -> Tree:
        while self.token.kind == "mark":
            at, mark = self.token.at, self.token.text
            if mark in (".", "?."):
                self._advance()
                if mark == "?." and self.token.text in ("[", "("):
                    tree = self._bracket(tree, at, optional=True)
                    continue
                if self.token.kind != "word":
                    self._refuse("a name is missing after the dot")
                tree = ("member", tree, ("lit", self._advance().text), mark == "?.", at)
            elif mark in ("[", "("):
                tree = self._bracket(tree, at, optional=False)
            else:
                break
        return tree

    def _bracket(self, tree: Tree, at: int, *, optional: bool) -> Tree:
        if self._advance(operand=True).text == "[":
            name = self._ternary()
            self._expect("]")
            return ("member", tree, name, optional, at)
        return ("call", tree, self._items(")"), optional, at)

    def _items(self, end: str) -> tuple[Tree, ...]:
        items: list[Tree] = []
        while not (self.token.kind == "mark" and self.token.text == end):
            items.append(self._ternary())
            if not (self.token.kind == "mark" and self.token.text == end):
                self._expect(",", operand=True)
        self._advance()
        return tuple(items)

    def _primary(self) -> Tree:
        token = self.token
        if token.kind == "mark" and token.text in ("(", "["):
            self._advance(operand=True)
            if token.text == "[":
                return ("list", self._items("]"))
            tree = self._ternary()
            self._expect(")")
            return tree
        if token.kind not in ("number", "string", "regex", "word"):
            what = f"`{token.text}`" if token.text else "the end of the filter"
            self._refuse(f"a value was expected, not {what}")
        self._advance()
        if token.kind == "number":
            number = int(token.text, 16) if token.text[:2] in ("0x", "0X") else float(token.text)
            return ("lit", int(number) if number == int(number) else number)
        if token.kind == "string":
            return ("lit", _ESCAPE.sub(_unescape, token.text[1:-1]))
        if token.kind == "regex":
            pattern, _, flags = token.text[1:].rpartition("/")
            return ("regex", pattern, flags, token.at)
        if token.text in _CONSTANTS:
            return ("lit", _CONSTANTS[token.text])
        return ("name", token.text, token.at)


def _unescape(match: re.Match[str]) -> str:
    if match[3] is not None:
        return _PLAIN.get(match[3], match[3])
    return chr(int(match[1] or match[2], 16))
