"""Compares the operations of two versions of an API contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from treadle.check.compat.bodies import PARAMETER, REQUEST, RESPONSE, Pairs, compare_schemas
from treadle.check.compat.edit import Edit, Spot
from treadle.contract.model import Contract, Operation, Parameter
from treadle.contract.pointer import pointer

_JSON = "application/json"


def compare_operations(old: Contract, new: Contract) -> Iterator[Edit]:
    """Every edit between the operations. An operation is known by its method and path."""
    before = {(each.path, each.method): each for each in old.operations}
    after = {(each.path, each.method): each for each in new.operations}
    paths = {each.path for each in new.operations}
    pairs = Pairs()
    for key, operation in before.items():
        if key not in after:
            yield _removed(operation, whole_path=operation.path not in paths)
    for key, operation in after.items():
        if key not in before:
            yield _edit("endpoint-added", operation)
        else:
            yield from _compare(before[key], operation, pairs)


def _removed(operation: Operation, *, whole_path: bool) -> Edit:
    if operation.deprecated:
        return _edit("api-removed-with-deprecation", operation)
    return _edit("api-path-removed-without-deprecation" if whole_path else "api-removed-without-deprecation", operation)


def _compare(old: Operation, new: Operation, pairs: Pairs) -> Iterator[Edit]:
    if old.id != new.id:
        yield _edit("api-operation-id-removed", new, "operationId", old=old.id, new=new.id)
    yield from _compare_security(old, new)
    yield from _compare_parameters(old, new, pairs)
    yield from _compare_requests(old, new, pairs)
    yield from _compare_responses(old, new, pairs)


def _compare_security(old: Operation, new: Operation) -> Iterator[Edit]:
    if old.public != new.public:
        yield _edit("api-security-removed" if new.public else "api-security-added", new, "security")
    for scope in new.scopes:
        if scope not in old.scopes:
            yield _edit("api-security-scope-added", new, "security", name=scope)
    for scope in old.scopes:
        if scope not in new.scopes and not new.public:
            yield _edit("api-security-scope-removed", new, "security", name=scope)


def _compare_parameters(old: Operation, new: Operation, pairs: Pairs) -> Iterator[Edit]:
    before = {_key(each): each for each in old.parameters}
    after = {_key(each): each for each in new.parameters}
    for key, parameter in before.items():
        if key not in after:
            edit = _edit("request-parameter-removed", new, "parameters", **_words(parameter))
            yield replace(edit, old=parameter.place)
    for key, parameter in after.items():
        known = before.get(key)
        if known is None:
            id = "new-required-request-parameter" if parameter.required else "new-optional-request-parameter"
            yield replace(_edit(id, new, "parameters", **_words(parameter)), new=parameter.place)
            continue
        for edit in _compare_parameter(known, parameter, new, pairs):
            yield replace(edit, old=known.place, new=parameter.place)


def _compare_parameter(known: Parameter, parameter: Parameter, new: Operation, pairs: Pairs) -> Iterator[Edit]:
    if known.required != parameter.required:
        id = "request-parameter-became-required" if parameter.required else "request-parameter-became-optional"
        yield _edit(id, new, "parameters", **_words(parameter))
    yield from compare_schemas(
        PARAMETER,
        _schema(known),
        _schema(parameter),
        pairs=pairs,
        old_at="",
        new_at="",
        words={"what": _what(new), **_words(parameter)},
    )


def _words(parameter: Parameter) -> dict[str, str]:
    return {"name": parameter.name, "where": parameter.where}


def _compare_requests(old: Operation, new: Operation, pairs: Pairs) -> Iterator[Edit]:
    at = _pointer(new, "requestBody", "content", _JSON, "schema")
    if old.request is None and new.request is not None:
        if new.request_required:
            yield _edit("request-body-added-required", new, "requestBody")
    elif old.request is not None and new.request is None:
        yield _edit("request-body-removed", new, "requestBody")
    elif old.request is not None:
        if new.request_required and not old.request_required:
            yield _edit("request-body-became-required", new, "requestBody")
        words = {"what": _what(new)}
        yield from compare_schemas(REQUEST, old.request, new.request, pairs=pairs, old_at=at, new_at=at, words=words)


def _compare_responses(old: Operation, new: Operation, pairs: Pairs) -> Iterator[Edit]:
    for status in old.responses:
        if status not in new.responses and status.startswith("2"):
            yield _edit("response-success-status-removed", new, "responses", status, name=status)
    for status, schema in new.responses.items():
        if status not in old.responses:
            if status.startswith("2"):
                yield _edit("response-success-status-added", new, "responses", status, name=status)
            continue
        what = f"the {status} answer of {_what(new)}"
        before = old.responses[status]
        if before is not None and schema is None:
            yield _edit("response-body-removed", new, "responses", status)
        elif before is not None:
            at = _pointer(new, "responses", status, "content", _JSON, "schema")
            yield from compare_schemas(
                RESPONSE, before, schema, pairs=pairs, old_at=at, new_at=at, words={"what": what}
            )


def _key(parameter: Parameter) -> tuple[str, str]:
    """Header names are the same in any case (RFC 9110 section 5.1)."""
    return parameter.where, parameter.name.lower() if parameter.where == "header" else parameter.name


def _schema(parameter: Parameter) -> object:
    return True if parameter.schema is None else parameter.schema


def _what(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _pointer(operation: Operation, *steps: str) -> str:
    return pointer("paths", operation.path, operation.method.lower(), *steps)


def _edit(id: str, operation: Operation, *steps: str, **words: str) -> Edit:
    """An edit of an operation; it stands at the same pointer in both files, or where it stood."""
    spot = Spot(_pointer(operation, *steps))
    return Edit(id, spot, spot, {"what": _what(operation), **words})
