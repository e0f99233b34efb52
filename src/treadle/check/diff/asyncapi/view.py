"""An AsyncAPI document as two versions of it are compared: 2.0 to 2.6 and 3.x look the same here.

Sources: https://www.asyncapi.com/docs/reference/specification/v2.6.0 and /v3.0.0. What they differ in:

* In 3.x an operation says what the application does. In 2.x a channel says what *others* may do with the application:
  what they `publish` it receives, what they `subscribe` to it sends.
* In 3.x a channel has an address and a name of its own, in 2.x its name is the address.
* A trait never overrides what an object says itself in 3.x; in 2.x it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from treadle.contract.extension import own
from treadle.contract.library import Library, Node, References
from treadle.contract.model import Json
from treadle.contract.problems import Problems

JSON_SCHEMA = "JSON Schema"
_JSON_FORMATS = re.compile(r"application/(?:schema|vnd\.aai\.asyncapi|vnd\.oai\.openapi)(?:[+;]|\Z)", re.IGNORECASE)
_DEFAULT_CONTENT = "application/json"
MERGED = "~merged"
"""Ends the pointer of what is written nowhere as it is: no pointer of a document holds a lone `~`."""
_MERGE_DEPTH_MAX = 16
_TEMPLATE = re.compile(r"\{[^}]*\}")


class Action(StrEnum):
    """What the application does on a channel."""

    SEND = "send"
    RECEIVE = "receive"


_ACTIONS_OF_2 = {"publish": Action.RECEIVE, "subscribe": Action.SEND}


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `names` are what it is known by; `format` is `JSON_SCHEMA`, or the media type of another one."""

    name: str
    names: frozenset[str]
    node: Node
    payload: Node | None
    format: str
    headers: Node | None
    content_type: str
    correlation: Node
    bindings: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the application does with some messages of a channel. `security` is None where nothing is said of it."""

    action: Action
    id: str
    node: Node
    messages: tuple[Message, ...]
    replies: tuple[Message, ...] = ()
    bindings: Mapping[str, Node] = field(default_factory=dict)
    security: tuple[Requirement, ...] | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One way of showing who one is. `scheme` holds what the peer must know of it, in one text."""

    name: str
    scheme: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. `governed`: treadle keeps its events, so producers and subscribers of any version meet in it."""

    address: str
    node: Node
    messages: tuple[Message, ...]
    operations: tuple[Operation, ...]
    parameters: Mapping[str, Node]
    bindings: Mapping[str, Node]
    settings: Mapping[str, Json]
    governed: bool
    deprecated: bool

    @property
    def shape(self) -> str:
        """The address without the names of its parameters, which are not on the wire."""
        return _TEMPLATE.sub("{}", self.address)


@dataclass(frozen=True, slots=True)
class Server:
    """Where peers connect to."""

    name: str
    url: str
    protocol: str
    node: Node
    bindings: Mapping[str, Node]
    security: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Api:
    """One document: its channels in order, and its servers."""

    root: Node
    channels: tuple[Channel, ...]
    servers: tuple[Server, ...]


def read_api(library: Library, file: str, *, governed: bool = False) -> Api:
    """Look at one document. What it lacks or has in a wrong shape is left out: saying so is not ours."""
    return _Reader(library, file, governed=governed).api()


class _Reader:
    def __init__(self, library: Library, file: str, *, governed: bool) -> None:
        self.refs = References(library, Problems())
        self.root = library.root(file)
        version = self.root.child("asyncapi").value
        self.second = isinstance(version, str | int | float) and str(version).startswith("2")
        self.default_content = _text(self.root.child("defaultContentType")) or _DEFAULT_CONTENT
        extension = own(self.root.child("info").value)
        self.governed = governed or bool(extension)
        self.deprecated = extension.get("lifecycle") in ("deprecated", "sunset", "retired")

    def api(self) -> Api:
        operations: dict[tuple[str, str], list[Operation]] = {}
        if not self.second:
            for name, node in self.entries(self.root.child("operations")):
                channel = self.refs.follow(node.child("channel"))
                action = node.child("action").value
                if channel is not None and action in tuple(Action):
                    operations.setdefault(channel.key, []).append(self.operation_of_3(name, node, channel))
        channels = [
            self.channel(name, node, operations.get(node.key, []))
            for name, node in self.entries(self.root.child("channels"))
        ]
        servers = [self.server(name, node) for name, node in self.entries(self.root.child("servers"))]
        return Api(self.root, tuple(channels), tuple(servers))

    def entries(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The members of a mapping, references followed, extensions left out."""
        found = self.refs.follow(node)
        for name in found.value if found is not None and isinstance(found.value, dict) else ():
            member = self.refs.follow(found.child(name)) if found is not None else None
            if member is not None and isinstance(member.value, dict) and not name.startswith("x-"):
                yield name, member

    def items(self, node: Node) -> Iterator[Node]:
        for at in range(len(node.value) if isinstance(node.value, list) else 0):
            item = self.refs.follow(node.child(at))
            if item is not None and isinstance(item.value, dict):
                yield item

    def said(self, node: Node, key: str) -> Node:
        """What an object says under a key, its traits counted in."""
        mine = node.child(key)
        traits = [each for each in self.items(node.child("traits")) if each.child(key).value is not None]
        if not traits or (mine.value is not None and not self.second):
            return mine
        return traits[-1].child(key)

    def channel(self, name: str, node: Node, operations: list[Operation]) -> Channel:
        if self.second:
            address = name
            operations = [
                self.operation_of_2(action, below)
                for key, action in _ACTIONS_OF_2.items()
                if (below := self.refs.follow(node.child(key))) is not None and isinstance(below.value, dict)
            ]
            messages = _distinct(each for operation in operations for each in operation.messages)
        else:
            address = _text(node.child("address")) or name
            messages = tuple(self.message(key, each) for key, each in self.entries(node.child("messages")))
        return Channel(
            address,
            node,
            messages,
            tuple(operations),
            dict(self.entries(node.child("parameters"))),
            dict(self.bindings(node)),
            own(node.value),
            self.governed or bool(own(node.value)),
            self.deprecated or any(node.child(key).value is True for key in ("deprecated", "x-deprecated")),
        )

    def operation_of_2(self, action: Action, node: Node) -> Operation:
        said = self.refs.follow(node.child("message"))
        messages: tuple[Message, ...] = ()
        if said is not None and isinstance(said.child("oneOf").value, list):
            messages = tuple(self.message("", each) for each in self.items(said.child("oneOf")))
        elif said is not None and isinstance(said.value, dict):
            messages = (self.message("", said),)
        return self.operation(_text(node.child("operationId")), action, node, messages)

    def operation_of_3(self, name: str, node: Node, channel: Node) -> Operation:
        listed = node.child("messages")
        found = self.items(listed) if isinstance(listed.value, list) else self.members(channel.child("messages"))
        names = {each.key: key for key, each in self.entries(channel.child("messages"))}
        messages = tuple(self.message(names.get(each.key, ""), each) for each in found)
        replies: tuple[Message, ...] = ()
        reply = self.refs.follow(node.child("reply"))
        if reply is not None and isinstance(reply.value, dict):
            replies = self.replies(reply)
        return self.operation(name, Action(node.child("action").value), node, messages, replies)

    def replies(self, reply: Node) -> tuple[Message, ...]:
        if isinstance(reply.child("messages").value, list):
            return tuple(self.message("", each) for each in self.items(reply.child("messages")))
        channel = self.refs.follow(reply.child("channel"))
        listed = self.entries(channel.child("messages")) if channel is not None else ()
        return tuple(self.message(key, each) for key, each in listed)

    def operation(
        self, id: str, action: Action, node: Node, messages: tuple[Message, ...], replies: tuple[Message, ...] = ()
    ) -> Operation:
        security = self.said(node, "security")
        required = None if security.value is None else tuple(self.requirements(security))
        return Operation(action, id, node, messages, replies, dict(self.bindings(node)), required)

    def members(self, node: Node) -> Iterator[Node]:
        return (each for _, each in self.entries(node))

    def message(self, key: str, node: Node) -> Message:
        names = frozenset(filter(None, (_text(node.child(each)) for each in ("name", "messageId"))))
        payload = self.refs.follow(self.said(node, "payload"))
        format = _text(self.said(node, "schemaFormat"))
        if payload is not None and isinstance(payload.value, dict) and "schemaFormat" in payload.value:
            format, payload = _text(payload.child("schemaFormat")), payload.child("schema")
        headers = self.headers(node)
        return Message(
            _text(node.child("name")) or _text(node.child("messageId")) or key or _text(node.child("title")),
            names | ({key} if key else frozenset()),
            node,
            payload if payload is not None and payload.value is not None else None,
            _format(format),
            headers,
            _media_type(_text(self.said(node, "contentType")) or self.default_content),
            self.refs.follow(self.said(node, "correlationId")) or node.child("correlationId"),
            dict(self.bindings(node)),
        )

    def headers(self, node: Node) -> Node | None:
        """Those of a message and of its traits, merged where several say some."""
        said = [self.refs.follow(each.child("headers")) for each in (node, *self.items(node.child("traits")))]
        found = [
            each.child("schema") if "schemaFormat" in each.value else each
            for each in said
            if each is not None and isinstance(each.value, dict)
        ]
        if len({each.key for each in found}) < 2 or any(each.file != node.file for each in found):
            return found[0] if found else None
        merged: Json = {}
        for each in [*found[1:], found[0]] if not self.second else found:  # the last one wins
            merged = _patched(merged, each.value)
        return Node(node.file, f"{node.pointer}/headers/{MERGED}", merged)

    def bindings(self, node: Node) -> Iterator[tuple[str, Node]]:
        yield from self.entries(self.said(node, "bindings"))

    def server(self, name: str, node: Node) -> Server:
        url = _text(node.child("url"))
        protocol = _text(node.child("protocol")).lower()
        if not self.second:
            url = f"{_text(node.child('host'))}{_text(node.child('pathname'))}"
        return Server(
            name,
            re.sub(r"^[a-z][a-z0-9+.-]*://", "", url),
            protocol,
            node,
            dict(self.bindings(node)),
            tuple(self.requirements(node.child("security"))),
        )

    def requirements(self, node: Node) -> Iterator[Requirement]:
        """Alternatives: any one of them is enough."""
        schemes = self.root.child("components", "securitySchemes")
        for item in self.items(node):
            if not self.second:
                yield _requirement(item, item.child("scopes").value)
                continue
            for name in item.value:
                scheme = self.refs.follow(schemes.child(name))
                if scheme is not None:
                    yield _requirement(scheme, item.value[name], name)


def _requirement(scheme: Node, scopes: Json, name: str = "") -> Requirement:
    what = [f"{key} {scheme.value[key]}" for key in _KNOWN_OF_SCHEMES if key in scheme.value] if scheme.value else []
    listed = frozenset(each for each in scopes if isinstance(each, str)) if isinstance(scopes, list) else frozenset()
    last = scheme.pointer.rpartition("/")[2]
    return Requirement(name or (_text(scheme.child("type")) if last.isdigit() else last), ", ".join(what), listed)


_KNOWN_OF_SCHEMES = ("type", "scheme", "in", "name", "openIdConnectUrl")
"""What a peer must know of a scheme to use it (AsyncAPI, Security Scheme Object)."""


def _patched(value: Json, patch: Json, depth: int = 0) -> Json:
    """JSON Merge Patch without removals (RFC 7396), to a depth beyond which the patch counts as it is."""
    if not isinstance(value, dict) or not isinstance(patch, dict) or depth > _MERGE_DEPTH_MAX:
        return patch
    return {**value, **{key: _patched(value.get(key), each, depth + 1) for key, each in patch.items()}}


def _distinct(messages: Iterator[Message]) -> tuple[Message, ...]:
    return tuple({each.node.key: each for each in messages}.values())


def _text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else ""


def _media_type(text: str) -> str:
    """As two versions compare it: names are the same in any case (RFC 9110 section 8.3.1)."""
    return re.sub(r"\s+", "", text.lower()).removesuffix(";charset=utf-8")


def _format(text: str) -> str:
    if not text or _JSON_FORMATS.match(text):
        return JSON_SCHEMA
    return text.partition(";")[0].strip().lower()
