"""Among the responses of an operation is a success: 2xx, or 3xx."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_NUMBER = re.compile(r"\s*\+?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_RANGES = frozenset({"2XX", "3XX"})
"""What OpenAPI 3 may write instead of a status."""


def make(_options: Mapping[str, Any]) -> Check:
    """The value is the map of responses."""

    def check(value: Json, context: Context) -> tuple[Complaint, ...]:
        if not isinstance(value, dict) or any(_is_success(status) for status in value):
            return ()
        if "oas3" in context.subject.formats and _RANGES & value.keys():
            return ()
        return (Complaint("no response of this operation is a 2xx or 3xx"),)

    return check


def _is_success(status: object) -> bool:
    text = str(status)
    return _NUMBER.fullmatch(text) is not None and 200 <= float(text) < 400
