"""Every `{name}` in a channel's address is a parameter of the channel, and every parameter is in the address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_EXPRESSION = re.compile(r"\{(.+?)\}")


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a channel; its address is its `address` (3.x), or else its key."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """Nothing is said of a channel without `parameters`, nor of an address without expressions."""
    parameters = value.get("parameters") if isinstance(value, dict) else None
    if not isinstance(parameters, dict):
        return
    address = value.get("address")
    names = expressions(context.path[-1] if address is None else address)
    if not names:
        return
    missing = [name for name in names if name not in parameters]
    if missing:
        yield Complaint(
            f"the address names what `parameters` lacks: {', '.join(missing)}", (*context.path, "parameters")
        )
    for name in parameters:
        if name not in names:
            yield Complaint(f'the address has no "{{{name}}}"', (*context.path, "parameters", name))


def expressions(address: Json) -> list[str]:
    """The names in braces, in order; none where the address is no text."""
    return _EXPRESSION.findall(address) if isinstance(address, str) else []
