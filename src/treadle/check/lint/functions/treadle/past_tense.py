"""`pastTense`: an event says what has happened, not what should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.events import address
from treadle.contract.place import Json

_PAST = {
    "accept": "accepted", "activate": "activated", "add": "added", "approve": "approved", "archive": "archived",
    "assign": "assigned", "begin": "begun", "book": "booked", "cancel": "cancelled", "capture": "captured",
    "change": "changed", "close": "closed", "complete": "completed", "confirm": "confirmed", "create": "created",
    "deactivate": "deactivated", "delete": "deleted", "deliver": "delivered", "disable": "disabled",
    "enable": "enabled", "expire": "expired", "fail": "failed", "finish": "finished", "fulfil": "fulfilled",
    "issue": "issued", "move": "moved", "open": "opened", "pay": "paid", "place": "placed", "publish": "published",
    "raise": "raised", "receive": "received", "refund": "refunded", "register": "registered", "reject": "rejected",
    "release": "released", "remove": "removed", "rename": "renamed", "renew": "renewed", "resolve": "resolved",
    "return": "returned", "revoke": "revoked", "schedule": "scheduled", "sell": "sold", "send": "sent",
    "ship": "shipped", "start": "started", "stop": "stopped", "submit": "submitted", "suspend": "suspended",
    "transfer": "transferred", "update": "updated", "verify": "verified", "withdraw": "withdrawn",
    "creating": "created", "deleting": "deleted", "updating": "updated",
}  # fmt: skip


def make(_: Mapping[str, Json]) -> Check:
    """Value: a channel. No options. Only words that are surely no participle are named."""
    return _check


def _check(_: Json, context: Context) -> Iterator[Complaint]:
    found = address(context)
    words = found[0].split(".") if found else []
    if found and len(words) == 4:
        first, dash, rest = words[2].partition("-")
        if first in _PAST:
            yield Complaint(
                f"`{found[0]}` asks for something; say that it happened: `{_PAST[first]}{dash}{rest}`", found[1]
            )
