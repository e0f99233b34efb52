"""The scalars of the YAML 1.2 core schema (YAML 1.2.2 section 10.3.2), as far as JSON can hold them."""

from __future__ import annotations

import math
import re

from treadle.contract.place import Json

CORE = "tag:yaml.org,2002:"
TAGS_OF = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null"}

_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Json] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_CHARS_MAX = 1_000
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1


def plain_value(text: str) -> Json:
    """A scalar without quotes. An integer beyond 64 bits becomes a float, as in JSON (RFC 8259 section 6)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789" or len(text) > _NUMBER_CHARS_MAX:
        return text
    if _INT.match(text):
        value = int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
        return value if _INT64_MIN <= value <= _UINT64_MAX else _as_float(value)
    return float(text) if _FLOAT.match(text) else text


def is_finite(value: Json) -> bool:
    """Whether JSON can hold a scalar."""
    return type(value) is not float or math.isfinite(value)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")
