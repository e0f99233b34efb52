"""`declaredParameter`: an operation takes a certain parameter, by itself or by its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import name, parameters, written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.contract.place import Json


def make(options: Mapping[str, Json]) -> Check:
    """Value: an operation. Options `in` and `name`: the parameter; the name of a header may be in any case."""
    where, wanted = options.get("in"), options.get("name")
    if where not in ("query", "header", "path", "cookie") or not isinstance(wanted, str):
        raise BadOptions("`in` must be query, header, path or cookie, and `name` text")
    key = (where, wanted.lower() if where == "header" else wanted)

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        if key not in parameters(written(context), context):
            yield Complaint(f"{name(context.path)} does not declare the {where} {wanted}")

    return check
