"""`tooManyRequests`: an operation says how a caller that is too fast is told so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import headers, name, response_path, responses, written
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.contract.place import Json

_WANTED = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")


def make(options: Mapping[str, Json]) -> Check:
    """Value: an operation. Option `headers`: what the answer 429 carries (RFC 6585 section 4)."""
    wanted = options.get("headers", list(_WANTED))
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise BadOptions("`headers` must be a list of names")

    def check(_: Json, context: Context) -> Iterator[Complaint]:
        operation = written(context)
        answers = dict(responses(operation, context.subject))
        said = name(context.path)
        if "429" not in answers:
            yield Complaint(f"{said} does not say how it answers 429", (*context.path, "responses"))
            return
        carried = headers(answers["429"], context.subject)
        lacking = [each for each in wanted if each.lower() not in carried]
        if lacking:
            at = response_path(operation, "429", context)
            yield Complaint(f"{said} 429 lacks the header {', '.join(lacking)}", at)

    return check
