"""The methods and functions of JavaScript that a filter may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.check.lint.missing import MISSING
from treadle.check.lint.path.values import identical, to_string, type_of
from treadle.check.lint.regex import BadPattern, Regex, TooManySteps, regex


def property_of(value: Any, name: Any) -> Any:
    """`value[name]` of JSON values. `value` is neither null nor undefined."""
    if isinstance(value, dict):
        return value.get(to_string(name), MISSING)
    if isinstance(value, list | str):
        if name == "length":
            return len(value)
        at = name if isinstance(name, int) else int(name) if isinstance(name, str) and name.isdecimal() else -1
        return value[at] if 0 <= at < len(value) else MISSING
    return MISSING


def _match(value: Any, pattern: Any) -> Any:
    """Only whether it matched is kept: what was captured is not."""
    found = pattern if isinstance(pattern, Regex) else _compiled(to_string(pattern))
    return True if _search(found, _text(value)) else None


def _test(pattern: Any, value: Any = MISSING) -> bool:
    if not isinstance(pattern, Regex):
        raise TypeError
    return _search(pattern, to_string(value))


def _search(pattern: Regex, text: str) -> bool:
    try:
        return pattern.search(text)
    except TooManySteps:
        raise ValueError from None


def _compiled(source: str) -> Regex:
    try:
        return regex(source)
    except BadPattern:
        raise ValueError from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _includes(value: Any, wanted: Any, *_: Any) -> bool:
    if isinstance(value, list):
        return any(identical(each, wanted) for each in value)
    return to_string(wanted) in _text(value)


def _index_of(value: Any, wanted: Any, *_: Any) -> int:
    if isinstance(value, list):
        return next((at for at, each in enumerate(value) if identical(each, wanted)), -1)
    return _text(value).find(to_string(wanted))


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    if not isinstance(value, list | str):
        raise TypeError
    return value[int(start) : None if end is None else int(end)]


def _substring(value: Any, start: int = 0, end: int | None = None) -> str:
    one, other = max(0, int(start)), len(_text(value)) if end is None else max(0, int(end))
    return _text(value)[min(one, other) : max(one, other)]


def _join(value: Any, between: str = ",") -> str:
    if not isinstance(value, list):
        raise TypeError
    return between.join(to_string(each) for each in value)


def _own(value: Any, name: Any) -> bool:
    return isinstance(value, dict) and to_string(name) in value


METHODS: dict[str, Callable[..., Any]] = {
    "match": _match,
    "test": _test,
    "includes": _includes,
    "indexOf": _index_of,
    "startsWith": lambda value, start: _text(value).startswith(to_string(start)),
    "endsWith": lambda value, end: _text(value).endswith(to_string(end)),
    "toLowerCase": lambda value: _text(value).lower(),
    "toUpperCase": lambda value: _text(value).upper(),
    "trim": lambda value: _text(value).strip(),
    "charAt": lambda value, at=0: _text(value)[int(at) : int(at) + 1],
    "split": lambda value, between: _text(value).split(between) if between else list(_text(value)),
    "slice": _slice,
    "substring": _substring,
    "join": _join,
    "concat": lambda value, *more: _text(value) + "".join(to_string(each) for each in more),
    "toString": to_string,
    "hasOwnProperty": _own,
}


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return list(value)
    return [str(at) for at in range(len(value))] if isinstance(value, list | str) else []


def _parse_int(value: Any) -> float:
    text = to_string(value).strip()
    end = 1 if text[:1] in ("+", "-") else 0
    while end < len(text) and text[end].isdecimal():
        end += 1
    return int(text[:end]) if text[:end].lstrip("+-") else float("nan")


STATICS: dict[str, Callable[..., Any]] = {
    "Array.isArray": lambda value: isinstance(value, list),
    "Object.keys": _keys,
    "Object.values": lambda value: list(value.values()) if isinstance(value, dict) else list(value),
    "Number.isInteger": lambda value: type_of(value) == "number" and float(value).is_integer(),
    "Number.parseInt": _parse_int,
}
