"""Small documents with one schema, operation or component put where it matters, and whole pairs of them."""

from __future__ import annotations

import copy

from diff_corpus.schemas import BIRD, CAT, DOG, PROPERTIES, SCHEMAS


def document(operation=None, *, paths=None, path="/things/{id}", method="post", **rest):
    """An OpenAPI 3.1 document with one operation."""
    item = {method: {"operationId": "op", **(operation or {})}}
    item[method].setdefault("responses", {"200": {"description": "fine"}})
    item[method].setdefault(
        "parameters", [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    )
    rest.setdefault("components", {}).setdefault("schemas", {"Cat": CAT, "Dog": DOG, "Bird": BIRD})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1.0.0"},
        "paths": paths if paths is not None else {path: item},
        **rest,
    }


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _nested(schema):
    return {"type": "object", "properties": {"p": schema}}


def in_request(schema):
    return document({"requestBody": {"content": {"application/json": {"schema": schema}}}})


def in_response(schema):
    return document({"responses": {"200": {"description": "d", "content": {"application/json": {"schema": schema}}}}})


def in_parameter(where):
    def place(schema):
        return document({"parameters": [_ID, {"name": "q", "in": where, "schema": schema}]})

    return place


def in_path_parameter(schema):
    return document({"parameters": [{**_ID, "schema": schema}]})


def in_header(schema):
    headers = {"X-Rate": {"schema": schema}}
    return document({"responses": {"200": {"description": "d", "headers": headers}}})


def _of(place):
    return lambda schema: place(_nested(schema))


SITES = {
    "request-body": in_request,
    "request-property": _of(in_request),
    "request-parameter": in_parameter("query"),
    "request-parameter-path": in_path_parameter,
    "request-parameter-header": in_parameter("header"),
    "request-parameter-cookie": in_parameter("cookie"),
    "request-parameter-property": _of(in_parameter("query")),
    "request-header-property": _of(in_parameter("header")),
    "response-body": in_response,
    "response-property": _of(in_response),
    "response-header": in_header,
}


def schema_pairs():
    """(name, old, new) for each edit at each place, both ways round."""
    for site, place in SITES.items():
        for name, old, new in SCHEMAS:
            yield f"{site}/{name}", place(old), place(new)
            yield f"{site}/{name}/back", place(new), place(old)
    for site in ("request-body", "response-body", "request-parameter-header"):
        for name, old, new in PROPERTIES:
            yield f"{site}/{name}", SITES[site](old), SITES[site](new)
            yield f"{site}/{name}/back", SITES[site](new), SITES[site](old)
    for name, old, new in PROPERTIES:  # OpenAPI 3.0 says another thing of required properties that are read-only
        if name.startswith("readOnly"):
            yield f"3.0/{name}", _as_3_0(in_request(old)), _as_3_0(in_request(new))
            yield f"3.0/{name}/back", _as_3_0(in_request(new)), _as_3_0(in_request(old))


def _as_3_0(given):
    return {**given, "openapi": "3.0.3"}


def _parameter(**extra):
    return {"name": "q", "in": "query", "schema": {"type": "string"}, **extra}


def _operation_pairs():
    plain = document()
    with_q, required = (
        document({"parameters": [_ID, _parameter()]}),
        document({"parameters": [_ID, _parameter(required=True)]}),
    )
    yield "parameter", plain, with_q
    yield "parameter-required", plain, required
    yield "parameter-requiredness", with_q, required
    shared = document()
    shared["paths"]["/things/{id}"]["parameters"] = [_parameter()]
    yield "parameter-shared", plain, shared
    shared = copy.deepcopy(shared)
    shared["paths"]["/things/{id}"]["parameters"] = [_parameter(required=True)]
    yield "parameter-shared-required", plain, shared
    yield "parameter-path", document({"parameters": []}), plain
    for stage, extra in _STAGES:
        yield f"operation-{stage}", plain, document(extra)
        yield f"parameter-{stage}", with_q, document({"parameters": [_ID, _parameter(**extra)]})
        gone = document(paths={})
        yield f"removed-path-{stage}", document(extra), gone
        two = document(extra)
        two["paths"]["/things/{id}"]["get"] = {"responses": {"200": {"description": "fine"}}, "parameters": [_ID]}
        one = copy.deepcopy(two)
        del one["paths"]["/things/{id}"]["post"]
        yield f"removed-operation-{stage}", two, one
        yield f"removed-parameter-{stage}", document({"parameters": [_ID, _parameter(**extra)]}), plain
        for other, more in _STAGES:
            yield f"operation-{stage}-to-{other}", document(extra), document(more)
            yield (
                f"parameter-{stage}-to-{other}",
                document({"parameters": [_ID, _parameter(**extra)]}),
                document({"parameters": [_ID, _parameter(**more)]}),
            )
    for old in _LEVELS:
        for new in _LEVELS:
            yield f"stability-{old}-{new}", document({"x-stability-level": old}), document({"x-stability-level": new})


def _body_pairs():
    plain = document()
    body = {"content": {"application/json": {"schema": CAT}}}
    yield "body", plain, document({"requestBody": body})
    yield "body-required", plain, document({"requestBody": {**body, "required": True}})
    yield "body-requiredness", document({"requestBody": body}), document({"requestBody": {**body, "required": True}})
    xml = {"content": {"application/json": {"schema": CAT}, "application/xml": {"schema": CAT}}}
    yield (
        "body-media-type",
        document({"requestBody": {"content": {"application/json": {"schema": CAT}}}}),
        document(
            {"requestBody": {"content": {"application/json": {"schema": DOG}, "application/xml": {"schema": CAT}}}}
        ),
    )
    yield "body-media-type-only", document({"requestBody": body}), document({"requestBody": xml})
    yield (
        "body-schema",
        document({"requestBody": {"content": {"application/json": {}}}}),
        document({"requestBody": body}),
    )
    items = {"content": {"application/jsonl": {"itemSchema": CAT}}}
    yield (
        "body-item-schema",
        document({"requestBody": {"content": {"application/jsonl": {}}}}),
        document({"requestBody": items}),
    )


def _response_pairs():
    plain = document()
    xml = {"application/json": {"schema": CAT}, "application/xml": {"schema": CAT}}

    def answer(content, **extra):
        return document({"responses": {"200": {"description": "d", "content": content, **extra}}})

    yield "status", plain, document({"responses": {"200": {"description": "d"}, "201": {"description": "d"}}})
    yield "status-error", plain, document({"responses": {"200": {"description": "d"}, "404": {"description": "d"}}})
    yield "response-media-type", answer({"application/json": {"schema": CAT}}), answer(xml)
    yield (
        "response-media-type-kind",
        answer({"application/json": {"schema": CAT}}),
        answer({"application/problem+json": {"schema": CAT}}),
    )
    yield "response-media-type-parameter", answer({"text/html": {}}), answer({"text/html; charset=utf-8": {}})
    yield (
        "response-media-type-parameter-value",
        answer({"text/html; charset=latin1": {}}),
        answer({"text/html; charset=utf-8": {}}),
    )
    yield "response-media-type-mixed", answer({"text/html; q=1": {}}), answer({"text/html; charset=utf-8": {}})
    yield "response-schema", answer({"application/json": {}}), answer({"application/json": {"schema": CAT}})
    yield "response-item-schema", answer({"application/jsonl": {}}), answer({"application/jsonl": {"itemSchema": CAT}})
    yield (
        "response-item-schema-kept",
        answer({"application/jsonl": {"schema": {"type": "array"}}}),
        answer({"application/jsonl": {"schema": {"type": "array"}, "itemSchema": CAT}}),
    )
    header = {"X-Rate": {"schema": {"type": "integer"}}}
    need = {"X-Rate": {"required": True, "schema": {"type": "integer"}}}
    yield "header", answer({}), answer({}, headers=header)
    yield "header-required", answer({}), answer({}, headers=need)
    yield "header-requiredness", answer({}, headers=header), answer({}, headers=need)


def _document_pairs():
    plain = document()
    body = {"content": {"application/json": {"schema": CAT}}}
    yield "operation-id", plain, document({"operationId": "other"})
    yield "operation-id-none", document({"operationId": ""}), plain
    yield "tags", plain, document({"tags": ["a"]})
    yield "path", document(paths={}), plain
    hook = {"post": {"requestBody": body, "responses": {"200": {"description": "d"}}}}
    yield "webhook", document(), document(webhooks={"w": hook})
    yield "schema", document(components={"schemas": {"Cat": CAT, "Dog": DOG, "Bird": BIRD, "Fish": CAT}}), plain


_STAGES = (
    ("plain", {}),
    ("deprecated", {"deprecated": True}),
    ("later", {"deprecated": True, "x-sunset": "2999-01-01"}),
    ("sooner", {"deprecated": True, "x-sunset": "2998-01-01"}),
    ("past", {"deprecated": True, "x-sunset": "2020-01-01"}),
    ("unreadable", {"deprecated": True, "x-sunset": "soon"}),
)
_LEVELS = ("draft", "alpha", "beta", "stable", "solid")


def _security_pairs():
    key = {"type": "apiKey", "in": "header", "name": "X-Key"}
    flow = {
        "authorizationUrl": "https://id.example.com/a",
        "tokenUrl": "https://id.example.com/t",
        "refreshUrl": "https://id.example.com/r",
        "scopes": {"read": "r", "write": "w"},
    }
    oauth = {"type": "oauth2", "flows": {"authorizationCode": flow}}

    def schemes(**given):
        return {"securitySchemes": {"key": key, "oauth": oauth, **given}}

    def guarded(security, root=None):
        operation = {} if security is None else {"security": security}
        extra = {} if root is None else {"security": root}
        return document(operation, components=schemes(), **extra)

    read, both = [{"oauth": ["read"]}], [{"oauth": ["read", "write"]}]
    yield "security", guarded(None), guarded(read)
    yield "security-alternative", guarded(read), guarded([*read, {"key": []}])
    yield "security-scope", guarded(read), guarded(both)
    yield "security-root", guarded(None), guarded(None, read)
    yield "security-root-scope", guarded(None, read), guarded(None, both)
    yield "security-root-alternative", guarded(None, read), guarded(None, [*read, {"key": []}])
    yield "security-root-unused", guarded(read, read), guarded(read, both)
    yield "security-root-unused-alternative", guarded(read, read), guarded(read, [*read, {"key": []}])
    yield "security-optional", guarded(read), guarded([*read, {}])
    changes = {
        "added": {"extra": key},
        "type": {"key": {"type": "http", "scheme": "basic"}},
        "key-name": {"key": {**key, "name": "X-Other"}},
        "key-in": {"key": {**key, "in": "query"}},
    }
    for name, change in changes.items():
        yield f"scheme-{name}", document(components=schemes()), document(components=schemes(**change))
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    yield (
        "scheme-http",
        document(components=schemes(h=bearer)),
        document(components=schemes(h={**bearer, "scheme": "basic"})),
    )
    yield (
        "scheme-bearer",
        document(components=schemes(h=bearer)),
        document(components=schemes(h={**bearer, "bearerFormat": "X"})),
    )
    connect = {"type": "openIdConnect", "openIdConnectUrl": "https://id.example.com/o"}
    other = {**connect, "openIdConnectUrl": "https://other.example.com/o"}
    yield "scheme-connect", document(components=schemes(c=connect)), document(components=schemes(c=other))
    for field in ("authorizationUrl", "tokenUrl", "refreshUrl"):
        moved = {"type": "oauth2", "flows": {"authorizationCode": {**flow, field: "https://other.example.com"}}}
        yield f"scheme-{field}", document(components=schemes()), document(components=schemes(oauth=moved))
    less = {"type": "oauth2", "flows": {"authorizationCode": {**flow, "scopes": {"read": "r"}}}}
    words = {"type": "oauth2", "flows": {"authorizationCode": {**flow, "scopes": {"read": "reads", "write": "w"}}}}
    yield "scheme-scope", document(components=schemes()), document(components=schemes(oauth=less))
    yield "scheme-scope-words", document(components=schemes()), document(components=schemes(oauth=words))


def operation_pairs():
    """(name, old, new) of everything that is no schema, both ways round."""
    for name, old, new in (
        *_operation_pairs(),
        *_body_pairs(),
        *_response_pairs(),
        *_document_pairs(),
        *_security_pairs(),
    ):
        yield name, old, new
        yield f"{name}/back", new, old
