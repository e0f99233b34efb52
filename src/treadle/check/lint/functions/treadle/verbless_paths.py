"""`verblessPaths`: a path names a thing; the method is the verb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.contract.place import Json

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CAMEL = re.compile(r"[a-z]+[A-Z]")
_VERBS = frozenset(
    {
        "get", "fetch", "find", "create", "insert", "modify", "delete", "remove", "send", "submit", "cancel", "approve",
        "reject", "execute", "validate", "invoke", "retrieve", "activate", "deactivate", "enable", "disable",
        "generate", "calculate", "compute", "perform", "do", "verify", "confirm", "publish", "unpublish",
        "unregister", "assign", "unassign", "revoke", "resend", "recalculate",
    }
)  # fmt: skip
"""Words that are hardly ever nouns."""
_ALSO_NOUNS = frozenset(
    {
        "add", "check", "copy", "download", "edit", "export", "import", "list", "make", "merge", "move", "patch",
        "post", "process", "put", "read", "register", "run", "search", "set", "start", "stop", "sync", "trigger",
        "update", "upload", "write",
    }
)  # fmt: skip
"""Verbs in `updateOrder`, and where they stand alone behind one thing: `/orders/{orderId}/update`."""
_ALONE = _ALSO_NOUNS - {"check", "list", "make", "patch", "post", "process", "run", "search", "set"}


def make(options: Mapping[str, Json]) -> Check:
    """Value: `paths`. Option `allow`: segments that are right as they are."""
    allow = options.get("allow", [])
    if not isinstance(allow, list) or not all(isinstance(each, str) for each in allow):
        raise BadOptions("`allow` must be a list of segments")
    allowed = frozenset(allow)

    def check(paths: Json, context: Context) -> Iterator[Complaint]:
        for path in paths if isinstance(paths, dict) else ():
            segments = [each for each in path.split("/") if each]
            for at, segment in enumerate(segments):
                if "{" in segment or segment in allowed:
                    continue
                behind_one = at > 0 and segments[at - 1].startswith("{") and at == len(segments) - 1
                verb = _verb(segment, behind_one=behind_one)
                if verb:
                    yield Complaint(f"{path}: `{segment}` says `{verb}`; the method is the verb", (*context.path, path))

    return check


def _verb(segment: str, *, behind_one: bool) -> str | None:
    words = _WORD.findall(segment)
    first = words[0].lower() if words else ""
    if first in _VERBS:
        return first
    if first in _ALSO_NOUNS and len(words) > 1 and _CAMEL.match(segment):
        return first
    return first if behind_one and len(words) == 1 and first in _ALONE else None
