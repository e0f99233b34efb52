import pytest

from treadle.insight import figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.00042, "0.0004"),
        (0.0421, "0.042"),
        (3.14159, "3.14"),
        (27.46, "27.5"),
        (99.0, "99"),
        (1840.4, "1840"),
    ],
)
def test_three_digits_that_matter(value, text):
    assert figure.digits(value) == text


@pytest.mark.parametrize(
    ("value_us", "parts"),
    [
        (0, ("0", "ms")),
        (250, ("250", "µs")),
        (12_345, ("12.3", "ms")),
        (5_000_000, ("5", "s")),
        (300_000_000, ("5", "min")),
    ],
)
def test_a_duration_has_the_unit_that_reads_best(value_us, parts):
    assert figure.duration(value_us) == parts


def test_counting_words():
    assert [figure.many(n, "call") for n in (0, 1, 2_000)] == ["0 calls", "1 call", "2,000 calls"]
    assert figure.many(2, "delivery", "deliveries") == "2 deliveries"
