"""Mistakes that people make in contracts, made on purpose: each changes one place of a document, chosen by a seed.

A mutation takes the document and a source of chance, and changes it in place; it says whether it found a place to.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

Json = Any
Mutation = Callable[[Json, random.Random], bool]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def mutated(document: Json, seed: int, count: int) -> Json:
    """A copy with `count` mistakes, as far as the document has places for them."""
    rng = random.Random(seed)
    made = copy.deepcopy(document)
    asyncapi = isinstance(document, dict) and "asyncapi" in document
    choices = (*GENERAL, *(ASYNCAPI if asyncapi else OPENAPI))
    for _ in range(count):
        rng.choice(choices)(made, rng)
    return made


def containers(document: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    waiting: list[tuple[tuple[str | int, ...], Json]] = [((), document)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        below = node.items() if isinstance(node, dict) else enumerate(node)
        waiting.extend(((*path, key), value) for key, value in below if isinstance(value, dict | list))


def pick(document: Json, rng: random.Random, wanted: Callable[[tuple[str | int, ...], Json], bool]) -> Json:
    """One container of those wanted, or None."""
    found = [node for path, node in containers(document) if wanted(path, node)]
    return rng.choice(found) if found else None


def operations(document: Json) -> list[dict[str, Any]]:
    paths = document.get("paths")
    return [
        operation
        for item in (paths.values() if isinstance(paths, dict) else ())
        if isinstance(item, dict)
        for method, operation in item.items()
        if method in METHODS and isinstance(operation, dict)
    ]


def chosen_operation(document: Json, rng: random.Random) -> dict[str, Any]:
    found = operations(document)
    return rng.choice(found) if found else {}


def is_schema(_: tuple[str | int, ...], node: Json) -> bool:
    return isinstance(node, dict) and isinstance(node.get("type"), str) and "$ref" not in node and "in" not in node


# --- of any document ---


def drop_key(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda path, node: isinstance(node, dict) and len(node) > 1 and len(path) > 1)
    if node is None:
        return False
    del node[rng.choice(list(node))]
    return True


def rename_key(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda path, node: isinstance(node, dict) and node and len(path) > 1)
    if node is None:
        return False
    key = rng.choice(list(node))
    node[f"{key}x"] = node.pop(key)
    return True


def add_unknown_key(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda _, node: isinstance(node, dict) and "$ref" not in node)
    node[rng.choice(["unknown", "x-fine", "Description", "requried"])] = rng.choice([1, "text", None, {"a": 1}])
    return True


def wrong_type(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda path, node: isinstance(node, dict) and node and path)
    if node is None:
        return False
    node[rng.choice(list(node))] = rng.choice([7, "text", True, None, [], {}, ["text"], 1.5, {"a": {"b": 1}}])
    return True


def wrong_text(document: Json, rng: random.Random) -> bool:
    node = pick(
        document, rng, lambda _, node: isinstance(node, dict) and any(isinstance(v, str) for v in node.values())
    )
    if node is None:
        return False
    key = rng.choice([key for key, value in node.items() if isinstance(value, str)])
    node[key] = rng.choice(["", "no such thing", "not a url at all", "a@b", "<script>alert(1)</script>", "eval(1)"])
    return True


def break_ref(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda _, node: isinstance(node, dict) and isinstance(node.get("$ref"), str))
    if node is None:
        return False
    node["$ref"] += rng.choice(["x", "/nothing", "/type"])
    return True


def ref_sibling(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda _, node: isinstance(node, dict) and isinstance(node.get("$ref"), str))
    if node is None:
        return False
    node[rng.choice(["description", "summary", "type", "x-note"])] = "beside"
    return True


def duplicate_tag(document: Json, rng: random.Random) -> bool:
    tags = document.get("tags")
    if not isinstance(tags, list) or not tags:
        return False
    tags.append(copy.deepcopy(rng.choice(tags)))
    return True


def no_contact(document: Json, rng: random.Random) -> bool:
    info = document.get("info")
    return (
        isinstance(info, dict)
        and info.pop(rng.choice(["contact", "description", "license", "title"]), None) is not None
    )


def bad_example(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, is_schema)
    if node is None:
        return False
    node[rng.choice(["example", "default"])] = rng.choice([7, "text", True, None, [1, "a"], {"a": 1}, 1.5, -3])
    return True


def bad_media_example(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda _, node: isinstance(node, dict) and "example" in node and "schema" in node)
    if node is None:
        return False
    example = node["example"]
    if isinstance(example, dict) and example and rng.random() < 0.7:
        key = rng.choice(list(example))
        if rng.random() < 0.5:
            del example[key]
        else:
            example[key] = rng.choice([7, "text", None, [1], {"a": 1}])
    else:
        node["example"] = rng.choice([7, "text", None, [1], {"a": 1}])
    return True


def enum_of_wrong_type(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, is_schema)
    if node is None:
        return False
    node["enum"] = rng.choice([["a", 1], [1, 1], ["a", "a", "b"], [None, "a"], [True], "a", []])
    return True


def schema_keyword(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, is_schema)
    if node is None:
        return False
    key, value = rng.choice(
        [
            ("nullable", True), ("nullable", "yes"), ("type", "strnig"), ("type", ["string", "null"]),
            ("format", "int32"), ("format", "date-time"), ("format", "uuid"),
            ("pattern", "["), ("pattern", "^[a-z]+$"), ("minLength", 3),
            ("maxLength", "3"), ("minimum", 5), ("maximum", 1), ("required", True), ("required", []), ("items", None),
            ("additionalProperties", False), ("additionalProperties", "no"), ("anyOf", [{"type": "integer"}]),
            ("oneOf", [{"type": "string"}, {"minLength": 1}]), ("not", {"type": "string"}), ("multipleOf", 0),
            ("uniqueItems", True), ("properties", []), ("type", "array"), ("type", "object"), ("exclusiveMinimum", 1),
            ("exclusiveMinimum", True), ("discriminator", "kind"), ("readOnly", True), ("const", 1),
        ]
    )  # fmt: skip
    node[key] = value
    return True


# --- of OpenAPI ---


def duplicate_operation_id(document: Json, rng: random.Random) -> bool:
    one, other = chosen_operation(document, rng), chosen_operation(document, rng)
    if one is other or "operationId" not in one:
        return False
    other["operationId"] = one["operationId"]
    return True


def strange_operation_id(document: Json, rng: random.Random) -> bool:
    chosen_operation(document, rng)["operationId"] = rng.choice(["get all", "größe", "a|b", "fine-one", ""])
    return True


def tags(document: Json, rng: random.Random) -> bool:
    chosen_operation(document, rng)["tags"] = rng.choice([["nowhere"], [], ["a", "b"], "orders", [3]])
    return True


def drop_field(document: Json, rng: random.Random) -> bool:
    operation = chosen_operation(document, rng)
    return operation.pop(rng.choice(["description", "operationId", "responses", "tags"]), None) is not None


def responses(document: Json, rng: random.Random) -> bool:
    operation = chosen_operation(document, rng)
    operation["responses"] = rng.choice(
        [{}, {"400": {"description": "bad"}}, {"2XX": {"description": "fine"}}, {"ok": {"description": "?"}},
         {"301": {"description": "there"}}, {"200": {}}, {"default": {"description": "any"}}, {"200": "fine"}]
    )  # fmt: skip
    return True


def rename_path(document: Json, rng: random.Random) -> bool:
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        return False
    path = rng.choice(list(paths))
    end = rng.choice(["/", "?a=b", "/{}", "/{other}", "/{id}/{id}", "/{a}{b}"])
    paths[path + end] = paths.pop(path)
    return True


def same_path(document: Json, rng: random.Random) -> bool:
    paths = document.get("paths")
    templated = [path for path in paths if "{" in path] if isinstance(paths, dict) else []
    if not templated:
        return False
    path = rng.choice(templated)
    paths[path.replace("{", "{x")] = copy.deepcopy(paths[path])
    return True


def parameters(document: Json, rng: random.Random) -> bool:
    operation = chosen_operation(document, rng)
    found = operation.setdefault("parameters", [])
    if not isinstance(found, list):
        return False
    schema: Json = {"type": "string"} if "swagger" in document else {"schema": {"type": "string"}}
    added = rng.choice(
        [
            {"name": "id", "in": "path", **schema}, {"name": "id", "in": "path", "required": True, **schema},
            {"name": "q", "in": "query"}, {"name": "q", "in": "nowhere", **schema}, {"in": "query", **schema}, "text",
            {"name": "b", "in": "body", "schema": {"type": "object"}}, {"name": "f", "in": "formData", "type": "file"},
            {"name": "h", "in": "header", "style": "form", **schema},
            {"name": "q", "in": "query", **schema, "content": {}},
        ]
    )  # fmt: skip
    found.append(added)
    if rng.random() < 0.3:
        found.append(copy.deepcopy(added))
    return True


def drop_parameter(document: Json, rng: random.Random) -> bool:
    found = pick(document, rng, lambda path, node: isinstance(node, list) and path[-1:] == ("parameters",) and node)
    if found is None:
        return False
    found.pop(rng.randrange(len(found)))
    return True


def servers(document: Json, rng: random.Random) -> bool:
    if "swagger" in document:
        document["host"] = rng.choice(["api.acme.test/", "example.com", "", "https://acme.test", 3])
        document["schemes"] = rng.choice([[], ["https"], ["gopher"], "https"])
        return True
    document["servers"] = rng.choice(
        [
            [], [{"url": "https://acme.test/"}], [{"url": "https://{a}.acme.test"}], ["https://acme.test"], [{}],
            [{"url": "https://{a}.test", "variables": {"a": {"enum": ["x"], "default": "y"}}}],
            [{"url": "/{a}", "variables": {"a": {"default": "x"}}}],
            [{"url": "https://acme.test", "variables": {"b": {}}}],
            [{"url": "https://{a}.test:{p}", "variables": {"a": {"default": "x"}, "p": {"enum": ["99999", "1"]}}}],
        ]
    )  # fmt: skip
    return True


def security(document: Json, rng: random.Random) -> bool:
    target = document if rng.random() < 0.3 else chosen_operation(document, rng)
    target["security"] = rng.choice(
        [[{"nowhere": []}], [{"oauth": ["none"]}], [{"key": ["scope"]}], [{"oauth": "x"}], "key"]
    )
    return True


def security_scheme(document: Json, rng: random.Random) -> bool:
    owner = document if "swagger" in document else document.get("components")
    found = owner.get("securityDefinitions" if "swagger" in document else "securitySchemes") if owner else None
    if not isinstance(found, dict) or not found:
        return False
    found[rng.choice([*found, "added"])] = rng.choice(
        [{}, {"type": "http"}, {"type": "apiKey", "in": "header"}, {"type": "basic"}, {"type": "oauth2", "flows": {}},
         {"type": "openIdConnect"}, {"type": "magic"}, {"type": "oauth2", "flow": "implicit"}, 3]
    )  # fmt: skip
    return True


def unused_component(document: Json, rng: random.Random) -> bool:
    added = {"type": "object", "properties": {"self": {"$ref": "#/components/schemas/Added"}}}
    if "swagger" in document:
        found = document.setdefault("definitions", {})
    else:
        found = document.setdefault("components", {})
        found = found.setdefault("schemas", {}) if isinstance(found, dict) else found
    if not isinstance(found, dict):
        return False
    found[rng.choice(["Added", "Added/there", "Added~one", "Added two"])] = added
    return True


def example_objects(document: Json, rng: random.Random) -> bool:
    node = pick(
        document, rng, lambda path, node: isinstance(node, dict) and "schema" in node and path[-1:] != ("properties",)
    )
    if node is None or "swagger" in document:
        return False
    node.pop("example", None)
    node["examples"] = rng.choice(
        [
            {"one": {"value": 1, "externalValue": "x"}}, {"one": {}}, {"one": {"summary": "none"}}, {"one": 3}, [],
            {"one": {"value": None}, "two": {"value": {"id": 1}}, "three": {"value": [{"id": "a"}]}}, ["a"],
        ]
    )  # fmt: skip
    return True


def callbacks(document: Json, rng: random.Random) -> bool:
    operation = chosen_operation(document, rng)
    inner = {"description": "x", "responses": {"200": {"description": "x"}}, "callbacks": {"again": {}}}
    operation["callbacks"] = rng.choice([{"c": {"{$url}": {"post": inner}}}, {"c": []}, {"c": {"{$url}": inner}}])
    return True


def webhooks(document: Json, rng: random.Random) -> bool:
    if not str(document.get("openapi", "")).startswith(("3.1", "3.2")):
        return False
    inner = {"responses": {"200": {"description": "x"}}, "servers": [{"url": "https://a.test"}], "callbacks": {"a": {}}}
    document["webhooks"] = rng.choice([{"w": {"post": inner}}, {"servers": []}, {"w": {"post": {}}}, []])
    return True


# --- of AsyncAPI ---


def channels(document: Json, rng: random.Random) -> bool:
    found = document.get("channels")
    if not isinstance(found, dict) or not found:
        return False
    name = rng.choice(list(found))
    found[name + rng.choice(["/", "{other}", "?a=b", "/{}", "/plain"])] = found.pop(name)
    return True


def channel_servers(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda path, node: isinstance(node, dict) and len(path) == 2 and path[0] == "channels")
    if node is None:
        return False
    node["servers"] = rng.choice([["nowhere"], [], "main", [{"$ref": "#/servers/nowhere"}]])
    return True


def message_example(document: Json, rng: random.Random) -> bool:
    node = pick(document, rng, lambda _, node: isinstance(node, dict) and "payload" in node and "$ref" not in node)
    if node is None:
        return False
    node["examples"] = rng.choice(
        [[{"payload": 3}], [{"headers": {"traceId": 3}}], [{}], [{"payload": {"id": 1}}], "a"]
    )
    return True


def same_id(document: Json, rng: random.Random) -> bool:
    key = rng.choice(["operationId", "messageId"])
    found = [node for _, node in containers(document) if isinstance(node, dict) and isinstance(node.get(key), str)]
    if len(found) < 2:
        return False
    found[0][key] = found[1][key]
    return True


GENERAL: tuple[Mutation, ...] = (
    drop_key, rename_key, add_unknown_key, wrong_type, wrong_text, break_ref, ref_sibling, duplicate_tag, no_contact,
    bad_example, enum_of_wrong_type, schema_keyword, bad_media_example,
)  # fmt: skip
OPENAPI: tuple[Mutation, ...] = (
    duplicate_operation_id, strange_operation_id, tags, drop_field, responses, rename_path, same_path, parameters,
    drop_parameter, servers, security, security_scheme, unused_component, example_objects, callbacks, webhooks,
)  # fmt: skip
ASYNCAPI: tuple[Mutation, ...] = (channels, channel_servers, message_example, same_id)
