"""How much work a schema can be, told from the schema alone. Pure.

A validator is C code in the middle of the event loop: it cannot be interrupted. So a check runs there only where its
time is bounded by the size of the schema times the size of the body. That is so without recursion, and with it as long
as each value meets each part of the schema once. Everything else is checked in a process of its own, which has a
deadline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from treadle.contract.model import Json

WEIGHT_MAX = 2_000
"""The most subschemas that one value may meet in the event loop."""
ENDLESS = 1 << 30
_ONE_EACH = frozenset({"properties", "items", "prefixItems", "additionalProperties"})
_MANY = frozenset({"allOf", "anyOf", "oneOf"})
_ONE = frozenset(
    {"not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
)
_NAMED = frozenset({"patternProperties", "dependentSchemas"})
_DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})


def weight(schema: Json) -> int:
    """Subschemas that a value can meet, each `$ref` followed. ENDLESS where a recursion may fan out."""
    return min(_Scale(schema).of(schema, ()), ENDLESS)


class _Scale:
    """Weighs the parts of one document, each once."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._known: dict[int, int] = {}
        self._by_id: dict[int, Mapping[str, Any]] = {}

    def of(self, schema: Json, above: tuple[int, ...]) -> int:
        if not isinstance(schema, Mapping):
            return 1
        if id(schema) in self._known:
            return self._known[id(schema)]
        if id(schema) in above:
            # Back to where we were: harmless where every step of the circle goes to one child and does nothing else.
            circle = above[above.index(id(schema)) :]
            return 1 if self._plain(circle) else ENDLESS
        if len(above) > 200 or _DYNAMIC & schema.keys():
            return ENDLESS
        choices = schema.get("enum")
        total = 1 + (len(choices) // 4 if isinstance(choices, list) else 0)
        self._by_id[id(schema)] = schema
        for part in self._parts(schema):
            total = min(total + self.of(part, (*above, id(schema))), ENDLESS)
        self._known[id(schema)] = total
        return total

    def _plain(self, circle: tuple[int, ...]) -> bool:
        return all(self._one_each(self._by_id[each]) for each in circle)

    def _one_each(self, schema: Mapping[str, Any]) -> bool:
        if (_MANY | _ONE | _NAMED) & schema.keys():
            return False
        return "$ref" not in schema or not _ONE_EACH & schema.keys()

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Json]:
        for key, value in schema.items():
            if key == "$ref":
                yield self._target(value)
            elif key in _MANY or key == "prefixItems":
                yield from value if isinstance(value, list) else ()
            elif key in _NAMED or key == "properties":
                yield from value.values() if isinstance(value, Mapping) else ()
            elif key in _ONE or key in {"items", "additionalProperties"}:
                yield value

    def _target(self, ref: Any) -> Json:
        if not isinstance(ref, str) or not ref.startswith("#"):
            return {"$dynamicRef": ref}  # an anchor or another document: not weighed, so not trusted
        at = self._document
        for token in ref[1:].split("/")[1:]:
            step = token.replace("~1", "/").replace("~0", "~")
            if not isinstance(at, Mapping) or step not in at:
                return {"$dynamicRef": ref}
            at = at[step]
        return at
