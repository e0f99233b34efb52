"""Which rules can be mended by a machine, and how: one function a rule, one line in `FIXERS`.

Only what is safe without knowing the service: a reference to a part that the document has already. A fixer gives
insertions; that they mend the rule and change nothing else is checked afterwards (`fix.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from treadle.check.lint.context import Path
from treadle.check.lint.insertion import Insertion
from treadle.contract.place import Json

Fixer = Callable[[Json, Path], Insertion | None]
"""The document, and the path of a result -> what to put in; None where it cannot be mended safely."""

_NOTHING: Mapping[str, Json] = {}


def too_many_requests(data: Json, path: Path) -> Insertion | None:
    """Refer to the response `TooManyRequests` of the document, in front of the first higher status."""
    responses = _mapping(data, *path[:3], "responses")
    ref = _part(data, "responses", "TooManyRequests")
    if ref is None or not _is_operation(path) or "429" in responses:
        return None
    before = next((status for status in responses if status > "429"), "")
    return Insertion((*path[:3], "responses"), {"$ref": ref}, "429", before)


def idempotency_key(data: Json, path: Path) -> Insertion | None:
    """Refer to the parameter `IdempotencyKey` of the document, where callers need not send it.

    A required one would refuse whoever calls today, which is for the owner to decide.
    """
    operation = _mapping(data, *path[:3])
    shared = _mapping(data, "components", "parameters", "IdempotencyKey")
    if not _is_operation(path) or not operation or not shared or "$ref" in shared or shared.get("required") is True:
        return None
    ref = "#/components/parameters/IdempotencyKey"
    if isinstance(operation.get("parameters"), list) and operation["parameters"]:
        return Insertion((*path[:3], "parameters"), {"$ref": ref})
    if "parameters" in operation:
        return None
    before = next((key for key in ("requestBody", "responses") if key in operation), "")
    return Insertion(path[:3], [{"$ref": ref}], "parameters", before)


FIXERS: Mapping[str, Fixer] = {
    "too-many-requests": too_many_requests,
    "idempotency-key": idempotency_key,
}
"""Rules by id. Keys that are no text (`200:`) are quoted besides, in whatever document."""


def _is_operation(path: Path) -> bool:
    """Whether a path leads into an operation that is written in the document itself."""
    return len(path) >= 3 and path[0] == "paths"


def _mapping(data: Json, *path: str | int) -> Mapping[str, Json]:
    """The mapping at a path; an empty one where there is none. References are not followed."""
    node = data
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else _NOTHING


def _part(data: Json, kind: str, name: str) -> str | None:
    """How to refer to a shared part: the document's own, or one in another file that it refers to already."""
    if name in _mapping(data, "components", kind):
        return f"#/components/{kind}/{name}"
    return next((ref for ref in _references(data) if ref.endswith(f"#/{kind}/{name}")), None)


def _references(data: Json) -> Iterator[str]:
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
