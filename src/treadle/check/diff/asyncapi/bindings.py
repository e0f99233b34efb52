"""Compares protocol bindings: what peers must know to speak with the application, and what is only tuned.

Source: https://github.com/asyncapi/bindings, one page a protocol. A field that is not listed here is told and breaks
nobody: brokers and clients have many settings that the other side never sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.change import Change
from treadle.contract.library import Node
from treadle.contract.model import Json

SEEN_BY_PEERS: frozenset[tuple[str, str, str]] = frozenset(
    {
        # (what it is a binding of, protocol, path of the field)
        ("server", "mqtt", "clientId"),
        ("server", "kafka", "schemaRegistryUrl"),
        ("server", "kafka", "schemaRegistryVendor"),
        ("server", "pulsar", "tenant"),
        ("server", "ibmmq", "groupId"),
        ("server", "ibmmq", "ccdtQueueManagerName"),
        ("server", "ibmmq", "cipherSpec"),
        ("channel", "ws", "method"),
        ("channel", "kafka", "topic"),
        ("channel", "kafka", "partitions"),
        ("channel", "kafka", "topicConfiguration/cleanup.policy"),
        ("channel", "amqp", "is"),
        ("channel", "amqp", "exchange/name"),
        ("channel", "amqp", "exchange/type"),
        ("channel", "amqp", "exchange/vhost"),
        ("channel", "amqp", "queue/name"),
        ("channel", "amqp", "queue/vhost"),
        ("channel", "amqp", "queue/exclusive"),
        ("channel", "amqp", "queue/durable"),
        ("channel", "amqp", "queue/autoDelete"),
        ("channel", "anypointmq", "destination"),
        ("channel", "anypointmq", "destinationType"),
        ("channel", "ibmmq", "destinationType"),
        ("channel", "ibmmq", "queue/objectName"),
        ("channel", "ibmmq", "topic/string"),
        ("channel", "googlepubsub", "schemaSettings/encoding"),
        ("channel", "googlepubsub", "schemaSettings/name"),
        ("channel", "pulsar", "namespace"),
        ("channel", "pulsar", "persistence"),
        ("channel", "sns", "name"),
        ("channel", "sns", "ordering/type"),
        ("channel", "sqs", "queue/name"),
        ("channel", "sqs", "queue/fifoQueue"),
        ("operation", "http", "method"),
        ("operation", "http", "type"),
        ("operation", "mqtt", "qos"),
        ("operation", "mqtt", "retain"),
        ("operation", "amqp", "ack"),
        ("operation", "amqp", "deliveryMode"),
        ("operation", "nats", "queue"),
        ("operation", "solace", "destinations"),
        ("message", "kafka", "schemaIdLocation"),
        ("message", "kafka", "schemaIdPayloadEncoding"),
        ("message", "kafka", "schemaLookupStrategy"),
        ("message", "amqp", "contentEncoding"),
        ("message", "amqp", "messageType"),
        ("message", "mqtt", "payloadFormatIndicator"),
        ("message", "mqtt", "contentType"),
        ("message", "anypointmq", "headers"),
        ("message", "ibmmq", "type"),
        ("message", "googlepubsub", "schema/name"),
        ("message", "googlepubsub", "orderingKey"),
        ("message", "http", "statusCode"),
    }
)

SCHEMAS: frozenset[tuple[str, str, str]] = frozenset(
    {
        ("channel", "ws", "query"),
        ("channel", "ws", "headers"),
        ("operation", "http", "query"),
        ("message", "http", "headers"),
        ("message", "kafka", "key"),
    }
)
"""Fields that hold a schema: they are compared as one."""

_DEPTH_MAX = 4
_SHOWN_CHARS_MAX = 60


def binding_changes(here: Here, kind: str, old: Mapping[str, Node], new: Mapping[str, Node]) -> Iterator[Change]:
    """Every field that differs, whatever version it is bound in; those that hold schemas are left out.

    `kind` is what they are bindings of: a `server`, `channel`, `operation` or `message`.
    """
    for protocol in dict.fromkeys((*old, *new)):
        before = dict(_fields(old[protocol])) if protocol in old else {}
        after = dict(_fields(new[protocol])) if protocol in new else {}
        for path in dict.fromkeys((*before, *after)):
            was, now = before.get(path), after.get(path)
            values = (was.value if was else None, now.value if now else None)
            if values[0] == values[1] or _is_schema(kind, protocol, path):
                continue
            rule = "binding-changed" if (kind, protocol, path) in SEEN_BY_PEERS else "binding-tuned"
            yield here.change(
                rule,
                was or here.old.child("bindings", protocol),
                now or here.new.child("bindings", protocol),
                what=kind,
                name=f"{protocol} {path}",
                old=shown(values[0]),
                new=shown(values[1]),
            )


def schema_fields(
    kind: str, old: Mapping[str, Node], new: Mapping[str, Node]
) -> Iterator[tuple[str, Node | None, Node | None]]:
    """Its name and its two nodes (None where there is none) for each field that holds a schema."""
    for of, protocol, field in sorted(SCHEMAS):
        nodes = [binding[protocol].child(field) if protocol in binding else None for binding in (old, new)]
        before, after = (node if node is not None and node.value is not None else None for node in nodes)
        if of == kind and (before or after):
            yield f"{protocol} {field}", before, after


def shown(value: Json) -> str:
    """A value in a message; none at all is `nothing`."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}…"


def _is_schema(kind: str, protocol: str, path: str) -> bool:
    return any((kind, protocol, each) in SCHEMAS for each in (path, path.partition("/")[0]))


def _fields(binding: Node) -> Iterator[tuple[str, Node]]:
    """The fields of one binding; those of a mapping inside it by their path."""
    waiting: list[tuple[str, Node, int]] = [("", binding, 0)]
    while waiting:
        path, node, depth = waiting.pop()
        value: Json = node.value
        if isinstance(value, dict) and value and depth < _DEPTH_MAX:
            waiting.extend(
                (f"{path}/{name}".lstrip("/"), node.child(name), depth + 1)
                for name in reversed(value)
                if name != "bindingVersion" and not name.startswith("x-")
            )
        elif path:
            yield path, node
