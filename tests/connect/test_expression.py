import pytest

from treadle.base.errors import InputError
from treadle.connect.expression import Expression, UnmappableError, moment, rfc3339


@pytest.mark.parametrize(
    ("text", "record", "value"),
    [
        ("a.b", {"a": {"b": 1}}, 1),
        ('"party.".code', {"party.": {"code": "C-2"}}, "C-2"),
        ("to_decimal(total)", {"total": "129.90"}, 129.9),
        ("to_decimal(total)", {"total": "4870.00"}, 4870),
        ("to_decimal(total)", {"total": 12.5}, 12.5),
        ("to_decimal(total)", {"total": " 7 "}, 7),
        ("iso(at)", {"at": "2026-03-01 10:30:00+01:00"}, "2026-03-01T09:30:00.000000Z"),
        ("iso(at)", {"at": "2026-03-01"}, "2026-03-01T00:00:00.000000Z"),
        ("join(' ', [first, last])", {"first": "Ada", "last": "Krüger"}, "Ada Krüger"),
        ("lines[].{sku: product}", {"lines": [{"product": "W1"}, {"product": "W2"}]}, [{"sku": "W1"}, {"sku": "W2"}]),
    ],
)
def test_value(text, record, value):
    assert Expression(text).evaluate(record) == value


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("to_decimal(total)", {"total": "twelve"}),
        ("to_decimal(total)", {"total": "NaN"}),
        ("to_decimal(total)", {"total": "1e400"}),
        ("to_decimal(total)", {"total": "0.1234567890123456789"}),
        ("to_decimal(total)", {}),
        ("iso(at)", {"at": "yesterday"}),
        ("iso(at)", {"at": 7}),
        ("length(a)", {"a": 1}),
    ],
)
def test_what_cannot_be_evaluated_says_so_without_a_value(text, record):
    with pytest.raises(UnmappableError) as seen:
        Expression(text).evaluate(record)
    assert "twelve" not in seen.value.message
    assert "yesterday" not in seen.value.message


@pytest.mark.parametrize(
    "text", ["", "a.", "a b", "((", "nope(a)", "a" * 3_000, "(" * 1_500 + "a" + ")" * 400, "!" * 1_999]
)
def test_bad_expression(text):
    with pytest.raises(InputError) as seen:
        Expression(text)
    assert seen.value.code == "bad-expression"


def test_an_unknown_function_names_the_nearest():
    with pytest.raises(InputError, match="did you mean to_decimal"):
        Expression("a[?to_decimel(x) > `1`]")


@pytest.mark.parametrize(
    "text",
    [
        "|".join(["[@,@]"] * 80),
        "[@,@]" + "[].[@,@]" * 60,
        "join('', [@, @])" + " | join('', [@, @])" * 60,
        "(" + "|".join(["[@,@]"] * 40) + ") == (" + "|".join(["[@,@]"] * 40) + ")",
        "to_string(" + "|".join(["[@,@]"] * 40) + ")",
        "|".join(["{a: @, b: @}"] * 60),
    ],
)
def test_no_expression_can_cost_more_than_its_budget(text):
    """Without a budget each of these would need more time or memory than there is."""
    with pytest.raises(UnmappableError, match="costs too much"):
        Expression(text).evaluate("x" * 100)


@pytest.mark.parametrize(
    ("value", "holds"),
    [(None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), ("x", True), ([0], True)],
)
def test_holds_as_jmespath_says(value, holds):
    assert Expression("v").holds({"v": value}) is holds


def test_time_without_an_offset_is_utc():
    assert rfc3339(moment("2026-03-01T09:30:00")) == "2026-03-01T09:30:00.000000Z"
    with pytest.raises(ValueError, match="not ISO"):
        moment(1_700_000_000)
