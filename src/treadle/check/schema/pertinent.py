"""Whether the refusal of a body is about one edit, and not about another that both versions differ in too."""

from __future__ import annotations

from typing import Any

from treadle.check.schema.edit import SchemaEdit, Step

_INTO_ANY = frozenset({"patternProperties", "additionalProperties", "items", "prefixItems", "unevaluatedProperties"})
_WHOLE = frozenset({"anyOf", "oneOf", "not", "if", "contains", "propertyNames", "dependentSchemas", "$dynamicRef"})
"""Keywords that refuse a value as a whole, wherever in it the reason lies."""
_ABOUT_PRESENCE = frozenset(
    {"property-added", "property-removed", "became-required", "became-required-with-default", "became-optional"}
)


NOT, NEARLY, QUITE = range(3)


def pertinent(edit: SchemaEdit, error: Any) -> int:
    """How far an error of a validator is about the edit.

    `QUITE` where it names its keyword at its place, `NEARLY` where it stands there, or where something refuses the
    value around it as a whole.
    """
    wanted, found = _instance_path(edit.trail), list(error.instance_path)
    said = str(error.schema_path[-1]) if error.schema_path else ""
    if edit.kind in _ABOUT_PRESENCE and wanted and _matches(found, wanted[:-1]):
        kind = error.kind
        about = str(wanted[-1]) in (getattr(kind, "property", None), *getattr(kind, "unexpected", ()))
        return QUITE if about else NOT
    if _matches(found, wanted):
        return QUITE if said in {each.pointer.rpartition("/")[2] for each in (edit.old, edit.new)} else NEARLY
    above = len(found) < len(wanted) and _matches(found, wanted[: len(found)])
    return NEARLY if above and not _WHOLE.isdisjoint(str(step) for step in error.schema_path) else NOT


def _instance_path(trail: tuple[Step, ...]) -> list[str | None]:
    """The way to a value in steps: the name of a property, or None for any item or any other property."""
    path: list[str | None] = []
    for step in trail:
        if step.keyword == "properties":
            path.append(str(step.new))
        elif step.keyword in _INTO_ANY:
            path.append(None)
        elif step.keyword in {"contains", "propertyNames"}:
            break
    return path


def _matches(found: list[str | int], wanted: list[str | None]) -> bool:
    return len(found) == len(wanted) and all(
        want is None or str(seen) == want for seen, want in zip(found, wanted, strict=True)
    )
