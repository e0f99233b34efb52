"""Runtime expressions: `$message.header#/correlationId`, and what of a message they point at.

Source: AsyncAPI 3.0, "Runtime Expression": `$message.` then `header#` or `payload#` and a JSON pointer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from treadle.contract.place import Json
from treadle.contract.pointer import tokens

_EXPRESSION = re.compile(r"\$message\.(header|payload)#((?:/(?:[^/~]|~[01])*)*)\Z")


@dataclass(frozen=True, slots=True)
class Expression:
    """`part` is `headers` or `payload` of the message; `steps` lead on from there."""

    part: str
    steps: tuple[str, ...]


def parse_expression(text: str) -> Expression | None:
    """The expression, or None where the text is none."""
    match = _EXPRESSION.match(text)
    return Expression("headers" if match[1] == "header" else "payload", tokens(match[2])) if match else None


def may_hold(schema: Json, steps: tuple[str, ...], rounds: int = 64) -> bool:
    """Whether an instance of `schema` (references written out) can have something at `steps`.

    False only where the schema leaves no doubt: it closes its properties, or lists some and not this one, or is of a
    type without members.
    """
    waiting = [(schema, steps)]
    for _ in range(rounds):
        if not waiting:
            return False
        node, left = waiting.pop()
        if not left or not isinstance(node, dict):
            if node is not False:
                return True
            continue
        if "$ref" in node or any(each in node for each in ("if", "patternProperties", "propertyNames")):
            return True
        branches = [
            each for word in ("allOf", "anyOf", "oneOf") for each in node.get(word) or () if isinstance(each, dict)
        ]
        waiting.extend((each, left) for each in branches)
        below = _member(node, left[0], lonely=not branches)
        if below is not None:
            waiting.append((below, left[1:]))
    return True


def _member(node: dict[str, Json], step: str, *, lonely: bool) -> Json:
    """The schema of one member, True where nothing is said of it, None where there is none."""
    kinds = node.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if kinds else ["object", "array"]
    if "array" in kinds and step.isdecimal():
        items = node.get("items", True)
        return items if isinstance(items, dict | bool) else True
    if "object" not in kinds:
        return None
    properties = node.get("properties")
    if isinstance(properties, dict) and step in properties:
        return properties[step]
    additional = node.get("additionalProperties")
    if additional is not None:
        return additional if additional is not False else None
    return True if lonely and not properties else None
