"""AsyncAPI 3.0 -> channels. Source: https://www.asyncapi.com/docs/reference/specification/v3.0.0.

A channel's address is the name of its event; one channel carries one message. `operations` are checked (they must
name a channel of the contract and say send or receive): who sends and receives at run time is said by scopes and
subscriptions, not by the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.base.nearest import nearest
from treadle.contract.extension import own
from treadle.contract.library import Node
from treadle.contract.model import Channel, Enforcement, Json
from treadle.contract.pointer import pointer
from treadle.contract.reading import Reading

_ADDRESS = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_MAJOR = re.compile(r"\.v([0-9]+)\Z")
_CONTENT_TYPE = "application/json"
_FORMATS = re.compile(r"application/(?:schema\+(?:json|yaml)|vnd\.aai\.asyncapi(?:\+json|\+yaml)?)(?:;.*)?\Z")


def read_channels(reading: Reading, root: Node, major: int | None) -> tuple[Channel, ...]:
    """Every channel, in the order of the file. `major` is the major of `info.version`, where that could be read."""
    listed = root.child("channels")
    found: list[Channel] = []
    nodes: dict[tuple[str, str], str] = {}
    default = reading.text(root.child("defaultContentType")) or _CONTENT_TYPE
    for name in reading.mapping(listed, required=True):
        if name.startswith("x-"):
            continue
        node = reading.references.follow(listed.child(name))
        if node is None or not reading.mapping(node):
            continue
        nodes[node.key] = name
        channel = _channel(reading, node, major, default)
        if channel is not None:
            found.append(channel)
    _check_operations(reading, root, nodes)
    for name in reading.mapping(root.child("components", "schemas")):
        schema = root.child("components", "schemas", name)
        reading.schema(_plain_schema(reading, schema))
    return tuple(found)


def _channel(reading: Reading, node: Node, major: int | None, content_type: str) -> Channel | None:
    address = reading.text(node.child("address"), required=True)
    if address and not _ADDRESS.match(address):
        reading.refuse(
            "bad-address",
            node.child("address"),
            f"`{address}` is no event name",
            "write it like `sales.order.created.v1`",
        )
    declared = _MAJOR.search(address)
    if declared and major is not None and int(declared[1]) != major:
        reading.refuse(
            "channel-major",
            node.child("address"),
            f"`{address}` is of major {declared[1]}, and `info.version` of major {major}",
            "a new major is a new file and a new channel",
        )
    messages = node.child("messages")
    names = list(reading.mapping(messages, required=True))
    if len(names) != 1:
        reading.refuse(
            "one-message",
            messages,
            f"a channel carries one message, this one has {len(names)}",
            "one event, one channel",
        )
        return None
    message = reading.references.follow(messages.child(names[0]))
    if message is None or not reading.mapping(message):
        return None
    payload_node = message.child("payload")
    if payload_node.value is None:
        reading.refuse("missing-key", message, "the message has no `payload`", "add the JSON Schema of the event")
    payload = reading.schema(_plain_schema(reading, payload_node))
    headers = _said(reading, message, "headers")
    extension = own(node.value)
    return Channel(
        name=address,
        message=reading.text(message.child("name")) or names[0],
        payload=payload,
        place=reading.place(node),
        partitions=extension.get("partitions", 8),
        partition_key=extension.get("partition_key", "/partitionKey"),
        retention_days=extension.get("retention_days", 7),
        compaction=extension.get("compaction", False),
        dlq_days=_days(extension.get("dlq"), 30),
        replay_days=_days(extension.get("replay"), 7),
        durability=extension.get("durability", "power-safe"),
        enforcement=enforcement(extension.get("enforcement")) or Enforcement.ENFORCE,
        subject_pointer=_subject(reading, message, payload),
        summary=reading.text(node.child("summary")) or reading.text(message.child("summary")),
        pointer=node.pointer,
        payload_pointer=payload_node.pointer,
        content_type=_media_type(reading.text(_said(reading, message, "contentType")) or content_type),
        headers=reading.schema(_plain_schema(reading, headers)) if headers.value is not None else None,
        message_pointer=message.pointer,
    )


def _said(reading: Reading, message: Node, key: str) -> Node:
    """What a message says under a key: itself, else the last of its traits that does (AsyncAPI 3.0, traits)."""
    own = message.child(key)
    traits = message.child("traits")
    for at in reversed(range(len(traits.value) if isinstance(traits.value, list) else 0)):
        if own.value is not None:
            break
        trait = reading.references.follow(traits.child(at))
        own = trait.child(key) if trait is not None else own
    return own


def _media_type(text: str) -> str:
    """A media type as two contracts compare it: names are the same in any case (RFC 9110 section 8.3.1)."""
    return re.sub(r"\s+", "", text.lower()).removesuffix(";charset=utf-8")


def enforcement(value: Json) -> Enforcement | None:
    """How hard to enforce, where it is said. Its shape was checked with the extension."""
    return Enforcement(value) if value in tuple(Enforcement) else None


def _days(value: Json, default: int) -> int:
    days = value.get("days") if isinstance(value, dict) else None
    return days if isinstance(days, int) else default


def _plain_schema(reading: Reading, node: Node) -> Node:
    """The schema itself where it is wrapped in a multi-format object (`schemaFormat` beside `schema`)."""
    if not isinstance(node.value, dict) or "schemaFormat" not in node.value:
        return node
    if not _FORMATS.match(reading.text(node.child("schemaFormat"))):
        reading.refuse(
            "schema-format",
            node.child("schemaFormat"),
            "the payload is not described by JSON Schema",
            "use JSON Schema",
        )
        return node.child("schemaFormat", "none")
    return node.child("schema")


def _subject(reading: Reading, message: Node, payload: Json) -> str | None:
    """The pointer of the property that names the person an event is about, from `x-treadle: {subject: …}`."""
    found = dict.fromkeys(
        at if own(schema)["subject"] is True else own(schema)["subject"]
        for at, schema in _properties(payload)
        if isinstance(own(schema).get("subject"), str | bool)
    )
    if len(found) > 1:
        both = " and ".join(f"`{each}`" for each in found)
        reading.refuse("subject-conflict", message, f"the payload names several subjects: {both}", "keep one")
    known = {at for at, _ in _properties(payload)}
    for each in found:
        if each not in known:
            near = nearest(each, known)
            hint = f"did you mean `{near}`?" if near else "it is the JSON pointer of a property of the payload"
            reading.refuse("unknown-subject", message, f"the payload has no property `{each}`", hint)
    return next(iter(found), None)


def _properties(payload: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every object and property of a payload with its pointer in an event; lists and recursion are not entered."""
    waiting: list[tuple[str, Json]] = [("", payload)]
    while waiting:
        at, schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        yield at, schema
        properties = schema.get("properties")
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            waiting.append((at + pointer(name), inner))
        for key in ("allOf", "anyOf", "oneOf"):
            branches = schema.get(key)
            waiting.extend((at, branch) for branch in (branches if isinstance(branches, list) else ()))


def _check_operations(reading: Reading, root: Node, channels: dict[tuple[str, str], str]) -> None:
    listed = root.child("operations")
    for name in reading.mapping(listed):
        if name.startswith("x-"):
            continue
        node = reading.references.follow(listed.child(name))
        if node is None or not reading.mapping(node):
            continue
        if node.value.get("action") not in ("send", "receive"):
            reading.refuse(
                "bad-value", node.child("action"), f"operation `{name}` must say `action: send` or `receive`"
            )
        channel = node.child("channel")
        if channel.reference is None:
            reading.refuse(
                "bad-value", channel, f"operation `{name}` must name a channel", "channel: {$ref: '#/channels/…'}"
            )
            continue
        target = reading.references.follow(channel)
        if target is not None and target.key not in channels:
            reading.refuse("bad-value", channel, f"operation `{name}` names a channel that is not in `channels`")
