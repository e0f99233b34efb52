"""Channels are named after their events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract
from treadle.contract.pointer import pointer

_NAME = re.compile(r"(?P<domain>[a-z][a-z0-9-]*)\.[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*\.v(?P<major>[0-9]+)\Z")


@rule("event-name")
def event_name(contract: Contract) -> Iterator[Complaint]:
    """A channel's address is `domain.aggregate.event.v<major>`, in the contract's own domain.

    Why: the name is the address on the bus, the unit of permission (`<domain>.events:publish`) and what subscribers
    write down. A breaking change is a new channel beside the old one, so the major is part of the name.

    Bad:   OrderCreated, sales.order-created, billing.order.created.v1 (in a contract of domain sales)
    Good:  sales.order.created.v1

    Mend it: name the domain, the thing that changed, what happened to it in the past tense, and the major.
    """
    for channel in contract.channels:
        place = contract.at(channel.pointer + pointer("address"))
        match = _NAME.match(channel.name)
        if not match:
            hint = f"name it like `{contract.domain}.order.created.v{contract.major}`"
            yield place, f"`{channel.name}` is not of the form domain.aggregate.event.v<major>", hint
        elif match["domain"] != contract.domain:
            rest = channel.name.partition(".")[2]
            yield (
                place,
                f"`{channel.name}` is an event of domain `{match['domain']}` in a contract of `{contract.domain}`",
                f"name it `{contract.domain}.{rest}`, or move it to the contracts of `{match['domain']}`",
            )
