"""A connector's YAML as values: where its records come from and which events they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from treadle.base.errors import InputError
from treadle.base.nearest import nearest
from treadle.connect.expression import Expression
from treadle.connect.webhook import TOLERANCE_S, read_public_keys
from treadle.contract.model import Connector, Json

_T = TypeVar("_T")

METADATA = frozenset({"eventId", "partitionKey", "schemaVersion"})
"""What treadle fills in itself; a map may say when something happened (`occurredAt`), never these."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask a REST list for what changed.

    `items` finds the list in the answer; `timestamp` and `id` find a record's place in the source's order. The list
    is asked with `updated_since`, `after` (`<timestamp>,<id>`) and `limit`.
    """

    url: str
    items: Expression
    timestamp: Expression
    id: Expression
    overlap_s: float
    every_s: float
    page_size: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """Be told by signed calls (Standard Webhooks, Ed25519). Any of the keys may sign, so that keys can rotate."""

    public_keys: tuple[Ed25519PublicKey, ...]
    tolerance_s: int


@dataclass(frozen=True, slots=True)
class Emit:
    """One kind of event that a record may become. `map` gives the event's own properties."""

    event: str
    entity: str
    id: Expression
    version: Expression
    key: Expression
    map: Mapping[str, Expression]
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """One connector, checked. `name` is also the client that it publishes as."""

    name: str
    system: str
    source: Poll | Webhook
    emits: tuple[Emit, ...]


def read_settings(connector: Connector) -> ConnectorSettings:
    """The connector's settings. Raises InputError that names the file and the key."""
    try:
        fields = _Fields(connector.settings, "")
        fields.known("connector", "system", "source", "emit")
        emits = fields.get("emit", list)
        if not emits:
            raise _bad("emit", "must name at least one event")
        return ConnectorSettings(
            name=connector.name,
            system=connector.system,
            source=_source(_Fields(fields.get("source", dict), "source.")),
            emits=tuple(_emit(_Fields(each, f"emit[{at}].")) for at, each in enumerate(emits)),
        )
    except InputError as error:
        raise InputError(error.code, f"{connector.place}: {error.message}", error.hint) from error


class _Fields:
    """A mapping that complains by the path of the key."""

    def __init__(self, value: Json, path: str) -> None:
        if not isinstance(value, Mapping):
            raise _bad(path.rstrip("."), "must be a mapping")
        self.value = value
        self.path = path

    def known(self, *names: str) -> None:
        for name in self.value:
            if name not in names:
                guess = nearest(str(name), names)
                raise _bad(f"{self.path}{name}", "is not a setting" + (f", did you mean '{guess}'?" if guess else ""))

    def get(self, name: str, kind: type[_T]) -> _T:
        value = self.value.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _bad(f"{self.path}{name}", f"must be {_KINDS.get(kind, kind.__name__)}")
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _bad(f"{self.path}{name}", f"must be a number from {low} to {high}")
        return value

    def expression(self, name: str) -> Expression:
        try:
            return Expression(self.get(name, str))
        except InputError as error:
            raise InputError(error.code, f"{self.path}{name}: {error.message}", error.hint) from error


_KINDS: Mapping[type, str] = {str: "text", dict: "a mapping", list: "a list", int: "a whole number"}


def _source(fields: _Fields) -> Poll | Webhook:
    kind = fields.get("type", str)
    if kind == "poll":
        fields.known("type", "url", "path", "items", "cursor", "overlap_s", "every_s", "page_size")
        cursor = _Fields(fields.get("cursor", dict), "source.cursor.")
        cursor.known("timestamp", "id")
        return Poll(
            url=_url(fields.get("url", str), fields.get("path", str)),
            items=fields.expression("items"),
            timestamp=cursor.expression("timestamp"),
            id=cursor.expression("id"),
            overlap_s=fields.number("overlap_s", 60, 0, 86_400),
            every_s=fields.number("every_s", 2, 0.05, 86_400),
            page_size=int(fields.number("page_size", 100, 1, 10_000)),
        )
    if kind == "webhook":
        fields.known("type", "public_key", "tolerance_s")
        if "public_key" not in fields.value:
            raise _bad("source.public_key", "is missing: without the system's whpk_ key no webhook of it is believed")
        return Webhook(
            public_keys=read_public_keys(fields.get("public_key", str)),
            tolerance_s=int(fields.number("tolerance_s", TOLERANCE_S, 1, 3_600)),
        )
    raise _bad("source.type", f"'{kind}' is no kind of source; there are 'poll' and 'webhook'")


def _url(url: str, path: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise _bad("source.url", "must be http://host[:port] or https://host[:port]")
    if not path.startswith("/") or "?" in path or "#" in path:
        raise _bad("source.path", "must begin with / and hold no query")
    return url.rstrip("/") + path


def _emit(fields: _Fields) -> Emit:
    fields.known("event", "when", "entity", "id", "version", "key", "map")
    map = _Fields(fields.get("map", dict), f"{fields.path}map.")
    for name in METADATA & set(map.value):
        raise _bad(f"{map.path}{name}", "is filled in by treadle")
    return Emit(
        event=fields.get("event", str),
        entity=fields.get("entity", str),
        id=fields.expression("id"),
        version=fields.expression("version"),
        key=fields.expression("key"),
        map={name: map.expression(name) for name in map.value},
        when=fields.expression("when") if "when" in fields.value else None,
    )


def _bad(key: str, why: str) -> InputError:
    return InputError(
        "bad-connector",
        f"{key} {why}",
        "compare it with the connectors of the demo workspace, examples/acme/connectors",
    )
