"""`pathMajor`: a path begins with the major version of its contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from treadle.check.lint.api import major
from treadle.check.lint.context import Check, Complaint, Context
from treadle.contract.place import Json

_MAJOR = re.compile(r"/v([0-9]{1,9})(/|\Z)")


def make(_: Mapping[str, Json]) -> Check:
    """Value: `paths`. No options."""
    return _check


def _check(paths: Json, context: Context) -> Iterator[Complaint]:
    wanted = major(context.subject.data)
    for path in paths if isinstance(paths, dict) else ():
        if not path.startswith("/"):
            continue
        at = (*context.path, path)
        match = _MAJOR.match(path)
        if not match:
            yield Complaint(f"{path} does not start with /v{1 if wanted is None else wanted}/", at)
        elif wanted is not None and int(match[1]) != wanted:
            yield Complaint(f"{path} is of major {int(match[1])} in a contract of major {wanted}", at)
        elif len(path) == match.end():
            yield Complaint(f"{path} names no resource", at)
        elif path[match.end()] == "{":
            yield Complaint(f"{path} names no resource before its first parameter", at)
