"""What is the same in both versions, told without a walk."""

from treadle.check.diff.openapi.reach import Reach
from treadle.contract.library import Node


def document(**schemas):
    return {
        "paths": {
            "/a": {"$ref": "#/components/schemas/A"},
            "/b": {"$ref": "#/components/schemas/B"},
            "/file": {"$ref": "other.json#/x"},
            "/word": {"example": {"$ref": "#/components/examples/E"}},
            "/plain": {"x": 1},
        },
        "components": {"schemas": schemas, "examples": {"E": schemas.get("A")}},
    }


def same(old, new, path):
    roots = Node("old.json", "", old), Node("new.json", "", new)
    return Reach(*roots).same(*(root.child("paths", path) for root in roots))


OLD = document(A={"$ref": "#/components/schemas/B"}, B={"type": "string"}, C={})


def test_equal_documents_are_the_same_all_over():
    assert all(same(OLD, document(**OLD["components"]["schemas"]), path) for path in ("/a", "/b", "/plain", "/word"))


def test_a_change_is_seen_through_every_component_that_leads_to_it():
    new = document(A={"$ref": "#/components/schemas/B"}, B={"type": "integer"}, C={})
    assert not same(OLD, new, "/a")
    assert not same(OLD, new, "/b")
    assert same(OLD, new, "/plain")


def test_a_change_of_what_nobody_refers_to_touches_nothing():
    new = document(A={"$ref": "#/components/schemas/B"}, B={"type": "string"}, C={"type": "null"})
    assert same(OLD, new, "/a")


def test_examples_are_words():
    new = document(A={"$ref": "#/components/schemas/B", "title": "t"}, B={"type": "string"}, C={})
    assert same(OLD, new, "/word")


def test_cycles_end():
    round_about = document(A={"$ref": "#/components/schemas/B"}, B={"$ref": "#/components/schemas/A"})
    assert same(round_about, document(**round_about["components"]["schemas"]), "/a")
    changed = document(A={"$ref": "#/components/schemas/B"}, B={"$ref": "#/components/schemas/A", "x": 1})
    assert not same(round_about, changed, "/a")


def test_another_file_is_not_known_to_be_the_same():
    assert not same(OLD, OLD, "/file")


def test_what_orjson_cannot_write_is_compared_all_the_same():
    old, new = (document(A={"maximum": 10**30, "$ref": "#/components/schemas/B"}, B={"type": kind}) for kind in "xy")
    assert not same(old, new, "/a")


def test_names_are_escaped_as_in_references():
    def named(kind):
        return {
            "paths": {"/a": {"$ref": "#/components/schemas/a~1b"}},
            "components": {"schemas": {"a/b": {"type": kind}}},
        }

    assert same(named("string"), named("string"), "/a")
    assert not same(named("string"), named("integer"), "/a")


def test_true_is_not_one():
    assert not same({"paths": {"/a": True}}, {"paths": {"/a": 1}}, "/a")
