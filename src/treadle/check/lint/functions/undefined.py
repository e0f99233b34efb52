"""`undefined`: the value is not there, not even as null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint
from treadle.check.lint.functions.options import only
from treadle.check.lint.missing import MISSING

_COMPLAINT = (Complaint('#{{print("property")}}does not belong here'),)


def make(options: Mapping[str, Any]) -> Check:
    """No options."""
    only(options)
    return lambda value, _: None if value is MISSING else _COMPLAINT
