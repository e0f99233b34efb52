"""Expressions beside the validator that judges bodies: what one takes of a decoded text, the other does."""

import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treadle.contract.schema import validator
from treadle.gateway.envoy.ecma import NotTaken, search
from treadle.gateway.envoy.expression import Setting, render, size, takes_nothing
from treadle.gateway.envoy.scalar import SIZE_MAX, text_of

ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
PATTERNS = [
    "^[A-Z]{2}-[0-9]{1,4}$",
    "^(?:a|bc)+$",
    "abc",
    "^[^/ ]*$",
    r"^\d{3}$|^x",
    r"^[\w.-]+@[\w-]+\.[a-z]{2,}$",
    "^$",
    "^.{2,5}$",
    r"\+1",
    r"^\S+$",
    r"^[\]\\^-]?$",
    r"^\x41\u0042$",
    "^a{2,}b{0,3}?$",
    "^(a(b(c)?)?)?$",
    "^([ab]{2})+$",
    "^(?:a?){2}$",
    "^(b+)*$",
]


def ways(value, setting):
    """The same text, escaped as little and as much as one can."""
    if setting is Setting.HEADER:
        return [value]
    everything = "".join(f"%{byte:02x}" for byte in value.encode())
    return [quote_plus(value) if setting is Setting.QUERY else quote(value, safe=""), everything, everything.upper()]


def taken(fits, raw, setting):
    return all(re.fullmatch(render(each, setting), raw) for each in fits)


@pytest.mark.parametrize("setting", list(Setting))
@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=ASCII | st.from_regex("[A-Z]{2}-[0-9]{1,4}|[abc]{0,4}|\\+1|x@y\\.com|[0-9]{3}|AB", fullmatch=True))
def test_a_pattern_is_the_same_one_however_its_text_is_written(setting, pattern, text):
    schema = {"type": "string", "pattern": pattern}
    one = text_of(schema)
    assert not one.left
    for raw in ways(text, setting):
        assert taken(one.fits, raw, setting) == validator(schema).is_valid(text), raw


@pytest.mark.parametrize("setting", list(Setting))
@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_repetition_follows_another(setting, pattern):
    """Python takes `{2,2}+`, and means something else by it; Envoy refuses it."""
    for each in text_of({"type": "string", "pattern": pattern}).fits:
        assert not re.search(r"(?<!\\)[*+?}][*+?{]", render(each, setting).replace("(?:", "("))


@given(
    text=st.text(st.characters(blacklist_categories=["Cs"]), max_size=6), low=st.integers(0, 4), more=st.integers(0, 4)
)
def test_a_length_counts_characters_and_not_bytes(text, low, more):
    schema = {"type": "string", "minLength": low, "maxLength": low + more}
    fits = text_of(schema).fits
    for raw in ways(text, Setting.QUERY):
        assert taken(fits, raw, Setting.QUERY) == validator(schema).is_valid(text), raw


@given(
    low=st.none() | st.integers(-1200, 1200),
    high=st.none() | st.integers(-1200, 1200),
    value=st.integers(-1500, 1500),
    strict=st.booleans(),
)
@example(low=0, high=0, value=0, strict=False)
@example(low=1, high=200, value=201, strict=False)
def test_a_range_of_integers_is_exact(low, high, value, strict):
    names = ("exclusiveMinimum", "exclusiveMaximum") if strict else ("minimum", "maximum")
    bounds = {name: each for name, each in zip(names, (low, high), strict=True) if each is not None}
    schema = {"type": "integer", **bounds}
    one = text_of(schema)
    assert not one.left
    for raw in ways(str(value), Setting.QUERY):
        assert taken(one.fits, raw, Setting.QUERY) == validator(schema).is_valid(value)
    for odd in (f"0{abs(value)}", f"+{value}", f" {value}", f"{value} ", f"{value}.0", "", "x", f"{value}e1"):
        assert not taken(one.fits, quote_plus(odd), Setting.QUERY), odd


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "boolean"}, ["true", "false", "%74rue"], ["True", "1", "", "true%20"]),
        ({"type": "number"}, ["0", "-1.5", "1e5", "1e%2B5", "12.50"], ["", ".5", "1.", "1e+5", "NaN", "0x1", "01"]),
        ({"type": "number", "minimum": 0}, ["0", "3.5"], ["-1"]),
        ({"enum": ["name", "-name"]}, ["name", "-name", "%2dname", "n%61me"], ["Name", "", "name,", "+name"]),
        ({"type": "string", "const": "a b"}, ["a+b", "a%20b"], ["a%2Bb", "ab"]),
        ({"type": "integer", "enum": [1, 2]}, ["1", "%31"], ["3", "1.0"]),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, ["1", "10"], ["0", "null", ""]),
        ({"type": ["string", "null"], "minLength": 1}, ["a"], [""]),
        ({"allOf": [{"type": "integer"}, {"maximum": 5}]}, ["5"], ["6"]),
        ({"type": "string", "minLength": 1, "pattern": "^[a-z]*$"}, ["abc"], ["", "A"]),
    ],
)
def test_what_the_text_of_a_scalar_may_be(schema, good, bad):
    one = text_of(schema)
    assert one.scalar
    assert not one.left
    for raw in good:
        assert taken(one.fits, raw, Setting.QUERY), raw
    for raw in bad:
        assert not taken(one.fits, raw, Setting.QUERY), raw


@pytest.mark.parametrize(
    ("schema", "left"),
    [
        ({"type": "array", "items": {"type": "string"}}, ("array",)),
        ({"type": "object"}, ("object",)),
        ({"type": ["string", "integer"]}, ("type",)),
        ({"type": "integer", "multipleOf": 5}, ("multipleOf",)),
        ({"type": "number", "maximum": 5}, ("maximum",)),
        ({"type": "string", "maxLength": 5_000}, ("maxLength",)),
        ({"type": "string", "not": {"const": "x"}}, ("not",)),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, ("oneOf", "type")),
        ({"type": "string", "enum": ["é"]}, ("enum",)),
        (False, ("false",)),
    ],
)
def test_what_is_left_to_the_upstream_is_named(schema, left):
    assert text_of(schema).left == left


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=a)b",
        r"(a)\1",
        r"\bword\b",
        r"\p{L}+",
        "a^b",
        "(^a)",
        "(a$)b",
        "[[a]]",
        "a{1000}",
        "a{2,1}",
        "a**b",
        "(",
        "[a",
        "a\\",
    ],
)
def test_a_pattern_that_engines_read_differently_is_not_taken(pattern):
    with pytest.raises(NotTaken):
        search(pattern)
    assert text_of({"type": "string", "pattern": pattern}).left[0].startswith("pattern (")


def test_a_pattern_as_deep_as_it_is_long_ends():
    with pytest.raises(NotTaken):
        search("(" * 200 + ")" * 200)
    with pytest.raises(NotTaken):
        search("a" * 5_000)


def test_counts_within_counts_are_too_large_and_not_compiled():
    one = text_of({"type": "string", "pattern": "^((a{500}){500}){500}$"})
    assert one.left == ("pattern",)
    assert not one.fits


def test_the_size_of_what_is_taken_is_bounded():
    (each,) = text_of({"type": "string", "maxLength": 200}).fits
    assert size(each) <= SIZE_MAX
    assert takes_nothing(each)
