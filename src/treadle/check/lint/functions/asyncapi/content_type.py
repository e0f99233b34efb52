"""A content type is a media type. Source: RFC 6838 section 4.2, RFC 9110 section 8.3.1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import objects_of
from treadle.contract.place import Json

_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PARAMETER = r"\s*;\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+=(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+|\"[^\"]*\")"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?:{_PARAMETER})*\s*\Z")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """`defaultContentType` of the document and `contentType` of messages and their traits."""
    default = value.get("defaultContentType") if isinstance(value, dict) else None
    if isinstance(default, str) and not is_media_type(default):
        yield Complaint(f"`{default}` is no media type such as application/json", ("defaultContentType",))
    for spot in objects_of(context).of("message", "messageTrait"):
        said = spot.value.get("contentType")
        if isinstance(said, str) and not is_media_type(said):
            yield Complaint(f"`{said}` is no media type such as application/json", (*spot.path, "contentType"))


def is_media_type(text: str) -> bool:
    """Whether a text is `type/subtype`, with parameters behind it."""
    return _MEDIA_TYPE.match(text) is not None
