"""What holds of every pair of schemas."""

import datetime as dt

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.check.diff.change import Side
from treadle.check.diff.documents import compare_documents
from treadle.check.diff.modes import Mode, Policy, Promise
from treadle.check.diff.rule import Level
from treadle.contract.dialect import Family
from treadle.contract.library import Library
from treadle.contract.schema import validator
from treadle.contract.version import Bump

LEAVES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number"])},
        optional={
            "maxLength": st.integers(0, 4),
            "minimum": st.integers(-2, 3),
            "enum": st.lists(st.sampled_from(["a", "b", 1, 2]), min_size=1, unique=True),
        },
    ),
    st.just({}),
    st.just(True),
)
OBJECTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3)},
    optional={"required": st.lists(st.sampled_from("abc"), unique=True), "additionalProperties": st.booleans()},
)


def compare(old, new, mode=Mode.BACKWARD):
    sides = [Side(Library({name: orjson.dumps(each)}), name) for name, each in (("old.json", old), ("new.json", new))]
    return compare_documents(*sides, Family.JSON_SCHEMA, Promise(mode, Policy.STRICT), dt.date(2026, 1, 1))


@settings(max_examples=80)
@given(OBJECTS, OBJECTS)
def test_backward_there_is_forward_back(old, new):
    there, back = compare(old, new), compare(new, old)
    assert (there.backward, there.forward) == (back.forward, back.backward)


@settings(max_examples=80)
@given(OBJECTS, OBJECTS)
def test_a_witness_tells_the_versions_apart(old, new):
    for change in compare(old, new).changes:
        if change.proof.witness is not None:
            assert validator(old).is_valid(change.proof.witness[0])
            assert not validator(new).is_valid(change.proof.witness[0])


@settings(max_examples=80)
@given(OBJECTS, OBJECTS)
def test_what_breaks_asks_for_a_major_and_nothing_else_does(old, new):
    for mode in Mode:
        comparison = compare(old, new, mode)
        broken = any(change.level is Level.ERROR for change in comparison.changes)
        assert (comparison.verdict.required is Bump.MAJOR) == broken == (not comparison.compatible)
        if not mode.forward:
            assert comparison.compatible == comparison.backward


@settings(max_examples=80)
@given(OBJECTS)
def test_nothing_differs_from_itself(schema):
    assert compare(schema, orjson.loads(orjson.dumps(schema))).changes == ()
