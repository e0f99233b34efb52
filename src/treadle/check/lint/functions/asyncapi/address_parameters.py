"""The parameters of a channel are exactly the names in braces of its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.channel_parameters import expressions
from treadle.check.lint.functions.asyncapi.objects import Spot, objects_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a whole document."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
    """In AsyncAPI 3 an address may be null or absent, unknown until it runs: then there is nothing to put in."""
    objects = objects_of(context)
    for spot in objects.of("channel"):
        field: tuple[str, ...] = () if objects.minor.startswith("2") else ("address",)
        address = spot.value.get("address") if field else _key(spot)
        declared = spot.value.get("parameters", {})
        if not isinstance(declared, dict) or (field and not isinstance(address, str | None)):
            continue
        names = expressions(address)
        if isinstance(address, str) and _unbalanced(address):
            yield Complaint(f"the braces in `{address}` do not match, or hold nothing", spot.path + field)
        for name in dict.fromkeys(names):
            if name not in declared:
                yield Complaint(f'`{address}` names "{name}", and no parameter is called so', spot.path + field)
        for name in declared if address is not None or field else ():
            if name not in names:
                says = "the channel has no address to put it in" if address is None else f"`{address}` does not name it"
                yield Complaint(f'parameter "{name}": {says}', (*spot.path, "parameters", name))


def _key(spot: Spot) -> str | None:
    """The address of a channel of AsyncAPI 2. Among the components its key is only a name."""
    return str(spot.path[-1]) if spot.path[0] == "channels" else None


def _unbalanced(address: str) -> bool:
    open_at = None
    for at, sign in enumerate(address):
        if sign == "{":
            if open_at is not None:
                return True
            open_at = at
        elif sign == "}":
            if open_at is None or at == open_at + 1:
                return True
            open_at = None
    return open_at is not None
