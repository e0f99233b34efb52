"""Containment is sound: a `yes` is never refuted by a value, and a witness is one."""

from hypothesis import given
from hypothesis import strategies as st

from treadle.check.compat.containment import Contained, holds, witness
from treadle.contract.schema import validator

BOUND = st.integers(-3, 6)
SCHEMAS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": BOUND,
            "maximum": BOUND,
            "exclusiveMinimum": BOUND,
            "multipleOf": st.sampled_from([1, 2, 3]),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 4),
            "maxLength": st.integers(0, 4),
            "pattern": st.sampled_from(["^a", "a$", "^a*$", "b"]),
        },
    ),
    st.fixed_dictionaries(
        {"enum": st.lists(st.sampled_from(["", "a", "aa", "b", 0, 1, 2, None]), min_size=1, unique=True)}
    ),
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(["string", "integer", "array", ["string", "null"]])}),
)
VALUES = ["", "a", "aa", "ab", "b", "aaaa", "aaaaa", *range(-4, 8), 0.5, 1.5, None, True, [], [1], {}]


@given(SCHEMAS, SCHEMAS)
def test_what_is_held_is_taken(outer, inner):
    if holds(outer, inner) is Contained.YES:
        yes, no = validator(inner), validator(outer)
        assert [value for value in VALUES if yes.is_valid(value) and not no.is_valid(value)] == []
        assert witness(inner, outer) is None


@given(SCHEMAS, SCHEMAS)
def test_a_witness_tells_them_apart(taken, refused):
    found = witness(taken, refused)
    if found is not None:
        assert validator(taken).is_valid(found[0])
        assert not validator(refused).is_valid(found[0])


@given(SCHEMAS)
def test_a_schema_holds_itself(schema):
    assert holds(schema, schema) is Contained.YES


def test_plain_steps_are_decided():
    assert holds({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 5}) is Contained.YES
    assert holds({"type": "integer", "maximum": 5}, {"type": "integer", "maximum": 9}) is Contained.NO
    assert witness({"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 2}) == ("aaa",)
