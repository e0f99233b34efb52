"""The list of who is slowed down: written down, ended by time, and whole."""

import pytest

from treadle.base.errors import InputError
from treadle.contract.model import Limit
from treadle.control import throttle
from treadle.control.throttle import SECONDS_MAX, Throttles, slowed, wanted
from treadle.gateway.ir import Throttle

NOW_US = 1_795_608_000_000_000
TEN = Limit(10)


def row(consumer="partner", seconds=60, at_us=NOW_US, limit=TEN):
    return slowed(consumer, limit, seconds, "too eager", at_us)


def test_a_throttle_is_there_again_after_a_restart(tmp_path):
    Throttles.open(tmp_path / "t.json").put(row())
    again = Throttles.open(tmp_path / "t.json")
    assert again.now(NOW_US) == [row()]
    assert again.in_force(NOW_US) == (Throttle("partner", Limit(10)),)
    assert (tmp_path / "t.json").stat().st_mode & 0o777 == 0o600


def test_it_ends_by_itself(tmp_path):
    throttles = Throttles.open(tmp_path / "t.json")
    throttles.put(row(seconds=60))
    throttles.put(row("demo-app", seconds=10))
    assert throttles.next_end_us(NOW_US) == NOW_US + 10_000_000
    assert [each.consumer for each in throttles.now(NOW_US + 10_000_000)] == ["partner"]
    assert throttles.in_force(NOW_US + 60_000_000) == ()
    assert throttles.next_end_us(NOW_US + 60_000_000) is None


def test_a_later_one_stands_for_an_earlier_one(tmp_path):
    throttles = Throttles.open(tmp_path / "t.json")
    throttles.put(row())
    throttles.put(row(limit=Limit(1, 10)))
    assert throttles.in_force(NOW_US) == (Throttle("partner", Limit(1, 10)),)


def test_it_can_be_lifted_once(tmp_path):
    throttles = Throttles.open(tmp_path / "t.json")
    throttles.put(row())
    assert throttles.remove("partner", NOW_US) == row()
    assert throttles.remove("partner", NOW_US) is None
    assert Throttles.open(tmp_path / "t.json").now(NOW_US) == []


def test_a_list_that_is_damaged_says_so_and_ends_nothing_in_silence(tmp_path):
    for damage in ("{", "[1]", '[{"consumer": "a"}]'):
        (tmp_path / "t.json").write_text(damage)
        with pytest.raises(InputError) as refused:
            Throttles.open(tmp_path / "t.json")
        assert refused.value.code == "throttles-damaged"


@pytest.mark.parametrize(
    ("consumer", "limit", "seconds"),
    [
        ("two words", Limit(1), 60),
        ("", Limit(1), 60),
        ("x" * 129, Limit(1), 60),
        ("partner", Limit(0), 60),
        ("partner", Limit(1, 0), 60),
        ("partner", Limit(1, burst=-1), 60),
        ("partner", Limit(10**9), 60),
        ("partner", Limit(1, 10**9), 60),
        ("partner", Limit(1), 0),
        ("partner", Limit(1), SECONDS_MAX + 1),
    ],
)
def test_what_cannot_be_kept_is_refused(consumer, limit, seconds):
    with pytest.raises(InputError) as refused:
        slowed(consumer, limit, seconds, "", NOW_US)
    assert refused.value.code == "bad-throttle"
    assert refused.value.hint


def test_a_reason_is_one_line_and_bounded():
    assert slowed("partner", Limit(1), 1, "a\nb\x1b[31m" + "c" * 999, NOW_US).reason.startswith("a b [31mc")
    assert len(slowed("partner", Limit(1), 1, "c" * 999, NOW_US).reason) == 200


def test_there_is_room_for_so_many(tmp_path, monkeypatch):
    monkeypatch.setattr(throttle, "THROTTLES_MAX", 2)
    throttles = Throttles.open(tmp_path / "t.json")
    throttles.put(row("a"))
    throttles.put(row("b"))
    with pytest.raises(InputError):
        throttles.put(row("c"))
    throttles.put(row("b", seconds=5))
    throttles.put(row("c", at_us=NOW_US + 10_000_000))


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"consumer": "a"},
        {"consumer": "a", "limit": {}, "seconds": 1},
        {"consumer": "a", "limit": {"requests": True}, "seconds": 1},
        {"consumer": "a", "limit": {"requests": 1.5}, "seconds": 1},
        {"consumer": 1, "limit": {"requests": 1}, "seconds": 1},
        {"consumer": "a", "limit": {"requests": 1}, "seconds": "1"},
    ],
)
def test_a_request_of_another_form_is_refused(said):
    with pytest.raises(ValueError, match=r"."):
        wanted(said)


def test_a_request_is_read():
    asked = wanted({"consumer": "a", "limit": {"requests": 1, "per_s": 2, "burst": 3}, "seconds": 4, "reason": "why"})
    assert (asked.consumer, asked.limit, asked.seconds, asked.reason) == ("a", Limit(1, 2, 3), 4, "why")
