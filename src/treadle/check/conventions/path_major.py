"""Paths name resources under their major version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract

_MAJOR = re.compile(r"/v(?P<major>[0-9]+)/(?P<rest>.+)\Z")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VERBS = frozenset(
    {
        "get", "list", "fetch", "find", "read", "create", "add", "insert", "make", "new", "update", "modify",
        "edit", "change", "set", "put", "patch", "delete", "remove", "send", "submit", "cancel", "approve",
        "reject", "start", "stop", "run", "do", "execute", "process", "check", "validate", "upload", "download",
        "sync", "import", "export",
    }
)  # fmt: skip
_PLURALS = frozenset({"children", "criteria", "data", "feedback", "info", "me", "media", "metadata", "people", "staff"})


@rule("path-major")
def path_major(contract: Contract) -> Iterator[Complaint]:
    """Paths are `/v<major>/<plural noun>/…`, without verbs.

    Why: two majors of an API must be able to run side by side, so the major stands first in every path and agrees with
    the file's name. A path names a thing and the method says what is done to it; a verb in a path means that caches,
    retries and limits can no longer tell a read from a write.

    Bad:   /orders                  no major
           /v1/order/{orderId}      a collection in the singular
           /v1/orders/{id}/cancel   a verb
    Good:  /v1/orders
           /v1/orders/{orderId}
           POST /v1/orders/{orderId}/cancellations

    Mend it: put the major of `info.version` first; name the collection in the plural; turn the verb into the noun of
    what it makes.
    """
    for path, place in {each.path: each.place for each in contract.operations}.items():
        at = contract.at(f"/paths/{path.replace('~', '~0').replace('/', '~1')}") or place
        match = _MAJOR.match(path)
        if not match:
            yield at, f"{path} does not start with /v{contract.major}/", f"write /v{contract.major}{path}"
            continue
        if int(match["major"]) != contract.major:
            hint = f"write /v{contract.major}/{match['rest']}"
            yield at, f"{path} is of major {match['major']} in a contract of major {contract.major}", hint
        names = [each for each in match["rest"].split("/") if each and "{" not in each]
        if not names:
            yield at, f"{path} names no resource", "name the collection: /v1/orders/{orderId}"
            continue
        if not _plural(names[0]):
            yield at, f"{path}: `{names[0]}` is not in the plural", f"name the collection `{names[0]}s`"
        for name in names:
            verb = _verb(name)
            if verb:
                yield at, f"{path}: `{name}` says `{verb}`; the method is the verb", "name the thing that it makes"


def _plural(name: str) -> bool:
    words = _WORD.findall(name)
    last = words[-1].lower() if words else name
    return last.endswith("s") or last in _PLURALS


def _verb(name: str) -> str | None:
    words = _WORD.findall(name)
    first = words[0].lower() if words else ""
    return first if first in _VERBS else None
