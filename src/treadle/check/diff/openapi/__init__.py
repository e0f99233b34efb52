"""Two versions of an OpenAPI 3 document -> every change, named as oasdiff names it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from treadle.base.errors import InputError
from treadle.check.diff.change import Change, Side
from treadle.check.diff.openapi.document import Document
from treadle.check.diff.openapi.operations import path_changes
from treadle.check.diff.openapi.pair import Run
from treadle.check.diff.openapi.reach import Reach
from treadle.check.diff.openapi.schemas import Comparison
from treadle.check.diff.openapi.security import global_changes, scheme_changes
from treadle.check.diff.openapi.servers import server_changes
from treadle.check.diff.openapi.sunset import Grace
from treadle.check.diff.openapi.webhooks import webhook_changes
from treadle.check.schema.judge import Policy
from treadle.contract.dialect import Family, dialect_of

__all__ = ["Grace", "diff_openapi"]

_DETECTORS: tuple[Callable[[Run], Iterator[Change]], ...] = (
    path_changes,
    webhook_changes,
    global_changes,
    scheme_changes,
    server_changes,
)


def diff_openapi(
    old: Side,
    new: Side,
    today: dt.date,
    grace: Grace = Grace(),  # noqa: B008 - frozen
    policy: Policy = Policy.EVOLUTION,
) -> Iterator[Change]:
    """Every change from one version to the other: operations in the order of the documents, then what they share.

    `grace` is the time that must lie between an announcement and the end; `policy` says how strictly open objects are
    taken. Versions 3.0, 3.1 and 3.2 are compared with each other. Raises InputError `not-openapi-3` for another format.
    """
    before, after = Document(old), Document(new)
    for document in (before, after):
        _must_be_openapi_3(document)
    reach = Reach(before.root, after.root)
    run = Run(
        before,
        after,
        today,
        grace,
        reach,
        Comparison(before, after, reach, policy),
        before.root.child("security").value != after.root.child("security").value,
    )
    for detector in _DETECTORS:
        yield from detector(run)


def _must_be_openapi_3(document: Document) -> None:
    dialect = dialect_of(document.root.value)
    if dialect is None or dialect.family is not Family.OPENAPI or not dialect.minor.startswith("3."):
        raise InputError(
            "not-openapi-3",
            f"{document.root.file} is {dialect or 'no contract'}; versions of OpenAPI 3 are compared",
            "convert a Swagger 2.0 document to OpenAPI 3 first; what it says then is what is compared",
        )
