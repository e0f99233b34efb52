"""The schemas that the examples of a document are judged by, found in one walk, so that they are compiled together."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.check.lint.context import Subject
from treadle.check.lint.functions.oas.author_schemas import Use
from treadle.contract.place import Json

_EXAMPLES = frozenset({"example", "examples"})
_VALUES = frozenset({"example", "default", "x-example"})
_USES = {"requestBody": Use.REQUEST, "responses": Use.RESPONSE, "requestBodies": Use.REQUEST}


def wanted_schemas(subject: Subject) -> Iterator[tuple[Json, Use]]:
    """Each schema with an example or default in it or beside it, and what the schema is used for there.

    A guess: one too many costs a little time, and one too few is compiled by itself when it is needed.
    """
    document = subject.data
    if not isinstance(document, dict):
        return
    for key, part in document.items():
        if key not in ("paths", "components", "responses"):
            yield from _of(part, subject, Use.ANY)
    responses = document.get("responses")
    yield from _of(responses, subject, Use.RESPONSE)
    components = document.get("components")
    for kind, part in components.items() if isinstance(components, dict) else ():
        yield from _of(part, subject, _USES.get(kind, Use.ANY))
    paths = document.get("paths")
    for item in paths.values() if isinstance(paths, dict) else ():
        for operation in item.values() if isinstance(item, dict) else ():
            for kind, part in operation.items() if isinstance(operation, dict) else ():
                yield from _of(part, subject, _USES.get(kind, Use.ANY))


def _of(part: Json, subject: Subject, use: Use) -> Iterator[tuple[Json, Use]]:
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if not _EXAMPLES.isdisjoint(node) and isinstance(node.get("schema"), dict):
                yield subject.inlined(node["schema"]), use
            if "type" in node and not _VALUES.isdisjoint(node):
                yield subject.inlined(node), Use.ANY
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
