"""`length`: how many members, items or characters there are; of a number, the number itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.options import only
from treadle.check.lint.printing import value_text
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """`min` and `max`, both numbers."""
    only(options, "min", "max")
    for name, bound in options.items():
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise BadOptions(f"`{name}` is a number")
    if not options:
        raise BadOptions("it needs `min` or `max`")

    def check(value: Json, _: Context) -> Iterator[Complaint]:
        if isinstance(value, bool) or not isinstance(value, dict | list | str | int | float):
            return
        size = value if isinstance(value, int | float) else _units(value)
        if "min" in options and size < options["min"]:
            yield Complaint(f'#{{{{print("property")}}}}is shorter than {value_text(options["min"])}')
        if "max" in options and size > options["max"]:
            yield Complaint(f'#{{{{print("property")}}}}is longer than {value_text(options["max"])}')

    return check


def _units(value: Json) -> int:
    """JavaScript counts UTF-16 code units."""
    return len(value.encode("utf-16-le")) // 2 if isinstance(value, str) else len(value)
