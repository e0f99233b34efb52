"""The whole document by the published JSON Schema of its version.

With `resolved: true` the document is judged with its references written out; with `false` only references that stand
where none may are said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from treadle.check.lint.ajv import Error
from treadle.check.lint.ajv_results import complaints, without_neighbours
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.published import document_judge, minor_of
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:
    """Options: `resolved`, true or false."""
    resolved = options.get("resolved")
    if not isinstance(resolved, bool):
        raise BadOptions("`resolved` must be true or false")

    def check(value: Json, context: Context) -> Iterable[Complaint]:
        judge = document_judge(minor_of(context.subject.data), resolved=resolved)
        if judge is None:
            return ()
        if resolved:
            errors = without_neighbours(judge.errors(context.subject.inlined(value)))
            return complaints([each for each in errors if not _stray(each)], context.path)
        return [
            Complaint("no reference may stand here", each.path)
            for each in complaints(judge.errors(value), context.path)
            if each.message == _STRAY
        ]

    return check


_STRAY = 'property "$ref" is not expected here'


def _stray(error: Error) -> bool:
    return error.keyword == "additionalProperties" and error.subject == "$ref"
