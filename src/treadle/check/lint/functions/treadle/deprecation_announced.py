"""`deprecationAnnounced`: a contract that comes to its end says since when, until when, and what follows it.

The gateway tells callers by Deprecation (RFC 9745), Sunset (RFC 8594) and Link; what is not written it cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.api import mapping
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.events import own
from treadle.contract.place import Json

_ENDING = {"deprecated": "is deprecated", "sunset": "is about to end", "retired": "is no longer served"}


def make(_: Mapping[str, Json]) -> Check:
    """Value: `info`. No options."""
    return _check


def _check(value: Json, context: Context) -> Iterator[Complaint]:
    extension = own(mapping(value, context.subject))
    stage, said = extension.get("lifecycle"), mapping(extension.get("deprecation"), context.subject)
    at = (*context.path, "x-treadle", "deprecation" if said else "lifecycle")
    if not isinstance(stage, str) or stage not in _ENDING:
        if said:
            yield Complaint("the contract announces its end, and its lifecycle does not say so", at)
        return
    if not said.get("since"):
        yield Complaint(f"the contract {_ENDING[stage]}, and does not say since when", at)
    if stage == "sunset" and not said.get("sunset"):
        yield Complaint(f"the contract {_ENDING[stage]}, and does not say when", at)
    if not said.get("successor") and not said.get("link"):
        yield Complaint(f"the contract {_ENDING[stage]}, and does not say what follows it", at)
