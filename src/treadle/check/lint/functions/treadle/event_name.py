"""`eventName`: the address of a channel is `domain.aggregate.event.v{major}`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from treadle.check.lint.api import major, mapping
from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.events import address, own
from treadle.contract.place import Json

_NAME = re.compile(r"([a-z][a-z0-9-]*)\.[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*\.v([0-9]{1,9})\Z")


def make(_: Mapping[str, Json]) -> Check:
    """Value: a channel. No options."""
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    found = address(context)
    if found is None:
        return
    said, at = found
    match = _NAME.match(said)
    if not match:
        yield Complaint(f"`{said}` is not of the form domain.aggregate.event.v<major>", at)
        return
    domain = own(mapping(mapping(context.subject.data, context.subject).get("info"), context.subject)).get("domain")
    if isinstance(domain, str) and match[1] != domain:
        yield Complaint(f"`{said}` is an event of domain `{match[1]}` in a contract of `{domain}`", at)
    wanted = major(context.subject.data)
    if wanted is not None and int(match[2]) != wanted:
        yield Complaint(f"`{said}` is of major {int(match[2])} in a contract of major {wanted}", at)
