"""Pairs that mean the same on the wire, and pairs that break nobody: there is nothing to warn of."""

from __future__ import annotations

import copy

from diff_corpus.documents import document, in_request, in_response

_ADDRESS = {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": "string"}}}
_ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 36},
        "state": {"enum": ["open", "paid"]},
        "to": _ADDRESS,
    },
}


def _components(**schemas):
    return {"schemas": schemas}


def _ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def _both(name, old, new):
    """The same two schemas in a request and in a response. Each may bring its components, as (schema, components)."""
    for where, place in (("request", in_request), ("response", in_response)):
        pair = []
        for side in (old, new):
            schema, components = side if isinstance(side, tuple) else (side, None)
            made = place(schema)
            if components is not None:
                made["components"] = components
            pair.append(made)
        yield f"{name}/{where}", *pair


def _reversed(value):
    if isinstance(value, dict):
        return {key: _reversed(each) for key, each in reversed(value.items())}
    return [_reversed(each) for each in value] if isinstance(value, list) else value


def equivalents():
    """(name, old, new) of documents that mean the same. Nothing at all is to be said."""
    none, order = _components(), (_ref("Order"), _components(Order=_ORDER))
    yield from _both("moved-to-a-component", (_ORDER, none), order)
    part = {**_ORDER, "properties": {**_ORDER["properties"], "to": _ref("Address")}}
    yield from _both("part-moved-to-a-component", (_ORDER, none), (part, _components(Address=_ADDRESS)))
    chain = _components(Alias=_ref("Order"), Order=_ORDER)
    yield from _both("through-another-component", order, (_ref("Alias"), chain))
    split = {
        "allOf": [
            {"type": "object", "required": ["id"], "properties": {"id": _ORDER["properties"]["id"]}},
            {"type": "object", "properties": {name: _ORDER["properties"][name] for name in ("state", "to")}},
        ]
    }
    yield from _both("split-into-all-of", _ORDER, split)
    yield from _both("merged-from-all-of", split, _ORDER)
    yield from _both("all-of-one", _ORDER, {"allOf": [_ORDER], "description": "an order"})
    yield from _both("one-of-one", _ORDER, {"oneOf": [_ORDER]})
    yield from _both("any-of-one", {"anyOf": [_ORDER]}, _ORDER)
    yield from _both("reordered", _ORDER, _reversed(_ORDER))
    words = copy.deepcopy(_ORDER)
    words["description"] = words["properties"]["id"]["description"] = "in other words"
    words["properties"]["id"]["examples"] = ["1"]
    yield from _both("other-words", _ORDER, words)
    yield from _both("const-and-enum", {"type": "string", "enum": ["a"]}, {"type": "string", "const": "a"})
    yield from _both("required-twice", {**_ORDER, "required": ["id", "state"]}, {**_ORDER, "required": ["state", "id"]})
    branches = [{"type": "string"}, {"type": "integer"}]
    yield from _both("branches-reordered", {"anyOf": branches}, {"anyOf": branches[::-1]})
    yield from _both("types-reordered", {"type": ["string", "integer"]}, {"type": ["integer", "string"]})
    old = [
        ("nullable", {"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            "exclusive",
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            {"type": "integer", "exclusiveMinimum": 1},
        ),
    ]
    for name, before, after in old:
        for where, place in (("request", in_request), ("response", in_response)):
            yield f"3.0-to-3.1-{name}/{where}", {**place(before), "openapi": "3.0.3"}, place(after)
    yield from _documents()


def _documents():
    query = {"name": "page", "in": "query", "schema": {"type": "integer"}}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    plain = document({"parameters": [path, query]})
    shared = document({"parameters": []})
    shared["paths"]["/things/{id}"]["parameters"] = [path, query]
    yield "parameters-moved-to-the-path", plain, shared
    yield "parameters-reordered", plain, document({"parameters": [query, path]})
    referred = document({"parameters": [path, {"$ref": "#/components/parameters/Page"}]})
    referred["components"] = {**referred["components"], "parameters": {"Page": query}}
    yield "parameter-moved-to-a-component", plain, referred
    answer = {"description": "d", "content": {"application/json": {"schema": _ORDER}}}
    there = document({"responses": {"200": {"$ref": "#/components/responses/Order"}}})
    there["components"] = {**there["components"], "responses": {"Order": answer}}
    yield "response-moved-to-a-component", document({"responses": {"200": answer}}), there
    body = {"content": {"application/json": {"schema": _ORDER}}}
    sent = document({"requestBody": {"$ref": "#/components/requestBodies/Order"}})
    sent["components"] = {**sent["components"], "requestBodies": {"Order": body}}
    yield "body-moved-to-a-component", document({"requestBody": body}), sent
    rate = {"schema": {"type": "integer"}}
    one, other = ({"200": {"description": "d", "headers": {name: rate}}} for name in ("X-Rate", "x-rate"))
    yield "header-in-another-case", document({"responses": one}), document({"responses": other})
    item = document()
    moved = copy.deepcopy(item)
    moved["components"]["pathItems"] = {"Thing": moved["paths"]["/things/{id}"]}
    moved["paths"] = {"/things/{id}": {"$ref": "#/components/pathItems/Thing"}}
    yield "path-item-moved-to-a-component", item, moved
    told = document({"summary": "s", "description": "d"}, info={"title": "Other words", "version": "1.0.0"})
    yield "described", document(), told


def harmless():
    """(name, old, new) of changes that break nobody who keeps to the old version: no error and no warning."""
    text, plain = {"type": "string"}, document()
    other = document()
    other["paths"]["/others"] = {"get": {"responses": {"200": {"description": "d"}}}}
    yield "endpoint", plain, other
    path = {"name": "id", "in": "path", "required": True, "schema": text}
    yield (
        "optional-parameter",
        document({"parameters": [path]}),
        document({"parameters": [path, {"name": "q", "in": "query", "schema": text}]}),
    )
    renamed = document({"parameters": [{**path, "name": "key"}]}, path="/things/{key}")
    yield "path-parameter-renamed", document({"parameters": [path]}), renamed
    more = {**_ORDER, "properties": {**_ORDER["properties"], "note": text}}
    yield "optional-request-property", in_request(_ORDER), in_request(more)
    yield "response-property", in_response(_ORDER), in_response(more)
    yield "required-response-property", in_response(_ORDER), in_response({**more, "required": ["id", "note"]})
    yield "request-property-optional", in_request(_ORDER), in_request({**_ORDER, "required": []})
    yield "response-property-required", in_response(_ORDER), in_response({**_ORDER, "required": ["id", "state"]})
    few, many = {"enum": ["a"]}, {"enum": ["a", "b"]}
    yield "request-enum-value", in_request(few), in_request(many)
    yield "response-enum-value", in_response(many), in_response(few)
    short, long = {**text, "maxLength": 5}, {**text, "maxLength": 9}
    yield "request-longer", in_request(short), in_request(long)
    yield "response-shorter", in_response(long), in_response(short)
    yield "request-number", in_request({"type": "integer"}), in_request({"type": "number"})
    yield "response-integer", in_response({"type": "number"}), in_response({"type": "integer"})
    nullable = {"type": ["string", "null"]}
    yield "request-nullable", in_request(text), in_request(nullable)
    yield "response-not-nullable", in_response(nullable), in_response(text)
    yield "request-alternative", in_request({"oneOf": [text]}), in_request({"oneOf": [text, {"type": "integer"}]})
    yield "status", plain, document({"responses": {"200": {"description": "fine"}, "404": {"description": "d"}}})
    header = {"200": {"description": "fine", "headers": {"X-Rate": {"schema": {"type": "integer"}}}}}
    yield "header", plain, document({"responses": header})
    json_only, both = {"application/json": {}}, {"application/json": {}, "application/xml": {}}
    yield "media-type", document({"requestBody": {"content": json_only}}), document({"requestBody": {"content": both}})
    yield "deprecated", plain, document({"deprecated": True, "x-sunset": "2999-01-01"})
    yield "tag", plain, document({"tags": ["new"]})
    yield (
        "draft",
        document({"x-stability-level": "draft"}),
        document({"x-stability-level": "draft", "parameters": [path, {**path, "name": "q", "in": "query"}]}),
    )
    yield "optional-body", plain, document({"requestBody": {"content": json_only}})
