"""The two messages of delta discovery (envoy.service.discovery.v3), in the words of the engine's own schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from treadle.gateway.ads.catalog import KINDS, TYPES, Resource
from treadle.gateway.envoy.snapshot import Moving
from treadle.gateway.schema import Schema

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"
FLEET = "treadle.Fleet"
JOIN = "Join"
"""Our own method beside it: JSON in, the JSON of a bootstrap out."""
RULES = "Rules"
"""Another: `{"have": digest, "wait_s": seconds}` in, the guard hop's table out; empty where that is what one has."""
FACTS = "Facts"
"""A third: what happened at a node, in lines; the place up to which it is stored comes back."""
NAMES_MAX = 10_000
WORDS_MAX = 8_192
"""Of an engine's words so many characters are kept."""
_INVALID_ARGUMENT = 3
_QUOTED, _QUOTED_WITHIN = "goo.gle/debug", 256
"""How protobuf begins a message as text."""


class ProtocolError(Exception):
    """What the other side sent is no delta discovery. The stream ends."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a node says: what it wants, what it has already, and how it took the response `nonce`.

    `words` are the engine's reason where it refused that response, and empty where it took it.
    """

    kind: Moving
    node: str = ""
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    have: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server says: resources put in or replaced, and names that are gone."""

    kind: Moving
    nonce: str
    put: tuple[Resource, ...] = ()
    gone: tuple[str, ...] = ()


class Wire:
    """Both messages to bytes and back."""

    def __init__(self, schema: Schema) -> None:
        """`schema`: of the engine that is spoken to."""
        self._request = schema.message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
        self._response = schema.message("envoy.service.discovery.v3.DeltaDiscoveryResponse")
        self._entry = schema.message("envoy.service.discovery.v3.Resource")
        self._tag = bytes([self._response.DESCRIPTOR.fields_by_name["resources"].number << 3 | 2])

    def read_request(self, data: bytes) -> Request:
        """Raises ProtocolError."""
        told = self._parsed(self._request, data)
        kind = _kind(told.type_url)
        names = [*told.resource_names_subscribe, *told.resource_names_unsubscribe, *told.initial_resource_versions]
        if len(names) > NAMES_MAX:
            raise ProtocolError(f"more than {NAMES_MAX} names in one request")
        refused = told.HasField("error_detail")
        words = _reason(told.error_detail.message)
        return Request(
            kind,
            told.node.id,
            tuple(told.resource_names_subscribe),
            tuple(told.resource_names_unsubscribe),
            dict(told.initial_resource_versions),
            told.response_nonce,
            words if refused else "",
        )

    def write_request(self, request: Request) -> bytes:
        """The bytes of a request."""
        told = self._request(
            type_url=TYPES[request.kind],
            resource_names_subscribe=request.subscribe,
            resource_names_unsubscribe=request.unsubscribe,
            initial_resource_versions=request.have,
            response_nonce=request.nonce,
        )
        if request.node:
            told.node.id = request.node
        if request.words:
            told.error_detail.code = _INVALID_ARGUMENT
            told.error_detail.message = request.words
        data: bytes = told.SerializeToString()
        return data

    def read_response(self, data: bytes) -> Response:
        """Raises ProtocolError."""
        told = self._parsed(self._response, data)
        put = tuple(Resource(each.name, each.version, each.SerializeToString()) for each in told.resources)
        return Response(_kind(told.type_url), told.nonce, put, tuple(told.removed_resources))

    def write_response(self, response: Response) -> bytes:
        """The bytes of a response. Resources are joined in as they are: of a message, pieces are a message."""
        head = self._response(
            type_url=TYPES[response.kind], nonce=response.nonce, removed_resources=response.gone
        ).SerializeToString()
        parts = [head]
        for each in response.put:
            parts += [self._tag, _length(len(each.entry)), each.entry]
        return b"".join(parts)

    def read_resource(self, entry: bytes) -> Resource:
        """A resource that was kept. Raises ProtocolError."""
        told = self._parsed(self._entry, entry)
        return Resource(told.name, told.version, entry)

    @staticmethod
    def _parsed(kind: Any, data: bytes) -> Any:
        from google.protobuf.message import DecodeError

        try:
            return kind.FromString(data)
        except DecodeError:
            raise ProtocolError("no message of delta discovery") from None


def _kind(type_url: str) -> Moving:
    try:
        return KINDS[type_url]
    except KeyError:
        raise ProtocolError(f"no such kind of resource here: {type_url[:200]!r}") from None


def _reason(words: str) -> str:
    """An engine's words without the resource that it may quote before them, which we know and which can be long."""
    if _QUOTED in words[:_QUOTED_WITHIN]:
        _, end, why = words.rpartition("\n: ")
        words = why if end else "it does not keep to the engine's rules for its fields; the engine's log says which"
    return words.strip()[:WORDS_MAX] or "it gave no reason"


def _length(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
