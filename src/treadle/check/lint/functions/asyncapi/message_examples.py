"""AsyncAPI 2: the examples of a message are valid by its payload and headers, its traits applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.check.lint.context import Check, Complaint, Context
from treadle.check.lint.functions.asyncapi.values import judged
from treadle.contract.place import Json


def make(options: Mapping[str, Any]) -> Check:  # noqa: ARG001 - it has none
    """The value is a message or a message trait."""
    return check


def check(value: Json, context: Context) -> Iterator[Complaint]:
    """A message whose `name` or `summary` is no text is left alone."""
    message = context.subject.inlined(value)
    if not isinstance(message, dict) or not all(isinstance(message.get(key, ""), str) for key in ("name", "summary")):
        return
    message = with_traits(message)
    examples = message.get("examples")
    for at, example in enumerate(examples if isinstance(examples, list) else ()):
        for part in ("payload", "headers"):
            if isinstance(example, dict) and part in example:
                path = (*context.path, "examples", at, part)
                yield from judged(example[part], message.get(part, {}), path)


def with_traits(message: dict[str, Json]) -> dict[str, Json]:
    """A message after its traits: each is laid over it in turn (AsyncAPI 2: JSON Merge Patch, RFC 7386)."""
    traits = message.get("traits")
    merged = dict(message)
    for trait in traits if isinstance(traits, list) else ():
        for key, patch in trait.items() if isinstance(trait, dict) else ():
            merged[key] = _merged(merged.get(key), patch)
    return merged


def _merged(origin: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    result = dict(origin) if isinstance(origin, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
