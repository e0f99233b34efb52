"""Compares the operations of two versions of an API contract."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from treadle.check.compat.bodies import Pairs, compare_schemas
from treadle.check.compat.edit import Edit, Spot
from treadle.check.compat.flow import PARAMETER, REQUEST, RESPONSE, RESPONSE_HEADER, Flow
from treadle.contract.model import Content, Contract, Operation, Parameter
from treadle.contract.pointer import pointer

_PARAMETER = re.compile(r"\{([^}]*)\}")


def compare_operations(old: Contract, new: Contract) -> Iterator[Edit]:
    """Every edit between the operations.

    An operation is known by its method and the shape of its path: the names of path parameters are not on the wire.
    """
    twins = _twins(old.operations, new.operations)
    routes = {each.route for each in new.operations}
    pairs = Pairs()
    kept = {id(twin) for twin in twins if twin}
    for operation, twin in zip(old.operations, twins, strict=True):
        if twin is None:
            yield _removed(operation, whole_path=operation.route not in routes)
    for operation, twin in zip(old.operations, twins, strict=True):
        if twin is not None:
            yield from _Pair(operation, twin, pairs).edits()
    for operation in new.operations:
        if id(operation) not in kept:
            yield _edit("endpoint-added", operation)


def _twins(old: Collection[Operation], new: Collection[Operation]) -> list[Operation | None]:
    """For each old operation the new one that answers its calls: the same path, else the same shape of one."""
    exact = {(each.method, each.path): each for each in new}
    taken = {(each.method, each.path) for each in old} & exact.keys()
    left = {(each.method, each.route): each for each in new if (each.method, each.path) not in taken}
    return [exact.get((each.method, each.path)) or left.pop((each.method, each.route), None) for each in old]


def _removed(operation: Operation, *, whole_path: bool) -> Edit:
    if operation.deprecated:
        return _edit("api-removed-with-deprecation", operation)
    return _edit("api-path-removed-without-deprecation" if whole_path else "api-removed-without-deprecation", operation)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One operation in both versions."""

    old: Operation
    new: Operation
    pairs: Pairs

    def edits(self) -> Iterator[Edit]:
        if self.old.id != self.new.id:
            yield self._edit("api-operation-id-removed", "operationId", old=self.old.id, new=self.new.id)
        yield from self._security()
        yield from self._parameters()
        yield from self._requests()
        yield from self._responses()

    def _security(self) -> Iterator[Edit]:
        old, new = self.old, self.new
        if old.public != new.public:
            yield self._edit("api-security-removed" if new.public else "api-security-added", "security")
        for scope in new.scopes:
            if scope not in old.scopes:
                yield self._edit("api-security-scope-added", "security", name=scope)
        for scope in old.scopes:
            if scope not in new.scopes and not new.public:
                yield self._edit("api-security-scope-removed", "security", name=scope)

    def _parameters(self) -> Iterator[Edit]:
        before, after = _by_key(self.old), _by_key(self.new)
        for key, parameter in before.items():
            if key not in after:
                edit = self._edit("request-parameter-removed", "parameters", **_words(parameter))
                yield replace(edit, old=parameter.place)
        for key, parameter in after.items():
            known = before.get(key)
            if known is None:
                id = "new-required-request-parameter" if parameter.required else "new-optional-request-parameter"
                yield replace(self._edit(id, "parameters", **_words(parameter)), new=parameter.place)
                continue
            for edit in self._parameter(known, parameter):
                yield replace(edit, old=known.place, new=parameter.place)

    def _parameter(self, known: Parameter, parameter: Parameter) -> Iterator[Edit]:
        words = _words(parameter)
        if known.where == "path" and known.name != parameter.name:
            yield self._edit("request-parameter-renamed", "parameters", **words, old=known.name)
        if known.required != parameter.required:
            id = "request-parameter-became-required" if parameter.required else "request-parameter-became-optional"
            yield self._edit(id, "parameters", **words)
        yield from self._schemas(PARAMETER, known.schema, parameter.schema, words=words)

    def _requests(self) -> Iterator[Edit]:
        old, new = self.old, self.new
        if not old.request_content and new.request_content:
            if new.request_required:
                yield self._edit("request-body-added-required", "requestBody")
        elif old.request_content and not new.request_content:
            yield self._edit("request-body-removed", "requestBody")
        elif old.request_content:
            if new.request_required and not old.request_required:
                yield self._edit("request-body-became-required", "requestBody")
            at = ("requestBody", "content")
            yield from self._content(REQUEST, old.request_content, new.request_content, at, _what(new))

    def _responses(self) -> Iterator[Edit]:
        old, new = self.old, self.new
        for status in old.responses:
            if status not in new.responses and status.startswith("2"):
                yield self._edit("response-success-status-removed", "responses", status, name=status)
        for status in new.responses:
            if status not in old.responses:
                if status.startswith("2"):
                    yield self._edit("response-success-status-added", "responses", status, name=status)
                continue
            what = f"the {status} answer of {_what(new)}"
            before, after = old.response_content.get(status, {}), new.response_content.get(status, {})
            if before and not after:
                yield self._edit("response-body-removed", "responses", status)
            else:
                yield from self._content(RESPONSE, before, after, ("responses", status, "content"), what)
            yield from self._headers(status, what)

    def _content(
        self, flow: Flow, before: Mapping[str, Content], after: Mapping[str, Content], at: tuple[str, ...], what: str
    ) -> Iterator[Edit]:
        side = "request-body" if flow.written else "response"
        for media, content in before.items():
            found = _taken(media, after) if flow.written else _sent(media, after)
            if found is None:
                yield self._edit(f"{side}-media-type-removed", *at, name=media, what=what)
                continue
            yield from self._schemas(
                flow,
                content.schema,
                after[found].schema,
                at=(f"{content.pointer}/schema", f"{after[found].pointer}/schema"),
                words={"what": what},
            )
        for media in after:
            if before and media not in before:
                yield self._edit(f"{side}-media-type-added", *at, name=media, what=what)

    def _headers(self, status: str, what: str) -> Iterator[Edit]:
        before = {each.name.lower(): each for each in self.old.response_headers.get(status, ())}
        after = {each.name.lower(): each for each in self.new.response_headers.get(status, ())}
        at = ("responses", status, "headers")
        for key, header in before.items():
            if key not in after:
                id = "required-response-header-removed" if header.required else "optional-response-header-removed"
                yield replace(self._edit(id, *at, name=header.name, what=what), old=header.place)
        for key, header in after.items():
            known = before.get(key)
            if known is None:
                yield replace(self._edit("response-header-added", *at, name=header.name, what=what), new=header.place)
                continue
            for edit in self._header(known, header, {"name": header.name, "what": what}):
                yield replace(edit, old=known.place, new=header.place)

    def _header(self, known: Parameter, header: Parameter, words: Mapping[str, str]) -> Iterator[Edit]:
        if known.required and not header.required:
            yield self._edit("response-header-became-optional", "responses", **words)
        yield from self._schemas(RESPONSE_HEADER, known.schema, header.schema, words=words)

    def _schemas(
        self, flow: Flow, old: object, new: object, *, words: Mapping[str, str], at: tuple[str, str] = ("", "")
    ) -> Iterator[Edit]:
        """What has no schema may be anything."""
        before, after = (True if each is None else each for each in (old, new))
        words = {"what": _what(self.new), **words}
        yield from compare_schemas(flow, before, after, pairs=self.pairs, old_at=at[0], new_at=at[1], words=words)

    def _edit(self, id: str, /, *steps: str, **words: str) -> Edit:
        """An edit of the operation; what it names stands at the same steps in both, or stood there."""
        was, now = Spot(_pointer(self.old, *steps)), Spot(_pointer(self.new, *steps))
        return Edit(id, was, now, {"what": _what(self.new), **words})


def _by_key(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """Parameters by what tells them apart on the wire.

    A path parameter is its position; header names are the same in any case (RFC 9110 section 5.1).
    """
    names = _PARAMETER.findall(operation.path)
    found: dict[tuple[str, str], Parameter] = {}
    for each in operation.parameters:
        name = each.name
        if each.where == "path" and name in names:
            name = str(names.index(name))
        found[each.where, name.lower() if each.where == "header" else name] = each
    return found


def _taken(media: str, content: Mapping[str, Content]) -> str | None:
    """The media type, or the range of them (`text/*`), that takes bodies of a media type."""
    ranges = (media, f"{media.partition('/')[0]}/*", "*/*")
    return next((each for each in ranges if each in content), None)


def _sent(media: str, content: Mapping[str, Content]) -> str | None:
    """The media type that a caller gets who reads a media type, or a range of them."""
    return media if media in content else next((each for each in content if _taken(each, {media: content[each]})), None)


def _words(parameter: Parameter) -> dict[str, str]:
    return {"name": parameter.name, "where": parameter.where}


def _what(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _pointer(operation: Operation, *steps: str) -> str:
    return pointer("paths", operation.path, operation.method.lower(), *steps)


def _edit(id: str, operation: Operation) -> Edit:
    """An edit of an operation that only one version has; it stands at the same pointer in both, or would."""
    spot = Spot(_pointer(operation))
    return Edit(id, spot, spot, {"what": _what(operation)})
