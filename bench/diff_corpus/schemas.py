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


def _pairs():
    number, text = {"type": "integer"}, {"type": "string"}
    items, contains = {"type": "array", "items": {"type": "string"}}, {"type": "array", "contains": {"const": 1}}
    yield from _bound("max", "maximum", 10, 20, number)
    yield from _bound("min", "minimum", 1, 2, number)
    yield from _bound("exclusive-max", "exclusiveMaximum", 10, 20, number)
    yield from _bound("exclusive-min", "exclusiveMinimum", 1, 2, number)
    yield from _bound("multiple-of", "multipleOf", 2, 4, number)
    yield "multiple-of-changed", {**number, "multipleOf": 4}, {**number, "multipleOf": 6}
    yield from _bound("max-length", "maxLength", 10, 20, text)
    yield from _bound("min-length", "minLength", 1, 2, text)
    yield from _bound("max-items", "maxItems", 10, 20, items)
    yield from _bound("min-items", "minItems", 1, 2, items)
    yield from _bound("max-properties", "maxProperties", 10, 20, _OBJECT)
    yield from _bound("min-properties", "minProperties", 1, 2, _OBJECT)
    yield from _bound("max-contains", "maxContains", 3, 4, contains)
    yield from _bound("min-contains", "minContains", 2, 3, contains)
    # Types
    yield "type", text, number
    yield "type-number", number, {"type": "number"}
    yield "type-any", text, {}
    yield "type-list", {"type": ["string", "integer"]}, {"type": ["string", "integer", "boolean"]}
    yield "type-object", _OBJECT, text
    yield "format", {**text, "format": "date"}, {**text, "format": "date-time"}
    yield "format-added", text, {**text, "format": "uuid"}
    yield "nullable", text, {"type": ["string", "null"]}
    yield "nullable-wrapped", _OBJECT, {"oneOf": [{"type": "null"}, _OBJECT]}
    yield "false", text, False
    # Values
    yield "enum-value", {**text, "enum": ["a"]}, {**text, "enum": ["a", "b"]}
    yield "enum", text, {**text, "enum": ["a", "b"]}
    yield "const", text, {**text, "const": "a"}
    yield "const-changed", {**text, "const": "a"}, {**text, "const": "b"}
    yield "default", text, {**text, "default": "a"}
    yield "default-changed", {**text, "default": "a"}, {**text, "default": "b"}
    yield "x-extensible-enum", {**text, "x-extensible-enum": ["a"]}, {**text, "x-extensible-enum": ["a", "b"]}
    # Text
    yield "pattern", text, {**text, "pattern": "^a+$"}
    yield "pattern-changed", {**text, "pattern": "^a+$"}, {**text, "pattern": "^b+$"}
    yield "pattern-any", {**text, "pattern": "^a+$"}, {**text, "pattern": ".*"}
    yield "content-media-type", {**text, "contentMediaType": "text/html"}, {**text, "contentMediaType": "text/csv"}
    yield "content-encoding", {**text, "contentEncoding": "base64"}, {**text, "contentEncoding": "base32"}
    embedded = {**text, "contentMediaType": "application/json"}
    yield "content-schema", embedded, {**embedded, "contentSchema": {"type": "object"}}
    # Lists
    yield "unique-items", items, {**items, "uniqueItems": True}
    yield "contains", {"type": "array"}, contains
    yield "prefix-items", {"type": "array", "items": False}, {"type": "array", "items": False, "prefixItems": [text]}
    yield "prefix-items-open", {"type": "array"}, {"type": "array", "prefixItems": [text]}
    yield "items", {"type": "array"}, items
    yield "items-type", items, {"type": "array", "items": {"type": "integer"}}
    several = {"type": "array", "contains": {"const": 1}, "maxContains": 2}
    yield "contains-changed", several, {**several, "contains": {"const": 2}}
    yield "unevaluated-items", {"type": "array"}, {"type": "array", "unevaluatedItems": text}
    yield "unevaluated-items-none", {"type": "array"}, {"type": "array", "unevaluatedItems": False}
    # Objects
    yield "property", {"type": "object", "properties": {"a": text}}, _OBJECT
    yield "property-required", {"type": "object", "properties": {"a": text}}, {**_OBJECT, "required": ["b"]}
    defaulted = {"type": "object", "properties": {"a": text, "b": {"type": "integer", "default": 1}}}
    yield "property-required-default", {"type": "object", "properties": {"a": text}}, {**defaulted, "required": ["b"]}
    yield "required", _OBJECT, {**_OBJECT, "required": ["a"]}
    yield "required-default", defaulted, {**defaulted, "required": ["b"]}
    yield "additional-properties", _OBJECT, {**_OBJECT, "additionalProperties": False}
    typed = {**_OBJECT, "additionalProperties": {"type": "string"}}
    yield "additional-properties-type", typed, {**_OBJECT, "additionalProperties": {"type": "integer"}}
    yield "pattern-property", _OBJECT, {**_OBJECT, "patternProperties": {"^x": {"type": "integer"}}}
    yield "property-names", _OBJECT, {**_OBJECT, "propertyNames": {"maxLength": 3}}
    yield "unevaluated-properties", _OBJECT, {**_OBJECT, "unevaluatedProperties": text}
    yield "unevaluated-properties-none", _OBJECT, {**_OBJECT, "unevaluatedProperties": False}
    yield "dependent-required", _OBJECT, {**_OBJECT, "dependentRequired": {"a": ["b"]}}
    wide = {"type": "object", "properties": {"a": text, "b": text, "c": text}}
    yield (
        "dependent-required-changed",
        {**wide, "dependentRequired": {"a": ["b"]}},
        {**wide, "dependentRequired": {"a": ["c"]}},
    )
    yield "dependent-schema", _OBJECT, {**_OBJECT, "dependentSchemas": {"a": {"required": ["b"]}}}
    # Alternatives
    yield "all-of", {"allOf": [_CAT]}, {"allOf": [_CAT, {"required": ["lives"]}]}
    yield "all-of-words", {"allOf": [_CAT]}, {"allOf": [_CAT, {"description": "a cat"}], "minProperties": 1}
    yield "any-of", {"anyOf": [_CAT, _DOG]}, {"anyOf": [_CAT, _DOG, _BIRD]}
    yield "one-of", {"oneOf": [_CAT, _DOG]}, {"oneOf": [_CAT, _DOG, _BIRD]}
    yield "any-of-types", {"anyOf": [text, number]}, {"anyOf": [text, number, {"type": "boolean"}]}
    yield "one-of-types", {"oneOf": [text, number]}, {"oneOf": [text, number, {"type": "boolean"}]}
    yield "wrapped-in-one-of", _CAT, {"oneOf": [_DOG, _BIRD]}
    yield "wrapped-in-one-of-kept", _CAT, {"oneOf": [_CAT, _BIRD]}
    yield "not", text, {**text, "not": {"const": "a"}}
    condition = {"properties": {"a": {"const": "x"}}, "required": ["a"]}
    yield "not-changed", {**text, "not": {"const": "a"}}, {**text, "not": {"const": "b"}}
    if_a, if_b = ({"properties": {name: {"const": 1}}, "required": [name]} for name in ("a", "b"))
    yield "if-changed", {**_OBJECT, "if": if_a, "then": False}, {**_OBJECT, "if": if_b, "then": False}
    left = {**_OBJECT, "unevaluatedProperties": number, "anyOf": [{"properties": {"c": {}}}, {"properties": {"d": {}}}]}
    yield "unevaluated-changed", left, {**left, "unevaluatedProperties": text}
    one, other = ({"patternProperties": {f"^{name}": text}, "additionalProperties": number} for name in "xy")
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


SCHEMAS = tuple(_pairs())
PROPERTIES = tuple(_properties())
CAT, DOG, BIRD = _CAT, _DOG, _BIRD
