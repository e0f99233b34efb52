"""Laws of the kernel, on invented schemas. `tests/soak/test_kernel.py` asks the same of a hundred thousand pairs."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from tests.check.schema.invent import Invention
from tests.check.schema.refute import refutations
from tests.check.schema.versions import Versions

from treadle.check.schema.edit import Effect, Flow
from treadle.check.schema.judge import Policy
from treadle.check.schema.witness import Witnesses

seeds = st.integers(0, 2**32).map(Random).map(Invention)
quickly = settings(max_examples=100, deadline=None, derandomize=True)


@given(seeds)
@quickly
def test_nothing_changed_is_nothing_said(invention):
    document = invention.document()
    assert Versions(document, document).edits() == []
    assert Versions(document, dict(reversed(document.items()))).edits() == []


@given(seeds)
@quickly
def test_other_words_for_the_same_are_silent(invention):
    document = invention.document(without=("unevaluated",))
    again = invention.rewritten(document)
    assert [edit for edit in Versions(document, again).edits() if edit.effect is not Effect.NONE] == []


@given(seeds)
@quickly
def test_what_narrows_there_widens_back(invention):
    document = invention.document(without=("unevaluated",))
    changed = invention.changed(document, without=("unevaluated",))
    there, back = Versions(document, changed).edits(), Versions(changed, document).edits()
    assert any(edit.effect.narrows for edit in there) == any(edit.effect.widens for edit in back)


@given(seeds)
@quickly
def test_no_value_refutes_what_is_claimed(invention):
    document = invention.document()
    assert refutations(invention, document, invention.changed(document)) == []


@given(seeds)
@quickly
def test_a_witness_is_what_it_says(invention):
    old = invention.document(2)
    new = invention.changed(old)
    versions = Versions(old, new)
    witnesses = Witnesses(versions.sides)
    took, takes = Draft202012Validator(old), Draft202012Validator(new)
    for edit in versions.edits():
        shown = witnesses.prove(versions.old, versions.new, edit, Flow.BOTH)
        for found, yes, no in ((shown.narrows, took, takes), (shown.widens, takes, took)):
            assert found is None or (yes.is_valid(found[0]) and not no.is_valid(found[0]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"const": 1}, {"const": True}),
        ({"enum": [[1]]}, {"enum": [[True]]}),
        ({"not": {"type": "string"}}, {"not": {"type": ["string", "null"]}}),
        ({"properties": {"a": {"type": "string"}}}, {"patternProperties": {"^a": {"maxLength": 1}}}),
        ({"additionalProperties": {"maxLength": 3}}, {"patternProperties": {"^a": {}}, "additionalProperties": False}),
        ({"items": {"$ref": "#"}}, {"items": {"items": {"$ref": "#"}}, "maxItems": 1}),
        ({"contains": {"const": 1}, "maxContains": 1}, {"contains": {"enum": [1, 2]}, "maxContains": 1}),
        ({"if": {"const": 1}, "then": False}, {"if": {"const": 2}, "then": False}),
    ],
)
def test_what_some_value_tells_apart_is_not_claimed(old, new):
    for policy in Policy:
        versions = Versions(old, new, policy)
        assert any(edit.effect.narrows for edit in versions.edits())
        assert not versions.within()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"oneOf": [True, False]}, {"oneOf": [True, True]}),
        ({"oneOf": [{"minLength": 2}, {"maxLength": 4}]}, {"oneOf": [{"minLength": 2}, {"maxLength": 5}]}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}, "b": {"type": "string"}}}),
    ],
)
def test_what_only_a_strict_reader_minds_is_claimed_where_schemas_evolve(old, new):
    assert any(edit.effect.narrows for edit in Versions(old, new, Policy.STRICT).edits())
    assert not any(edit.effect.narrows for edit in Versions(old, new, Policy.EVOLUTION).edits())
