"""Whether `functionOptions` have what a function wants, said in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.context import BadOptions


def only(options: Mapping[str, Any], *known: str) -> None:
    """Refuse options that mean nothing. Raises `BadOptions`."""
    for name in options:
        if name not in known:
            near = nearest(name, known)
            said = f"the options are {', '.join(known)}" if known else "it takes none"
            raise BadOptions(f"`{name}` is no option of it: " + (f"did you mean `{near}`?" if near else said))


def texts(options: Mapping[str, Any], name: str, at_least: int) -> tuple[str, ...]:
    """An option that is a list of texts. Raises `BadOptions`."""
    value = options.get(name)
    if not isinstance(value, list) or len(value) < at_least or not all(isinstance(each, str) for each in value):
        raise BadOptions(f"`{name}` is a list of at least {at_least} names")
    return tuple(value)
