"""Bindings are of a protocol that is known, in a version that is known, at a place where the protocol has some.

Options: `check`, `protocol` (the protocol is known), `version` (the version is, and the binding is valid by its
schema). Sources: https://github.com/asyncapi/bindings and its published schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from treadle.base.nearest import nearest
from treadle.check.lint.ajv_results import each_once
from treadle.check.lint.context import BadOptions, Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.objects import Spot, objects_of
from treadle.check.lint.functions.asyncapi.published import LATEST, part_judge, schema
from treadle.contract.place import Json

PROTOCOLS = (
    "http", "ws", "kafka", "anypointmq", "amqp", "amqp1", "mqtt", "mqtt5", "nats", "jms", "sns", "sqs", "stomp",
    "redis", "mercure", "ibmmq", "googlepubsub", "solace", "pulsar", "ros2",
)  # fmt: skip
_NAME_IN_SCHEMAS = {"ws": "websockets"}
_PLACES = {
    "serverBindings": "server", "channelBindings": "channel", "operationBindings": "operation",
    "messageBindings": "message",
}  # fmt: skip


def make(options: Mapping[str, Any]) -> Check:
    """The value is a whole document."""
    kind = options.get("check", "protocol")
    if kind not in ("protocol", "version"):
        raise BadOptions("`check` must be `protocol` or `version`")
    judge = _protocol if kind == "protocol" else _version

    def check(value: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001 - the shape of every check
        for spot in objects_of(context).of(*_PLACES):
            for protocol, binding in spot.value.items():
                if not protocol.startswith("x-"):
                    yield from judge(spot, protocol, binding, context)

    return check


def _protocol(spot: Spot, protocol: str, binding: Json, context: Context) -> Iterator[Complaint]:  # noqa: ARG001
    if protocol not in PROTOCOLS:
        near = nearest(protocol, PROTOCOLS)
        hint = f"; did you mean `{near}`?" if near else ""
        yield Complaint(f"`{protocol}` is no protocol that has bindings{hint}", (*spot.path, protocol))


def _version(spot: Spot, protocol: str, binding: Json, context: Context) -> Iterator[Complaint]:
    place = _PLACES[spot.kind]
    versions = _versions().get((_NAME_IN_SCHEMAS.get(protocol, protocol), place), {})
    path = (*spot.path, protocol)
    if protocol not in PROTOCOLS or not isinstance(binding, dict) or "$ref" in binding:
        return
    if not versions:
        if _is_judged(protocol) and any(not key.startswith("x-") and key != "bindingVersion" for key in binding):
            yield Complaint(f"{protocol} has no bindings of a {place}; this must stay empty", path)
        return
    said = binding.get("bindingVersion", "latest")
    if said == "latest":
        name = next(iter(versions.values()))
    elif isinstance(said, str) and said in versions:
        name = versions[said]
    else:
        known = ", ".join(versions)
        yield Complaint(f"no schema of {protocol} {said} is known; there is {known}", (*path, "bindingVersion"))
        return
    without = {key: value for key, value in binding.items() if key != "bindingVersion" or said != "latest"}
    yield from each_once(part_judge(LATEST, name, nearest=True).errors(context.subject.inlined(without)), path)


@cache
def _versions() -> dict[tuple[str, str], dict[str, str]]:
    """Protocol and place -> version -> name of its schema, the latest version first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in schema(LATEST)["definitions"]:
        if name.startswith("bindings-"):
            _, protocol, version, place = name.split("-")
            found.setdefault((protocol, place), {})[version] = name
    return {key: dict(sorted(each.items(), reverse=True)) for key, each in found.items()}


def _is_judged(protocol: str) -> bool:
    name = _NAME_IN_SCHEMAS.get(protocol, protocol)
    return any(known == name for known, _ in _versions())
