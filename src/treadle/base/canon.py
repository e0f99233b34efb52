"""Bytes that two machines agree on: canonical JSON and digests of it.

Keys are sorted and nothing is padded, as in RFC 8785 for the documents treadle hashes (strings, integers,
booleans, nested); orjson prints a float in its shortest form, which differs from RFC 8785 only in exponents.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def canonical(value: Any) -> bytes:
    """Sorted, compact JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: bytes) -> str:
    """`sha256:` and 64 hexadecimal characters."""
    return "sha256:" + hashlib.sha256(value).hexdigest()
