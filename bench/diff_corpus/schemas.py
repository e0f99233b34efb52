"""Pairs of schemas, each of which differs in one keyword; both ways round they cover every kind of edit."""

from __future__ import annotations

_OBJECT = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
_CAT = {"type": "object", "properties": {"kind": {"type": "string"}, "lives": {"type": "integer"}}}
_DOG = {"type": "object", "properties": {"kind": {"type": "string"}, "barks": {"type": "boolean"}}}
_BIRD = {"type": "object", "properties": {"kind": {"type": "string"}, "wings": {"type": "integer"}}}


def _with(schema, **keywords):
    return {
        **schema,
        **{name.replace("_", "$", 1) if name.startswith("_") else name: each for name, each in keywords.items()},
    }


def _bound(kind, keyword, low, high, base):
    yield f"{kind}-set", base, {**base, keyword: low}
    yield f"{kind}-raised", {**base, keyword: low}, {**base, keyword: high}


_NUMBER, _TEXT = {"type": "integer"}, {"type": "string"}
_ITEMS, _CONTAINS = {"type": "array", "items": {"type": "string"}}, {"type": "array", "contains": {"const": 1}}


def _bounds():
    yield from _bound("max", "maximum", 10, 20, _NUMBER)
    yield from _bound("min", "minimum", 1, 2, _NUMBER)
    yield from _bound("exclusive-max", "exclusiveMaximum", 10, 20, _NUMBER)
    yield from _bound("exclusive-min", "exclusiveMinimum", 1, 2, _NUMBER)
    yield from _bound("multiple-of", "multipleOf", 2, 4, _NUMBER)
    yield "multiple-of-changed", {**_NUMBER, "multipleOf": 4}, {**_NUMBER, "multipleOf": 6}
    yield from _bound("max-length", "maxLength", 10, 20, _TEXT)
    yield from _bound("min-length", "minLength", 1, 2, _TEXT)
    yield from _bound("max-items", "maxItems", 10, 20, _ITEMS)
    yield from _bound("min-items", "minItems", 1, 2, _ITEMS)
    yield from _bound("max-properties", "maxProperties", 10, 20, _OBJECT)
    yield from _bound("min-properties", "minProperties", 1, 2, _OBJECT)
    yield from _bound("max-contains", "maxContains", 3, 4, _CONTAINS)
    yield from _bound("min-contains", "minContains", 2, 3, _CONTAINS)


def _types():
    yield "type", _TEXT, _NUMBER
    yield "type-number", _NUMBER, {"type": "number"}
    yield "type-any", _TEXT, {}
    yield "type-list", {"type": ["string", "integer"]}, {"type": ["string", "integer", "boolean"]}
    yield "type-object", _OBJECT, _TEXT
    yield "format", {**_TEXT, "format": "date"}, {**_TEXT, "format": "date-time"}
    yield "format-added", _TEXT, {**_TEXT, "format": "uuid"}
    yield "nullable", _TEXT, {"type": ["string", "null"]}
    yield "nullable-wrapped", _OBJECT, {"oneOf": [{"type": "null"}, _OBJECT]}
    yield "false", _TEXT, False


def _values():
    yield "enum-value", {**_TEXT, "enum": ["a"]}, {**_TEXT, "enum": ["a", "b"]}
    yield "enum", _TEXT, {**_TEXT, "enum": ["a", "b"]}
    yield "const", _TEXT, {**_TEXT, "const": "a"}
    yield "const-changed", {**_TEXT, "const": "a"}, {**_TEXT, "const": "b"}
    yield "default", _TEXT, {**_TEXT, "default": "a"}
    yield "default-changed", {**_TEXT, "default": "a"}, {**_TEXT, "default": "b"}
    yield "x-extensible-enum", {**_TEXT, "x-extensible-enum": ["a"]}, {**_TEXT, "x-extensible-enum": ["a", "b"]}


def _text():
    yield "pattern", _TEXT, {**_TEXT, "pattern": "^a+$"}
    yield "pattern-changed", {**_TEXT, "pattern": "^a+$"}, {**_TEXT, "pattern": "^b+$"}
    yield "pattern-any", {**_TEXT, "pattern": "^a+$"}, {**_TEXT, "pattern": ".*"}
    yield "content-media-type", {**_TEXT, "contentMediaType": "text/html"}, {**_TEXT, "contentMediaType": "text/csv"}
    yield "content-encoding", {**_TEXT, "contentEncoding": "base64"}, {**_TEXT, "contentEncoding": "base32"}
    embedded = {**_TEXT, "contentMediaType": "application/json"}
    yield "content-schema", embedded, {**embedded, "contentSchema": {"type": "object"}}


def _lists():
    yield "unique-items", _ITEMS, {**_ITEMS, "uniqueItems": True}
    yield "contains", {"type": "array"}, _CONTAINS
    yield "prefix-items", {"type": "array", "items": False}, {"type": "array", "items": False, "prefixItems": [_TEXT]}
    yield "prefix-items-open", {"type": "array"}, {"type": "array", "prefixItems": [_TEXT]}
    yield "items", {"type": "array"}, _ITEMS
    yield "items-type", _ITEMS, {"type": "array", "items": {"type": "integer"}}
    several = {"type": "array", "contains": {"const": 1}, "maxContains": 2}
    yield "contains-changed", several, {**several, "contains": {"const": 2}}
    yield "unevaluated-items", {"type": "array"}, {"type": "array", "unevaluatedItems": _TEXT}
    yield "unevaluated-items-none", {"type": "array"}, {"type": "array", "unevaluatedItems": False}


def _objects():
    yield "property", {"type": "object", "properties": {"a": _TEXT}}, _OBJECT
    yield "property-required", {"type": "object", "properties": {"a": _TEXT}}, {**_OBJECT, "required": ["b"]}
    defaulted = {"type": "object", "properties": {"a": _TEXT, "b": {"type": "integer", "default": 1}}}
    yield "property-required-default", {"type": "object", "properties": {"a": _TEXT}}, {**defaulted, "required": ["b"]}
    yield "required", _OBJECT, {**_OBJECT, "required": ["a"]}
    yield "required-default", defaulted, {**defaulted, "required": ["b"]}
    yield "additional-properties", _OBJECT, {**_OBJECT, "additionalProperties": False}
    typed = {**_OBJECT, "additionalProperties": {"type": "string"}}
    yield "additional-properties-type", typed, {**_OBJECT, "additionalProperties": {"type": "integer"}}
    yield "pattern-property", _OBJECT, {**_OBJECT, "patternProperties": {"^x": {"type": "integer"}}}
    yield "property-names", _OBJECT, {**_OBJECT, "propertyNames": {"maxLength": 3}}
    yield "unevaluated-properties", _OBJECT, {**_OBJECT, "unevaluatedProperties": _TEXT}
    yield "unevaluated-properties-none", _OBJECT, {**_OBJECT, "unevaluatedProperties": False}
    yield "dependent-required", _OBJECT, {**_OBJECT, "dependentRequired": {"a": ["b"]}}
    wide = {"type": "object", "properties": {"a": _TEXT, "b": _TEXT, "c": _TEXT}}
    yield (
        "dependent-required-changed",
        {**wide, "dependentRequired": {"a": ["b"]}},
        {**wide, "dependentRequired": {"a": ["c"]}},
    )
    yield "dependent-schema", _OBJECT, {**_OBJECT, "dependentSchemas": {"a": {"required": ["b"]}}}


def _alternatives():
    yield "all-of", {"allOf": [_CAT]}, {"allOf": [_CAT, {"required": ["lives"]}]}
    yield "all-of-words", {"allOf": [_CAT]}, {"allOf": [_CAT, {"description": "a cat"}], "minProperties": 1}
    yield "any-of", {"anyOf": [_CAT, _DOG]}, {"anyOf": [_CAT, _DOG, _BIRD]}
    yield "one-of", {"oneOf": [_CAT, _DOG]}, {"oneOf": [_CAT, _DOG, _BIRD]}
    yield "any-of-types", {"anyOf": [_TEXT, _NUMBER]}, {"anyOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
    yield "one-of-types", {"oneOf": [_TEXT, _NUMBER]}, {"oneOf": [_TEXT, _NUMBER, {"type": "boolean"}]}
    yield "wrapped-in-one-of", _CAT, {"oneOf": [_DOG, _BIRD]}
    yield "wrapped-in-one-of-kept", _CAT, {"oneOf": [_CAT, _BIRD]}
    yield "not", _TEXT, {**_TEXT, "not": {"const": "a"}}
    condition = {"properties": {"a": {"const": "x"}}, "required": ["a"]}
    yield "not-changed", {**_TEXT, "not": {"const": "a"}}, {**_TEXT, "not": {"const": "b"}}
    if_a, if_b = ({"properties": {name: {"const": 1}}, "required": [name]} for name in ("a", "b"))
    yield "if-changed", {**_OBJECT, "if": if_a, "then": False}, {**_OBJECT, "if": if_b, "then": False}
    left = {
        **_OBJECT,
        "unevaluatedProperties": _NUMBER,
        "anyOf": [{"properties": {"c": {}}}, {"properties": {"d": {}}}],
    }
    yield "unevaluated-changed", left, {**left, "unevaluatedProperties": _TEXT}
    one, other = ({"patternProperties": {f"^{name}": _TEXT}, "additionalProperties": _NUMBER} for name in "xy")
    flags = {**other, "additionalProperties": {"type": "boolean"}}
    yield "several-rests", {"type": "object", "allOf": [one, other]}, {"type": "object", "allOf": [one, flags]}
    yield "if", _OBJECT, {**_OBJECT, "if": condition, "then": {"required": ["b"]}}
    yield "then", {**_OBJECT, "if": condition}, {**_OBJECT, "if": condition, "then": {"required": ["b"]}}
    yield "else", {**_OBJECT, "if": condition}, {**_OBJECT, "if": condition, "else": {"required": ["b"]}}
    several = {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]}
    told = {**several, "discriminator": {"propertyName": "kind", "mapping": {"c": "#/components/schemas/Cat"}}}
    both = {"c": "#/components/schemas/Cat", "d": "#/components/schemas/Dog"}
    yield "discriminator", several, told
    yield "discriminator-name", told, {**told, "discriminator": {**told["discriminator"], "propertyName": "sort"}}
    yield "discriminator-mapping", told, {**told, "discriminator": {"propertyName": "kind", "mapping": both}}
    swapped = {"c": "#/components/schemas/Dog"}
    yield "discriminator-mapped", told, {**told, "discriminator": {"propertyName": "kind", "mapping": swapped}}


def _properties():
    """Edits that only a property can have. Each is (name, old, new) of an object with the property `p`."""
    text = {"type": "string"}

    def holder(schema, *, required=False):
        return {"type": "object", "properties": {"p": schema}, **({"required": ["p"]} if required else {})}

    for need in (False, True):
        for mark in ("readOnly", "writeOnly"):
            name = f"{mark}-{'required' if need else 'optional'}"
            yield name, holder(text, required=need), holder({**text, mark: True}, required=need)
            marked = {**text, mark: True}
            gone = {"type": "object", "properties": {"q": text}}
            kept = {"type": "object", "properties": {"q": text, "p": marked}, **({"required": ["p"]} if need else {})}
            yield f"{name}-property", gone, kept
    for mark in ("readOnly", "writeOnly"):
        marked = {**text, mark: True}
        yield f"{mark}-became-required", holder(marked), holder(marked, required=True)
        yield f"{mark}-enum", holder({**marked, "enum": ["a"]}), holder({**marked, "enum": ["a", "b"]})
        number = {"type": "integer", mark: True}
        yield f"{mark}-max", holder({**number, "maximum": 1}), holder({**number, "maximum": 2})
        yield f"{mark}-min", holder({**number, "minimum": 1}), holder({**number, "minimum": 2})
    for keyword, base, low, high in (
        ("exclusiveMaximum", {"type": "integer"}, 1, 2),
        ("exclusiveMinimum", {"type": "integer"}, 1, 2),
        ("maxLength", text, 1, 2),
        ("maxItems", {"type": "array"}, 1, 2),
        ("maxProperties", {"type": "object"}, 1, 2),
    ):
        secret = {**base, "readOnly": True}
        yield f"readOnly-{keyword}", holder({**secret, keyword: low}), holder({**secret, keyword: high})
    yield "deprecated", holder(text), holder({**text, "deprecated": True})
    yield "deprecated-sunset", holder(text), holder({**text, "deprecated": True, "x-sunset": "2999-01-01"})
    yield "deprecated-invalid", holder(text), holder({**text, "deprecated": True, "x-sunset": "soon"})
    yield "deprecated-soon", holder(text), holder({**text, "deprecated": True, "x-sunset": "2020-01-01"})
    yield "stability", holder({**text, "x-stability-level": "beta"}), holder({**text, "x-stability-level": "stable"})
    yield "stability-invalid", holder(text), holder({**text, "x-stability-level": "solid"})
    kept = {"type": "object", "properties": {"q": text}}
    for need in (False, True):
        for name, extra in (("", {}), ("-later", {"x-sunset": "2999-01-01"}), ("-past", {"x-sunset": "2020-01-01"})):
            old = {"type": "object", "properties": {"q": text, "p": {**text, "deprecated": True, **extra}}}
            yield (
                f"deprecated-{'required' if need else 'optional'}-removed{name}",
                {**old, **({"required": ["p"]} if need else {})},
                kept,
            )


SCHEMAS = (*_bounds(), *_types(), *_values(), *_text(), *_lists(), *_objects(), *_alternatives())
PROPERTIES = tuple(_properties())
CAT, DOG, BIRD = _CAT, _DOG, _BIRD
