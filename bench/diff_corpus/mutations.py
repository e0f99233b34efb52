"""Mistakes that people make between two versions, made in a real document by a seed."""

from __future__ import annotations

import copy
import random

METHODS = ("get", "put", "post", "delete", "patch")


def mutated(document, seed, count):
    """A copy of a document with `count` mistakes, and their names."""
    chance = random.Random(seed)
    new = copy.deepcopy(document)
    done = []
    while len(done) < count:
        name, change = chance.choice(MISTAKES)
        if change(new, chance):
            done.append(name)
    return new, done


def _operation(document, chance):
    path = chance.choice(sorted(document["paths"]))
    item = document["paths"][path]
    methods = [method for method in METHODS if method in item]
    return (item, chance.choice(methods)) if methods else (item, None)


def _schema(document, chance, wanted):
    """A schema in the components that is an object with properties, and one of them of a kind."""
    schemas = document.get("components", {}).get("schemas", {})
    for _ in range(50):
        schema = schemas[chance.choice(sorted(schemas))]
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if isinstance(properties, dict):
            names = [
                name for name in sorted(properties) if isinstance(properties[name], dict) and wanted(properties[name])
            ]
            if names:
                return schema, chance.choice(names)
    return None, None


def _remove_operation(document, chance):
    item, method = _operation(document, chance)
    return method is not None and len([each for each in METHODS if each in item]) > 1 and bool(item.pop(method))


def _remove_path(document, chance):
    return bool(document["paths"].pop(chance.choice(sorted(document["paths"]))))


def _add_parameter(document, chance):
    item, method = _operation(document, chance)
    if method is None:
        return False
    parameter = {
        "name": f"extra{chance.randint(0, 999)}",
        "in": chance.choice(("query", "header")),
        "schema": {"type": "string"},
    }
    item[method].setdefault("parameters", []).append({**parameter, "required": chance.random() < 0.5})
    return True


def _remove_parameter(document, chance):
    item, method = _operation(document, chance)
    parameters = item[method].get("parameters", []) if method else []
    inline = [each for each in parameters if each.get("in") == "query"]
    if not inline:
        return False
    parameters.remove(chance.choice(inline))
    return True


def _remove_status(document, chance):
    item, method = _operation(document, chance)
    responses = item[method].get("responses", {}) if method else {}
    if len(responses) < 2:
        return False
    del responses[chance.choice(sorted(responses, key=str))]
    return True


def _rename_id(document, chance):
    item, method = _operation(document, chance)
    if method is None:
        return False
    item[method]["operationId"] = f"renamed{chance.randint(0, 999)}"
    return True


def _body_required(document, chance):
    item, method = _operation(document, chance)
    body = item[method].get("requestBody") if method else None
    if not isinstance(body, dict) or "$ref" in body:
        return False
    body["required"] = not body.get("required", False)
    return True


def _property(wanted, change):
    def apply(document, chance):
        schema, name = _schema(document, chance, wanted)
        return schema is not None and change(schema, name, chance) is not False

    return apply


def _remove(schema, name, _chance):
    del schema["properties"][name]
    if name in schema.get("required", []):
        schema["required"].remove(name)


def _require(schema, name, _chance):
    required = schema.setdefault("required", [])
    if name in required:
        required.remove(name)
        if not required:
            del schema["required"]
    else:
        required.append(name)


def _add(schema, _name, chance):
    new = f"extra{chance.randint(0, 999)}"
    schema["properties"][new] = {"type": "string"}
    if chance.random() < 0.5:
        schema.setdefault("required", []).append(new)


def _set(keyword, value):
    def change(schema, name, _chance):
        schema["properties"][name][keyword] = value

    return change


def _enum(schema, name, chance):
    values = schema["properties"][name]["enum"]
    if chance.random() < 0.5 and len(values) > 1:
        values.remove(chance.choice(values))
    else:
        values.append(f"extra{chance.randint(0, 999)}")


def _text(schema):
    return schema.get("type") == "string" and "enum" not in schema and "format" not in schema


def _number(schema):
    return schema.get("type") in ("integer", "number")


MISTAKES = (
    ("remove-operation", _remove_operation),
    ("remove-path", _remove_path),
    ("add-parameter", _add_parameter),
    ("remove-parameter", _remove_parameter),
    ("remove-status", _remove_status),
    ("rename-id", _rename_id),
    ("body-required", _body_required),
    ("remove-property", _property(lambda _: True, _remove)),
    ("require-property", _property(lambda _: True, _require)),
    ("add-property", _property(lambda _: True, _add)),
    ("type", _property(_text, _set("type", "integer"))),
    ("max-length", _property(_text, _set("maxLength", 7))),
    ("pattern", _property(_text, _set("pattern", "^a"))),
    ("format", _property(_text, _set("format", "uuid"))),
    ("maximum", _property(_number, _set("maximum", 7))),
    ("minimum", _property(_number, _set("minimum", 3))),
    ("enum", _property(lambda schema: isinstance(schema.get("enum"), list), _enum)),
    ("nullable", _property(_text, _set("nullable", True))),
)
