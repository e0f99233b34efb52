"""What the guard hop knows of each operation, as a file. Pure.

    {"version": 1, "operations": {"sales.orders.v1/createOrder": {"method": "POST", "template": "/v1/orders", ...}}}

It holds the guarded operations only. A lookup is resolved when the file is written: the hop never has to know an
operation that it does not guard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from treadle.base.canon import canonical
from treadle.base.errors import InputError
from treadle.contract.model import Enforcement, Idempotency, Json
from treadle.gateway.ir import Api, Gateway, Guard, ParameterRule, Route

VERSION = 1
TABLE_BYTES_MAX = 64 * 1024 * 1024
_NAME = re.compile(r"\{([^{}/]+)\}")
_KEY_NAME = "idempotencykey"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The GET that tells what became of a key. `query` are its parameters there that take the key."""

    operation: str
    template: str
    query: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One guarded operation. `key` is `<contract>/<operation>`; `stamp` its contract's version."""

    key: str
    method: str
    template: str
    stamp: str
    timeout_ms: int
    validation: Enforcement
    guard: Guard
    lookup: Lookup | None = None


def encode(gateway: Gateway, before: Gateway | None = None) -> bytes:
    """The file for a gateway: the same bytes for the same promises.

    `before` is what serves until the gateway has taken the new routes: its operations are kept until then.
    """
    rows = {
        route.key: _row(api, route)
        for each in (before, gateway)
        for api in (each.apis if each else ())
        for route in api.routes
        if route.guard
    }
    return canonical({"version": VERSION, "operations": rows})


def decode(data: bytes) -> dict[str, Rule]:
    """Rules by operation key. Raises InputError `hop-table-unreadable`."""
    try:
        document = orjson.loads(data)
        if document["version"] != VERSION:
            raise ValueError("another version wrote it")
        return {key: _rule(key, row) for key, row in document["operations"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "hop-table-unreadable", f"the guard hop's table cannot be read: {error}", "apply the workspace again"
        ) from None


def joined(old: bytes, new: bytes) -> bytes:
    """The file for two gateways of which the newer one's rules hold. Raises InputError `hop-table-unreadable`."""
    decode(old), decode(new)
    rows = {**orjson.loads(old)["operations"], **orjson.loads(new)["operations"]}
    return canonical({"version": VERSION, "operations": rows})


def is_key_name(name: str) -> bool:
    """Whether a parameter of this name takes the key: `Idempotency-Key`, `idempotencyKey`, `idempotency_key`."""
    return name.lower().replace("-", "").replace("_", "") == _KEY_NAME


def _row(api: Api, route: Route) -> dict[str, Json]:
    guard = route.guard
    if guard is None:
        raise AssertionError("only guarded routes have a row")
    key = guard.idempotency
    lookup = _lookup(api, route)
    return {
        "method": route.method,
        "template": route.template,
        "stamp": route.stamp,
        "timeout_ms": route.timeout_ms,
        "validation": route.enforcement.validation.value,
        "idempotency": {"required": key.required, "ttl_s": key.ttl_s, "lookup": key.lookup} if key else None,
        "body": dict(guard.body),
        "body_required": guard.body_required,
        "parameters": [
            {"name": each.name, "where": each.where, "required": each.required, "schema": each.schema}
            for each in guard.parameters
        ],
        "lookup": {"operation": lookup.operation, "template": lookup.template, "query": list(lookup.query)}
        if lookup
        else None,
    }


def _lookup(api: Api, route: Route) -> Lookup | None:
    """The lookup that can be asked: a GET of the contract whose path needs nothing that the call did not say."""
    key = route.guard.idempotency if route.guard else None
    if not key or not key.lookup:
        return None
    found = next((each for each in api.routes if each.operation == key.lookup and each.method == "GET"), None)
    if found is None:
        return None
    known = set(_NAME.findall(route.template))
    if any(name not in known and not is_key_name(name) for name in _NAME.findall(found.template)):
        return None
    parameters = found.guard.parameters if found.guard else found.checks
    query = tuple(each.name for each in parameters if each.where == "query" and is_key_name(each.name))
    return Lookup(found.key, found.template, query)


def _rule(key: str, row: Mapping[str, Any]) -> Rule:
    said = row["idempotency"]
    lookup = row["lookup"]
    parameters = tuple(
        ParameterRule(each["name"], each["where"], each["required"], each["schema"]) for each in row["parameters"]
    )
    idempotency = Idempotency(said["required"], said["ttl_s"], said["lookup"]) if said else None
    return Rule(
        key=key,
        method=row["method"],
        template=row["template"],
        stamp=row["stamp"],
        timeout_ms=row["timeout_ms"],
        validation=Enforcement(row["validation"]),
        guard=Guard(idempotency, row["body"], row["body_required"], parameters),
        lookup=Lookup(lookup["operation"], lookup["template"], tuple(lookup["query"])) if lookup else None,
    )
