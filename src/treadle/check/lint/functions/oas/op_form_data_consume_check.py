"""Swagger 2.0: an operation with a form parameter consumes a media type of forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def make(_options: Mapping[str, Any]) -> Check:
    """The value is an operation; one without a `consumes` of its own is not judged."""

    def check(value: Json, context: Context) -> tuple[Complaint, ...]:
        consumes = value.get("consumes") if isinstance(value, dict) else None
        parameters = value.get("parameters") if isinstance(value, dict) else None
        if not isinstance(consumes, list) or not isinstance(parameters, list):
            return ()
        followed = map(context.subject.follow, parameters)
        if not any(isinstance(each, dict) and each.get("in") == "formData" for each in followed):
            return ()
        said = ",".join(map(str, consumes))
        if any(form in said for form in _FORMS):
            return ()
        return (Complaint("`in: formData` needs a form in `consumes`: " + " or ".join(_FORMS)),)

    return check
