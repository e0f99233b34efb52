"""Bodies as JSON, with what a parser lets pass: a name twice in one object, and nesting without end. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from treadle.contract.model import Json

DEPTH_MAX = 64
_STRING = re.compile(rb'"(?>[^"\\]|\\.)*+"(\s*+:)?', re.DOTALL)


class BadBodyError(ValueError):
    """The body is not what any contract describes; the message says why."""


def parse(body: bytes) -> Json:
    """The value in a body. Raises BadBodyError.

    Of a name that stands twice in one object, two readers may each take another value: what was checked here would not
    be what the upstream reads.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadBodyError(f"the body is not JSON: {str(error)[:120]}") from None
    if isinstance(value, dict | list):
        named = sum(1 for colon in _STRING.findall(body) if colon)
        if named != _names(value):
            raise BadBodyError("a name stands twice in one object")
    return value


def media_type(content_type: str) -> str:
    """`application/json` of `application/json; charset=utf-8`, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether a media type is JSON (RFC 6839 section 3.1)."""
    return media == "application/json" or media.endswith("+json")


def described(media: str, by_type: Mapping[str, Json]) -> str | None:
    """The media type or range of a description that takes a body: exact, then `application/*`, then `*/*`."""
    kind, slash, _ = media.partition("/")
    for each in (media, f"{kind}/*", "*/*") if slash else ():
        if each in by_type:
            return each
    return None


def _names(value: Json) -> int:
    """Names in all objects. Raises BadBodyError where it is nested too deep."""
    total = 0
    level = [value]
    for _ in range(DEPTH_MAX):
        below: list[Json] = []
        for each in level:
            if isinstance(each, dict):
                total += len(each)
                below.extend(child for child in each.values() if isinstance(child, dict | list))
            else:
                below.extend(child for child in each if isinstance(child, dict | list))
        if not below:
            return total
        level = below
    raise BadBodyError(f"the body is nested more than {DEPTH_MAX} levels deep")
