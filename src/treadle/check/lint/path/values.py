"""What JavaScript's operators do to JSON values (ECMA-262 sections 7.1 and 7.2)."""

from __future__ import annotations

import math
from typing import Any

from treadle.check.lint.missing import MISSING

NAN = math.nan


def truthy(value: Any) -> bool:
    """`Boolean(value)`: empty lists and objects are true."""
    if isinstance(value, dict | list):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is false


def type_of(value: Any) -> str:
    """`typeof value`."""
    if value is MISSING:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else "object"


def to_string(value: Any) -> str:
    """`String(value)`."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool) or value is MISSING:
        return (
            {None: "null", True: "true", False: "false"}.get(value, "undefined")
            if value is not MISSING
            else "undefined"
        )
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ",".join("" if each is None or each is MISSING else to_string(each) for each in value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def to_number(value: Any) -> float:
    """`Number(value)`."""
    if isinstance(value, bool | int | float):
        return float(value)
    if value is None:
        return 0.0
    text = to_string(value).strip()
    if not text:
        return 0.0 if value is not MISSING else NAN
    try:
        return float(text) if text[0] in "+-.0123456789" else NAN
    except ValueError:
        return NAN


def identical(left: Any, right: Any) -> bool:
    """`left === right`: containers are equal to themselves only."""
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left is right
    return type_of(left) == type_of(right) and (left is right or bool(left == right))


def equal(left: Any, right: Any) -> bool:
    """`left == right`."""
    if left is None or left is MISSING or right is None or right is MISSING:
        return (left is None or left is MISSING) and (right is None or right is MISSING)
    if type_of(left) == type_of(right):
        return identical(left, right)
    if isinstance(left, dict | list) and isinstance(right, str):
        return to_string(left) == right
    if isinstance(right, dict | list) and isinstance(left, str):
        return to_string(right) == left
    return to_number(left) == to_number(right)


def compare(operator: str, left: Any, right: Any) -> bool:
    """`<`, `<=`, `>`, `>=`: strings by their characters, anything else as numbers."""
    if not (isinstance(left, str) and isinstance(right, str)):
        left, right = to_number(left), to_number(right)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """`+` joins where either side is no number; the others count."""
    if operator == "+" and not all(isinstance(each, int | float) or each is None for each in (left, right)):
        return to_string(left) + to_string(right)
    one, other = to_number(left), to_number(right)
    try:
        if operator == "+":
            return one + other
        if operator == "-":
            return one - other
        if operator == "*":
            return one * other
        return one / other if operator == "/" else math.fmod(one, other)
    except (ZeroDivisionError, OverflowError, ValueError):
        return NAN
