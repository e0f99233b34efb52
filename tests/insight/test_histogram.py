import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.insight.histogram import CALL_ANCHOR_US, ERROR_MAX, LAG_ANCHOR_US, bucket_of, quantile_us, within

durations = st.lists(st.integers(1, 3_600_000_000), min_size=1, max_size=80)


def counted(values, anchor):
    buckets = {}
    for value in values:
        bucket = bucket_of(value, anchor)
        buckets[bucket] = buckets.get(bucket, 0) + 1
    return buckets


@given(durations, st.floats(0.01, 1.0))
def test_a_quantile_is_off_by_two_percent_at_most(values, q):
    true = sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]
    found = quantile_us(counted(values, CALL_ANCHOR_US), q, CALL_ANCHOR_US)
    assert abs(found - true) <= true * ERROR_MAX * (1 + 1e-9)


@given(durations, st.sampled_from([CALL_ANCHOR_US, LAG_ANCHOR_US]))
def test_the_number_at_or_under_the_anchor_is_exact(values, anchor):
    assert within(counted(values, anchor)) == sum(value <= anchor for value in values)


@pytest.mark.parametrize("anchor", [CALL_ANCHOR_US, LAG_ANCHOR_US])
def test_one_microsecond_decides_at_the_anchor(anchor):
    assert quantile_us(counted([anchor], anchor), 0.95, anchor) <= anchor
    assert quantile_us(counted([anchor + 1], anchor), 0.95, anchor) > anchor


def test_nothing_counted_has_no_quantile():
    assert quantile_us({}, 0.95, CALL_ANCHOR_US) is None


@given(st.integers(-(10**30), 10**30))
def test_there_are_few_buckets_whatever_a_clock_says(value):
    assert -340 <= bucket_of(value, CALL_ANCHOR_US) <= 340
