"""`schema`: the value is valid by a JSON Schema. Says what Spectral says of Ajv's errors, at the same places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from treadle.check.lint.ajv import Errors, Judge
from treadle.check.lint.ajv_results import complaints
from treadle.check.lint.context import BadOptions, Check, Complaint, Context, Path
from treadle.check.lint.functions.options import only
from treadle.check.lint.missing import MISSING
from treadle.contract.place import Json

_DIALECTS = ("auto", "draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")
_MODERN = re.compile(r"https?://json-schema\.org/draft/(2019-09|2020-12)/")
_ABSENT = (Complaint('#{{print("property")}}is missing'),)


def make(options: Mapping[str, Any]) -> Check:
    """`schema`; `dialect`, told from `$schema` unless said, draft 7 otherwise; `allErrors`, else the first alone."""
    only(options, "schema", "dialect", "allErrors")
    schema, dialect, every = options.get("schema"), options.get("dialect", "auto"), options.get("allErrors", False)
    if not isinstance(schema, dict):
        raise BadOptions("`schema` is a JSON Schema, as a mapping")
    if not isinstance(dialect, str) or dialect not in _DIALECTS:
        raise BadOptions(f"`dialect` is one of {', '.join(_DIALECTS)}")
    if dialect == "auto":
        said = _MODERN.match(str(schema.get("$schema", "")))
        dialect = f"draft{said[1]}" if said else "draft7"
    if dialect in ("draft2019-09", "draft2020-12"):
        from treadle.check.lint.functions.modern_schema import judged

        return judged(schema, dialect, every=every is True)
    _refuse_no_schema(schema, dialect)
    judge = Judge(schema)

    def check(value: Json, context: Context) -> Iterable[Complaint]:
        if value is MISSING:
            return _ABSENT
        errors = judge.errors(value)
        return complaints(errors if every else first(errors), context.path) if errors else ()

    return check


def _refuse_no_schema(schema: dict[str, Any], dialect: str) -> None:
    from jsonschema_rs import ValidationError, meta

    try:
        meta.validate({**schema, "$schema": f"http://json-schema.org/draft-0{dialect[-1]}/schema#"})
    except ValidationError as wrong:
        if wrong.kind.name == "format":  # JavaScript takes patterns that the format `regex` does not
            return
        where = "/".join(map(str, wrong.instance_path)) or "its root"
        raise BadOptions(f"`schema` is no JSON Schema, at {where}: {wrong.message.splitlines()[0][:200]}") from None


def first(errors: Errors) -> Errors:
    """The errors up to the first keyword that does not hold: a failed `anyOf` or `oneOf` comes behind its branches."""
    if not errors:
        return errors
    for at, error in enumerate(errors):
        if error.keyword in ("anyOf", "oneOf") and _above(error.path, errors[0].path):
            return errors[: at + 1]
    return errors[:1]


def _above(path: Path, other: Path) -> bool:
    return other[: len(path)] == path
