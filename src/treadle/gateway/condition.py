"""Conditions over the claims of a token: CEL expressions whose one variable is `claims`. Pure.

Only words are told apart here, which is enough to see what an expression speaks of; the engine parses it.
https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re

VARIABLE = "claims"
BYTES_MAX = 2_000
_WORDS = re.compile(
    r"""
    (?P<text>(?:[rR][bB]?|[bB][rR]?)?(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<number>[0-9][0-9A-Za-z.]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<space>\s+)
    |(?P<sign>[-+*/!=<>&|?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = frozenset({"true", "false", "null", "in"})


def fault(expression: str) -> str:
    """Why an expression cannot be a condition, before the engine is asked; empty where nothing speaks against it."""
    if len(expression.encode()) > BYTES_MAX:
        return f"the condition is longer than {BYTES_MAX} bytes"
    spoken_of = False
    for word in _words(expression):
        kind, said = word
        if kind == "":
            return f"the condition has the character {said!r}, which has no place in one"
        if kind == "text" and "%" in said:
            return "the condition has a text with %, which the gateway cannot carry"
        if kind == "variable":
            if said != VARIABLE:
                return f"the condition speaks of {said}; all that it can speak of is {VARIABLE}"
            spoken_of = True
    return "" if spoken_of else f"the condition does not speak of {VARIABLE}: it would hold for everybody or nobody"


def over(expression: str, claims: str) -> str:
    """The expression with `claims` written in the place of its variable."""
    parts = [f"({claims})" if kind == "variable" else said for kind, said in _words(expression)]
    return "".join(parts)


def _words(expression: str) -> list[tuple[str, str]]:
    """(kind, text) of each word. `variable` is a name that stands for itself; kind "" is what is no word of CEL."""
    found: list[tuple[str, str]] = []
    at, after_dot = 0, False
    while at < len(expression):
        match = _WORDS.match(expression, at)
        if match is None or match.lastgroup is None:
            return [*found, ("", expression[at])]
        kind, said = match.lastgroup, match[0]
        at = match.end()
        called = expression[at:].lstrip().startswith("(")
        if kind == "name" and not after_dot and not called and said not in _CONSTANTS:
            kind = "variable"
        if kind != "space":
            after_dot = said == "."
        found.append((kind, said))
    return found
