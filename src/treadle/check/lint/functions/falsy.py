"""`falsy`: the value is absent, or false, null, 0 or empty text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint
from treadle.check.lint.functions.options import only
from treadle.check.lint.path.values import truthy

_COMPLAINT = (Complaint('#{{print("property")}}is there, and should not be'),)


def make(options: Mapping[str, Any]) -> Check:
    """No options."""
    only(options)
    return lambda value, _: _COMPLAINT if truthy(value) else None
