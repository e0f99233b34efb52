"""Lint functions that others supply in Python: entry points, looked for only when a ruleset names one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from treadle.base.errors import InputError

if TYPE_CHECKING:
    from treadle.check.lint.context import Make

GROUP = "treadle.lint.functions"


@cache
def python_function(name: str) -> Make | None:
    """The `make(options)` that an installed package offers under this name; None where none does.

    Raises InputError `bad-function` where it cannot be imported.
    """
    from importlib.metadata import entry_points

    for found in entry_points(group=GROUP, name=name):
        try:
            make: Make = found.load()
        except (ImportError, AttributeError) as why:
            raise InputError(
                "bad-function",
                f"the lint function `{name}` ({found.value}) cannot be imported: {why}",
                "mend its package",
            ) from None
        return make
    return None
