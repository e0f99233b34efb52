"""Every event has the key that its channel is ordered by."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.objects import Part, kinds, properties, required, whole
from treadle.check.rule import Complaint, rule
from treadle.contract.model import Contract
from treadle.contract.pointer import pointer, tokens


@rule("partition-key")
def partition_key(contract: Contract) -> Iterator[Complaint]:
    """The `partition_key` of a channel leads to a string that every event has.

    Why: events of one key keep their order, and the key decides the partition. An event without it has no place in any
    order, and is refused when it is published: too late for whoever wrote the contract.

    Bad:   x-treadle: {partition_key: /orderID}      # the payload has orderId
           x-treadle: {partition_key: /orderId}      # orderId is a number, or not in `required`
    Good:  x-treadle: {partition_key: /orderId}
           payload: {type: object, required: [orderId, …], properties: {orderId: {type: string}, …}}

    Mend it: name a property of type string, and require it and everything on the way to it. Without `partition_key` it
    is `/partitionKey`.
    """
    for channel in contract.channels:
        wrong = _wrong(whole(channel.payload), tokens(channel.partition_key))
        if wrong:
            yield (
                contract.at(channel.pointer + pointer("x-treadle", "partition_key")),
                f"the partition key {channel.partition_key} of {channel.name} {wrong}",
                "let it lead to a required property of type string",
            )


def _wrong(part: Part, steps: tuple[str, ...]) -> str:
    """What is wrong with the way to the key, or nothing."""
    way = ""
    for step in steps:
        if kinds(part) != frozenset({"object"}):
            return f"may be missing: {way or 'the payload'} may be no object"
        found = properties(part).get(step)
        way += pointer(step)
        if found is None:
            return f"leads nowhere: the payload describes no {way}"
        if step not in required(part):
            return f"may be missing: {way} is not required"
        part = found
    if kinds(part) != frozenset({"string"}):
        return "is no string"
    return ""
