"""The `default` or the `examples` of a schema are valid by that schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Path
from treadle.check.lint.functions.asyncapi.values import judged
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """Options: `type`, `default` or `examples`. The value is a schema."""
    kind = options.get("type")
    if kind not in ("default", "examples"):
        raise BadOptions("`type` must be `default` or `examples`")

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if not isinstance(value, dict) or not isinstance(value.get("examples", []), list):
            yield Complaint("must be a mapping with `default`, or with a list of `examples`")
            return
        schema = context.subject.inlined(value)
        found: list[tuple[Path, Json]] = [(("default",), value["default"])] if "default" in value else []
        if kind == "examples":
            found = [(("examples", at), each) for at, each in enumerate(value.get("examples", ()))]
        for path, each in found:
            if not isinstance(each, str):
                yield from judged(each, schema, context.path + path)

    return check
