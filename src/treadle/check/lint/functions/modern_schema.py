"""`schema` for drafts 2019-09 and 2020-12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.missing import MISSING
from treadle.contract.place import Json

_ABSENT = Complaint('#{{print("property")}}is missing')


def judged(schema: dict[str, Any], dialect: str, *, every: bool) -> Check:
    """A check by such a schema. Raises `BadOptions` where it does not compile."""
    import jsonschema_rs

    from treadle.contract.schema import PATTERNS, refuse_retrieval

    draft = jsonschema_rs.Draft202012Validator if dialect == "draft2020-12" else jsonschema_rs.Draft201909Validator
    try:
        validator = draft(schema, validate_formats=True, retriever=refuse_retrieval, pattern_options=PATTERNS)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise BadOptions(f"`schema` does not compile: {str(error).splitlines()[0]}") from None

    def check(value: Json, context: Context) -> Iterator[Complaint]:
        if value is MISSING:
            yield _ABSENT
            return
        errors = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.instance_path])
        for error in errors if every else errors[:1]:
            where = error.instance_path
            name = (*context.path, *where)[-1:]
            said = f'"{name[0]}" property ' if name else "The document "
            yield Complaint(said + "is not valid: " + error.message.splitlines()[0][:200], (*context.path, *where))

    return check
