"""What a change of type means where values are text on the wire: in parameters and headers.

`limit=5` is a number and a string. So whoever takes any text takes every number, and whoever reads text reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from treadle.check.schema.edit import Effect

_TAKES = {
    "string": {"string", "number", "integer", "boolean", "array", "object"},
    "number": {"number", "integer"},
    "integer": {"integer"},
    "boolean": {"boolean"},
}


def text_effect(words: Mapping[str, str]) -> Effect | None:
    """The effect of a change of type or format on texts, None where lists and objects decide."""
    old, new = _names(words.get("old_type", "")), _names(words.get("new_type", ""))
    if not old or not new or not ({"string"} & (old | new) or (old | new) <= _TAKES.keys()):
        return None
    formats = _names(words.get("old_format", "")), _names(words.get("new_format", ""))
    return Effect.of(
        narrows=not _takes(new, old) or bool(formats[1] - formats[0]),
        widens=not _takes(old, new) or bool(formats[0] - formats[1]),
    )


def _takes(wide: set[str], narrow: set[str]) -> bool:
    return all(kind in wide or any(kind in _TAKES.get(each, ()) for each in wide) for kind in narrow)


def _names(text: str) -> set[str]:
    return {each for each in text.split(", ") if each not in ("", "null")}
