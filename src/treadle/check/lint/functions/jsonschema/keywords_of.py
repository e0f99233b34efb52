"""The keywords of each draft. Sources: the core, validation and hyper-schema documents of json-schema.org."""

from __future__ import annotations

_ALL = frozenset(
    {
        "$schema", "$ref", "title", "description", "default", "type", "enum", "allOf", "anyOf", "oneOf", "not",
        "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern",
        "items", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "properties",
        "patternProperties", "additionalProperties", "format", "definitions",
    }
)  # fmt: skip
_OLD_ITEMS = frozenset({"additionalItems", "dependencies"})
_SIX = frozenset({"$id", "const", "contains", "propertyNames", "examples"})
_SEVEN = frozenset({"$comment", "if", "then", "else", "readOnly", "writeOnly", "contentMediaType", "contentEncoding"})
_2019 = frozenset(
    {
        "$anchor", "$defs", "$vocabulary", "dependentRequired", "dependentSchemas", "maxContains", "minContains",
        "unevaluatedItems", "unevaluatedProperties", "deprecated", "contentSchema",
    }
)  # fmt: skip
_RECURSIVE = frozenset({"$recursiveRef", "$recursiveAnchor"})
_2020 = frozenset({"prefixItems", "$dynamicRef", "$dynamicAnchor"})

KEYWORDS: dict[str, frozenset[str]] = {
    "4": _ALL | _OLD_ITEMS | {"id"},
    "6": _ALL | _OLD_ITEMS | _SIX,
    "7": _ALL | _OLD_ITEMS | _SIX | _SEVEN,
    "2019-09": _ALL | _OLD_ITEMS | _SIX | _SEVEN | _2019 | _RECURSIVE,
    "2020-12": (_ALL - {"definitions"}) | _SIX | _SEVEN | _2019 | _2020 | {"definitions"},
}
"""Draft -> its keywords. `definitions` and, in 2019-09, `dependencies` and `additionalItems` are still understood."""

ANY = frozenset().union(*KEYWORDS.values())


def drafts_with(keyword: str) -> list[str]:
    """The drafts that have a keyword."""
    return [draft for draft, known in KEYWORDS.items() if keyword in known]
