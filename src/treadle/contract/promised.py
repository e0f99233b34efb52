"""`x-treadle` of an API -> what it promises. The shape of each value was checked with the extension.

A value of the wrong shape is a problem already and reads as if it were not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from treadle.contract.model import Slo
from treadle.contract.place import Json
from treadle.contract.promises import (
    Access,
    Cors,
    Deprecation,
    Enforcement,
    Enforcements,
    Idempotency,
    Limit,
    Streaming,
    Validation,
)

DAY_S = 86_400
_BODIES = frozenset({"POST", "PUT", "PATCH"})
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([A-Za-z0-9.-]{1,253})(?::[0-9]*)?(?:[/?#]|\Z)")
_EVENTS = "text/event-stream"


def slo(value: Json) -> Slo:
    """Objectives."""
    said = _mapping(value)
    return Slo(said.get("success"), said.get("p95_ms"), said.get("lag_s"))


def enforcements(value: Json) -> Enforcements:
    """One word for all aspects, or one for each that is named; the others are enforced."""
    if isinstance(value, str):
        return Enforcements.all(_how(value))
    said = _mapping(value)
    return Enforcements(_how(said.get("auth")), _how(said.get("limits")), _how(said.get("validation")))


def limit(value: Json) -> Limit | None:
    """A token bucket, if one is given."""
    said = _mapping(value)
    if not isinstance(said.get("requests"), int):
        return None
    return Limit(said["requests"], said.get("per_s", 1), said.get("burst", 0))


def idempotency(value: Json, *, declared: bool | None) -> Idempotency | None:
    """What becomes of an Idempotency-Key.

    `declared` says whether the operation's own parameter of that name is required, None where it has none: a key that
    a contract describes is honoured, and its description goes before the word of the extension.
    """
    said: Mapping[str, Json] = {"key": value} if isinstance(value, str) else _mapping(value)
    key = said.get("key", "none" if declared is None else "optional")
    if key == "none" and declared is None:
        return None
    required = key == "required" if declared is None else declared
    return Idempotency(required, said.get("ttl_s", DAY_S), said.get("lookup", ""))


def access(value: Json, general: Access) -> Access:
    """What a token must say: the operation's own words, each in the place of the contract's."""
    said = _mapping(value)
    return Access(
        condition=said.get("condition", general.condition),
        acr=tuple(said.get("acr", general.acr)),
        amr=tuple(said.get("amr", general.amr)),
        bound=said.get("bound", general.bound),
    )


def validation(value: Json, method: str, *, body: bool, key: bool) -> Validation:
    """Where calls are checked. A call with a body that is described, or with a key, goes through the guard hop."""
    if isinstance(value, str) and value in tuple(Validation):
        return Validation(value)
    return Validation.GUARD if key or (body and method in _BODIES) else Validation.NATIVE


def streaming(responses: Mapping[str, Mapping[str, Json]]) -> Streaming:
    """How long an answer may be open, from its description: `101` changes the protocol, an event stream stays open."""
    if "101" in responses:
        return Streaming.UPGRADE
    if any(_EVENTS in content for content in responses.values()):
        return Streaming.RESPONSE
    return Streaming.NONE


def cors(value: Json) -> Cors | None:
    """Who may call from a browser."""
    said = _mapping(value)
    if not said.get("origins"):
        return None
    return Cors(
        origins=tuple(said["origins"]),
        credentials=said.get("credentials", False),
        max_age_s=said.get("max_age_s", 600),
        headers=tuple(said.get("headers", ())),
        expose=tuple(said.get("expose", ())),
    )


def deprecation(value: Json) -> Deprecation | None:
    """The end of a contract."""
    said = _mapping(value)
    if not said:
        return None
    return Deprecation(said.get("since", ""), said.get("sunset", ""), said.get("successor", ""), said.get("link", ""))


def hosts(document: Json) -> tuple[str, ...]:
    """The host names in the servers of an OpenAPI description, in lower case; one with variables names none."""
    listed = document.get("servers") if isinstance(document, dict) else None
    found: dict[str, None] = {}
    for each in listed if isinstance(listed, list) else ():
        url = each.get("url") if isinstance(each, dict) else None
        if isinstance(url, str) and (match := _HOST.match(url)):
            found[match[1].lower()] = None
    return tuple(found)


def _how(value: Json) -> Enforcement:
    return Enforcement(value) if value in tuple(Enforcement) else Enforcement.ENFORCE


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
