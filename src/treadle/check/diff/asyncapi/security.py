"""Compares who may connect to a server, or take part in an operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.view import Requirement
from treadle.check.diff.change import Change


def security_changes(here: Here, old: Sequence[Requirement], new: Sequence[Requirement], what: str) -> Iterator[Change]:
    """Requirements are alternatives: whoever meets one gets in. None at all lets everybody in."""
    if not old and new:
        yield here.member("event-security-added", "security", what=what, new=_listed(new))
    elif old and not new:
        yield here.member("event-security-removed", "security", what=what, old=_listed(old))
    else:
        for requirement in old:
            yield from _kept(here, requirement, [each for each in new if each.scheme == requirement.scheme], what)
        for requirement in new:
            if requirement.scheme not in {each.scheme for each in old}:
                yield here.member("event-security-alternative-added", "security", what=what, new=requirement.name)


def _kept(here: Here, old: Requirement, new: Sequence[Requirement], what: str) -> Iterator[Change]:
    """What becomes of those who met one old requirement."""
    if not new:
        yield here.member("event-security-alternative-removed", "security", what=what, old=old.name)
        return
    nearest = min(new, key=lambda each: len(each.scopes - old.scopes))
    for scope in sorted(nearest.scopes - old.scopes):
        yield here.member("event-security-scope-added", "security", what=what, new=scope, name=nearest.name)
    if not nearest.scopes - old.scopes:
        for scope in sorted(old.scopes - nearest.scopes):
            yield here.member("event-security-scope-removed", "security", what=what, old=scope, name=nearest.name)


def _listed(requirements: Sequence[Requirement]) -> str:
    return " or ".join(dict.fromkeys(f"`{each.name}`" for each in requirements))
