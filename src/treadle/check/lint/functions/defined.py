"""`defined`: the value is there, be it null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint
from treadle.check.lint.functions.options import only
from treadle.check.lint.missing import MISSING

_COMPLAINT = (Complaint('#{{print("property")}}is missing'),)


def make(options: Mapping[str, Any]) -> Check:
    """No options."""
    only(options)
    return lambda value, _: _COMPLAINT if value is MISSING else None
