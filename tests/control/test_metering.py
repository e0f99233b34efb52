"""Counting calls against quotas: what counts, once each, over restarts and midnights."""

from dataclasses import replace

import pytest

from treadle.contract.model import Consumer, Limit, Place, Settings, Tier
from treadle.control import metering
from treadle.control.metering import Meter, bounds, counts
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.log import FactLog
from treadle.gateway.ir import Exhausted

HERE = Place("treadle.yaml")
NOON_US = 1_795_608_000_000_000  # 2026-11-25T12:00:00Z
DAY_US = 86_400_000_000
MIDNIGHT_S = NOON_US // 1_000_000 + 43_200
CALL = Fact(FactKind.CALL, NOON_US, Outcome.OK, consumer="partner", status=200)
SETTINGS = Settings(
    name="acme",
    environment="local",
    audience="https://api.acme.example",
    tiers={"bronze": Tier("bronze", Limit(5), day=3, month=5), "gold": Tier("gold", Limit(100))},
    consumers={
        "partner": Consumer("partner", "platform", "bronze", HERE),
        "demo-app": Consumer("demo-app", "platform", "gold", HERE),
    },
    domains={},
    services=(),
    subscriptions=(),
    connectors=(),
    ports={},
    engines={},
)


@pytest.fixture
def log(tmp_path):
    with FactLog(tmp_path / "facts") as it:
        yield it


@pytest.fixture
def path(tmp_path):
    return tmp_path / "quotas.json"


def opened(path, log):
    return Meter.open(path, log.read, log.last_seq)


def kept(meter, now_us=NOON_US):
    meter.write(meter.encode(now_us))


def used(meter, window="day", consumer="partner", now_us=NOON_US):
    return meter.used(consumer, window, now_us)


# -- what counts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "code", "counted"),
    [
        (Outcome.OK, "", True),
        (Outcome.REFUSED, "UPSTREAM_4XX", True),
        (Outcome.FAILED, "UPSTREAM_5XX", True),
        (Outcome.FAILED, "UPSTREAM_TIMEOUT", True),
        (Outcome.FAILED, "CALLER_GONE", True),
        (Outcome.FAILED, "UPSTREAM_UNAVAILABLE", False),
        (Outcome.REFUSED, "RATE_LIMIT", False),
        (Outcome.REFUSED, "QUOTA_EXCEEDED", False),
        (Outcome.REFUSED, "THROTTLED", False),
        (Outcome.REFUSED, "FORBIDDEN", False),
        (Outcome.REFUSED, "CONTRACT_VIOLATION", False),
    ],
)
def test_a_call_counts_where_it_reached_a_service(outcome, code, counted):
    assert counts(replace(CALL, outcome=outcome, code=code)) is counted


def test_what_is_no_call_or_is_nobodys_does_not_count():
    assert not counts(replace(CALL, kind=FactKind.EVENT))
    assert not counts(replace(CALL, consumer=""))


# -- windows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "at", "name", "end"),
    [
        ("day", 1_795_608_000, "2026-11-25", 1_795_651_200),
        ("day", 1_795_651_199, "2026-11-25", 1_795_651_200),
        ("day", 1_795_651_200, "2026-11-26", 1_795_737_600),
        ("month", 1_795_608_000, "2026-11", 1_796_083_200),
        ("month", 1_798_675_200, "2026-12", 1_798_761_600),
        ("month", 1_835_308_800, "2028-02", 1_835_481_600),
    ],
)
def test_windows_are_those_of_utc(window, at, name, end):
    assert bounds(window, at * 1_000_000) == (name, end)


def test_a_call_counts_in_the_day_in_which_it_began(path, log):
    log.append([replace(CALL, at_us=NOON_US - DAY_US), CALL, replace(CALL, at_us=NOON_US + DAY_US)])
    meter = opened(path, log)
    assert [used(meter, now_us=NOON_US + days * DAY_US) for days in (-1, 0, 1, 2)] == [1, 1, 1, 0]
    assert used(meter, "month") == 3


# -- once each, over restarts ------------------------------------------------------------------------------------------


def test_a_restart_forgets_nothing_and_counts_nothing_twice(path, log):
    meter = opened(path, log)
    meter.add(log.append([CALL] * 4))
    kept(meter)
    meter.add(log.append([CALL] * 3))  # stored, and not written down: the process is killed here
    again = opened(path, log)
    assert (used(meter), used(again)) == (7, 7)
    again.add(log.read(0))
    assert used(again) == 7, "facts are told apart by their number"


def test_without_its_file_everything_is_counted_again(path, log):
    meter = opened(path, log)
    meter.add(log.append([CALL] * 4))
    kept(meter)
    for damage in (b"", b"{", b"[]", b'{"form": 0}'):
        path.write_bytes(damage)
        assert used(opened(path, log)) == 4
    path.unlink()
    assert used(opened(path, log)) == 4


def test_the_counts_of_another_log_are_not_taken(tmp_path, path, log):
    meter = opened(path, log)
    meter.add(log.append([CALL] * 4))
    kept(meter)
    with FactLog(tmp_path / "other") as other:
        other.append([replace(CALL, at_us=NOON_US + number) for number in range(1, 9)])
        assert used(opened(path, other)) == 8
    with FactLog(tmp_path / "shorter") as shorter:
        shorter.append([CALL])
        assert used(opened(path, shorter)) == 1


def test_windows_that_are_over_are_not_kept(path, log):
    log.append([replace(CALL, at_us=NOON_US - 30 * DAY_US), CALL])
    meter = opened(path, log)
    kept(meter)
    assert b"2026-10" not in path.read_bytes()
    assert used(opened(path, log), "month") == 1


def test_nothing_new_is_not_written_again(path, log):
    meter = opened(path, log)
    meter.add(log.append([CALL]))
    assert meter.encode(NOON_US)
    assert meter.encode(NOON_US) == b""
    meter.unsaved()
    assert meter.encode(NOON_US)


# -- who is out of quota -----------------------------------------------------------------------------------------------


def test_who_has_used_up_a_window_is_out_of_quota_until_its_end(path, log):
    meter = opened(path, log)
    meter.settings = SETTINGS
    meter.crossed = False
    meter.add(log.append([CALL] * 2))
    assert (meter.crossed, meter.exhausted(SETTINGS, NOON_US)) == (False, ())
    meter.add(log.append([CALL]))
    assert meter.crossed
    assert meter.exhausted(SETTINGS, NOON_US) == (Exhausted("partner", "day", MIDNIGHT_S),)
    assert meter.exhausted(SETTINGS, NOON_US + DAY_US) == ()


def test_the_month_goes_on_where_the_day_begins_anew(path, log):
    log.append([replace(CALL, at_us=NOON_US + days * DAY_US) for days in (0, 0, 1, 1, 2)])
    out = opened(path, log).exhausted(SETTINGS, NOON_US + 2 * DAY_US)
    assert [(each.consumer, each.window) for each in out] == [("partner", "month")]


def test_a_raised_tier_gives_the_rest_back_at_once(path, log):
    log.append([CALL] * 3)
    meter = opened(path, log)
    raised = replace(SETTINGS, tiers={**SETTINGS.tiers, "bronze": Tier("bronze", Limit(5), day=4)})
    assert meter.exhausted(SETTINGS, NOON_US)
    assert meter.exhausted(raised, NOON_US) == ()


def test_a_tier_that_gets_a_quota_counts_what_was_called_before(path, log):
    log.append([replace(CALL, consumer="demo-app")] * 3)
    meter = opened(path, log)
    assert meter.exhausted(SETTINGS, NOON_US) == ()
    metered = replace(SETTINGS, tiers={**SETTINGS.tiers, "gold": Tier("gold", Limit(5), day=2)})
    assert [each.consumer for each in meter.exhausted(metered, NOON_US)] == ["demo-app"]


def test_every_quota_is_told_with_what_is_used_of_it(path, log):
    log.append([CALL] * 2)
    meter = opened(path, log)
    rows = [
        (each.consumer, each.window, each.used, each.limit, each.exhausted) for each in meter.quotas(SETTINGS, NOON_US)
    ]
    assert rows == [("partner", "day", 2, 3, False), ("partner", "month", 2, 5, False)]


def test_who_is_in_no_list_has_the_quota_of_the_tier_default(path, log):
    log.append([replace(CALL, consumer="stranger")] * 2)
    meter = opened(path, log)
    assert meter.exhausted(SETTINGS, NOON_US) == ()
    strict = replace(SETTINGS, tiers={**SETTINGS.tiers, "default": Tier("default", Limit(5), day=2)})
    assert [each.consumer for each in meter.exhausted(strict, NOON_US)] == ["stranger"]


def test_names_out_of_tokens_do_not_fill_the_memory(path, log, monkeypatch):
    monkeypatch.setattr(metering, "UNLISTED_MAX", 3)
    meter = opened(path, log)
    meter.settings = SETTINGS
    meter.add(log.append([replace(CALL, consumer=f"stranger-{number}") for number in range(9)] + [CALL] * 2))
    assert sum(used(meter, consumer=f"stranger-{number}") for number in range(9)) == 3
    assert used(meter) == 2, "who is listed is counted always"


def test_of_whom_was_told_is_kept(path, log):
    meter = opened(path, log)
    meter.add(log.append([CALL] * 3))
    meter.told = frozenset(meter.exhausted(SETTINGS, NOON_US))
    kept(meter)
    assert opened(path, log).told == meter.told != frozenset()
