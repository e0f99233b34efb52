"""How a breaking change is shown, and that the value that shows it does."""

import datetime as dt

import jsonschema_rs
import orjson

from treadle.check.diff.change import Side
from treadle.check.diff.documents import compare_documents
from treadle.check.diff.modes import Promise
from treadle.contract.dialect import Family
from treadle.contract.library import Library

WIDE, PLAIN = {}, {"type": "object", "properties": {"kind": {"const": "plain"}}, "required": ["kind"]}


def api(schema, **schemas):
    response = {"description": "", "content": {"application/json": {"schema": schema}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1.0.0"},
        "paths": {"/pets": {"get": {"responses": {"200": response}}}},
        "components": {"schemas": schemas},
    }


def told(old, new):
    sides = (Side(Library({name: orjson.dumps(each)}), name) for name, each in (("old.json", old), ("new.json", new)))
    comparison = compare_documents(*sides, Family.OPENAPI, Promise(), dt.date(2026, 1, 1), informed=False)
    return comparison.changes


def test_an_alternative_beside_one_that_takes_anything_is_shown_by_itself():
    body = {"type": "array", "items": {"oneOf": [WIDE, PLAIN, {"$ref": "#/components/schemas/Pet"}]}}
    pet = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    loose = {**pet, "required": []}
    (change,) = told(api(body, Pet=pet), api(body, Pet=loose))
    assert change.proof.word == "proved"
    assert change.proof.part == ("/components/schemas/Pet", "/components/schemas/Pet")
    (value,) = change.proof.witness
    assert not jsonschema_rs.is_valid(pet, value)
    assert jsonschema_rs.is_valid(loose, value)


def test_each_of_many_changes_is_proved():
    def body(names):
        return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}

    names = [f"p{at}" for at in range(400)]
    changes = told(api(body(names)), api(body([])))
    assert len(changes) == 400
    assert {change.proof.word for change in changes} == {"proved"}


def test_one_new_alternative_among_many_is_found():
    some = [{"type": "object", "properties": {"kind": {"const": f"k{at}"}}, "required": ["kind"]} for at in range(40)]
    (change,) = told(api({"oneOf": some[:30] + some[31:]}), api({"oneOf": some}))
    assert (change.id, change.proof.word) == ("response-body-one-of-added", "proved")
    assert change.proof.part is None
    assert change.proof.witness == ({"kind": "k30"},)


def test_equal_words_mean_something_else_in_openapi_3_0():
    text, beside = {"type": "string"}, {"$ref": "#/components/schemas/Text", "minLength": 3}
    old, new = ({**api(beside, Text=text), "openapi": version} for version in ("3.0.3", "3.1.0"))
    assert told(new, old)[0].id == "response-body-min-length-unset"
    nullable = {"type": "string", "nullable": True}
    old, new = ({**api(nullable), "openapi": version} for version in ("3.0.3", "3.1.0"))
    assert told(new, old)[0].id == "response-body-became-nullable"


def test_a_dynamic_reference_may_mean_whatever_changed_around_it():
    moving = {"$dynamicRef": "#/components/schemas/Any"}
    assert told(api(moving, Any={"type": "string"}), api(moving, Any={"type": "integer"}))
