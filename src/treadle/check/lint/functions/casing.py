"""`casing`: text is written in a case: camel, pascal, kebab, cobol, snake, macro or flat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.check.lint.regex import regex
from treadle.contract.place import Json

_CASES = {
    "flat": "[a-z][a-z#]*",
    "camel": "[a-z][a-z#]*(?:[A-Z#](?:[a-z#]+|$))*",
    "pascal": "[A-Z][a-z#]*(?:[A-Z#](?:[a-z#]+|$))*",
    "kebab": "[a-z][a-z#]*(?:-[a-z#]+)*",
    "cobol": "[A-Z][A-Z#]*(?:-[A-Z#]+)*",
    "snake": "[a-z][a-z#]*(?:_[a-z#]+)*",
    "macro": "[A-Z][A-Z#]*(?:_[A-Z#]+)*",
}
"""`#` stands for digits, where they are allowed."""


def make(options: Mapping[str, Any]) -> Check:
    """`type`; `disallowDigits`; `separator` {`char`, `allowLeading`} between words that are each in that case."""
    only(options, "type", "disallowDigits", "separator")
    case, separator = options.get("type"), options.get("separator")
    if not isinstance(case, str) or case not in _CASES:
        raise BadOptions(f"`type` is one of {', '.join(_CASES)}")
    if not isinstance(options.get("disallowDigits", False), bool):
        raise BadOptions("`disallowDigits` is true or false")
    char, leading = _separator(separator)
    word = _CASES[case].replace("#", "" if options.get("disallowDigits") else "0-9")
    between = f"[{re.escape(char)}]"
    pattern = regex(f"^{between}?{word}(?:{between}{word})*$" if leading else f"^{word}(?:{between}{word})*$")
    if not char:
        pattern = regex(f"^{word}$")

    def check(value: Json, _: Context) -> tuple[Complaint, ...] | None:
        if not isinstance(value, str) or not value or (leading and value == char) or pattern.search(value):
            return None
        return (Complaint(f"is not in {case} case"),)

    return check


def _separator(said: Any) -> tuple[str, bool]:
    if said is None:
        return "", False
    if not isinstance(said, dict) or not isinstance(said.get("char"), str) or len(said["char"]) > 1:
        raise BadOptions("`separator` has a `char` of one character, and may have `allowLeading`")
    only(said, "char", "allowLeading")
    return said["char"], said.get("allowLeading") is True
