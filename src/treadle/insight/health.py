"""How one contract does against its own objectives, as values.

A contract that names no objective is held to the fabric's: 99.5 % good calls, 400 ms at the 95th percentile, 5 s from
accepted to delivered, one dead letter in a thousand events.
"""

from __future__ import annotations

from dataclasses import dataclass

from treadle.contract.model import Contract, Kind, Slo
from treadle.insight import figure
from treadle.insight.rollup import KEPT_S, Count, Measure, Rollup, Scope
from treadle.insight.sight import Sight
from treadle.insight.state import State, missing, worst

SUCCESS_MIN = 0.995
P95_MS_MAX = 400
LAG_S_MAX = 5
DEAD_SHARE_MAX = 0.001

RATE_S = 10
"""Rates are means over this many seconds: short enough to be live, long enough not to flicker."""
JUDGED_S = 60
"""Objectives are judged over this many seconds, and slow rates are means over them: below one a second."""
WATCH_RATIO = 0.8
"""Where a number comes this near to its limit, it is watched."""
SAMPLE_MIN = 20
"""Fewer than this cannot breach, only be watched: one failure at night is not an outage."""

CALL_ENGINES = ("envoy", "collector")
EVENT_ENGINES = ("nats", "guard", "collector")


def rate_of(rollup: Rollup, measure: Measure, scope: Scope, now_us: int) -> float:
    """How many a second."""
    minute = rollup.count(measure, scope, now_us, JUDGED_S).n
    if minute < JUDGED_S:
        return minute / JUDGED_S
    return rollup.count(measure, scope, now_us, RATE_S).n / RATE_S


@dataclass(frozen=True, slots=True)
class Verdict:
    """One number against its limit. `ratio` is the number over the limit, so 1 and more is over it."""

    state: State
    value: float | None
    limit: float
    sample: int

    @property
    def ratio(self) -> float:
        """How much of the limit is used."""
        return 0.0 if self.value is None else self.value / self.limit


def judge(value: float | None, limit: float, sample: int) -> Verdict:
    """Hold a number to its limit."""
    if value is None or sample == 0:
        state = State.IDLE
    elif value > limit:
        state = State.BREACH if sample >= SAMPLE_MIN else State.WATCH
    else:
        state = State.WATCH if value >= WATCH_RATIO * limit else State.OK
    return Verdict(state, value, limit, sample)


def error_limit(slo: Slo) -> float:
    """The largest share of failed calls, in 0..1: 0.1 for an objective of 0.9, not 0.0999…8."""
    return round(1 - (SUCCESS_MIN if slo.success is None else slo.success), 9)


def p95_limit_us(slo: Slo) -> float:
    """The largest 95th percentile of latency, in microseconds."""
    return 1_000.0 * (P95_MS_MAX if slo.p95_ms is None else slo.p95_ms)


def lag_limit_us(slo: Slo) -> float:
    """The largest lag from accepted to delivered, in microseconds."""
    return 1_000_000.0 * (LAG_S_MAX if slo.lag_s is None else slo.lag_s)


def error_verdict(counted: Count, slo: Slo) -> Verdict:
    """Failed calls among those let through."""
    return judge(counted.failed_share, error_limit(slo), counted.n - counted.refused)


def p95_verdict(counted: Count, slo: Slo) -> Verdict:
    """The 95th percentile of all calls."""
    return judge(counted.quantile_us(0.95), p95_limit_us(slo), counted.n)


def lag_verdict(counted: Count, oldest_us: int | None, slo: Slo, now_us: int) -> Verdict:
    """The 95th percentile of lag, or the age of the oldest event still on its way where that is more.

    An age is judged at once, however few events there are: a single event that nobody takes is late by itself.
    """
    p95, limit = counted.quantile_us(0.95), lag_limit_us(slo)
    age = None if oldest_us is None else float(max(now_us - oldest_us, 0))
    if age is not None and age > limit and age > (p95 or 0):
        return Verdict(State.BREACH, age, limit, counted.n + 1)
    return judge(p95, limit, counted.n)


def dead_verdict(dead: int, accepted: int) -> Verdict:
    """Dead letters among all events that were offered."""
    offered = dead + accepted
    return judge(dead / offered if offered else None, DEAD_SHARE_MAX, offered)


@dataclass(frozen=True, slots=True)
class Health:
    """A contract's numbers. Rates are per second; a share is in 0..1; what was not measured is None.

    `service` is how it answers or delivers, `letters` how its dead letters stand; `state` is the worse of the two.
    `reason` says in words what is not as it should be, or that there was nothing to do; it is empty when all is well.
    """

    service: State
    rate: float
    n: int
    refused: int
    letters: State = State.IDLE
    error_share: float | None = None
    p95_us: float | None = None
    lag_us: float | None = None
    dead: int = 0
    reason: str = ""

    @property
    def state(self) -> State:
        """How the contract stands."""
        return worst((self.service, self.letters))

    @property
    def note(self) -> str:
        """The one number beside the rate that matters most now."""
        if self.state is State.NO_DATA:
            return self.reason
        if self.dead:
            return f"{self.dead:,} dead"
        if self.error_share and self.error_share > 1 - SUCCESS_MIN:
            return figure.joined(figure.share(self.error_share)) + " failed"
        if self.p95_us is not None:
            return "p95 " + figure.joined(figure.duration(self.p95_us))
        return "" if self.lag_us is None else "lag " + figure.joined(figure.duration(self.lag_us))

    @property
    def text(self) -> str:
        """One line: the rate, and all that was measured."""
        if self.state is State.NO_DATA:
            return self.reason
        parts = [f"{figure.digits(self.rate)} /s"]
        if self.p95_us is not None:
            parts.append("p95 " + figure.joined(figure.duration(self.p95_us)))
        if self.lag_us is not None:
            parts.append("lag " + figure.joined(figure.duration(self.lag_us)))
        if self.error_share:
            parts.append(figure.joined(figure.share(self.error_share)) + " failed")
        if self.dead:
            parts.append(f"{self.dead} dead")
        return " · ".join(parts)


def contract_health(contract: Contract, sight: Sight) -> Health:
    """A contract's live numbers and state."""
    if contract.kind is Kind.OPENAPI:
        return api_health(contract, sight)
    parts = [channel_health(contract, channel.name, sight) for channel in contract.channels]
    if not parts:
        return Health(State.IDLE, 0.0, 0, 0, reason="no channels")
    state = worst(each.state for each in parts)
    return Health(
        service=worst(each.service for each in parts),
        letters=worst(each.letters for each in parts),
        rate=sum(each.rate for each in parts),
        n=sum(each.n for each in parts),
        refused=sum(each.refused for each in parts),
        lag_us=max((each.lag_us for each in parts if each.lag_us is not None), default=None),
        dead=sum(each.dead for each in parts),
        reason=next(each.reason for each in parts if each.state is state),
    )


def api_health(contract: Contract, sight: Sight) -> Health:
    """An API's numbers over the last minute."""
    away = missing(sight.engines, CALL_ENGINES)
    scope = Scope(contract=contract.id)
    judged = sight.rollup.count(Measure.CALL, scope, sight.now_us, JUDGED_S)
    if away:
        return Health(State.NO_DATA, 0.0, judged.n, judged.refused, reason=f"{away.name} is {away.run}")
    errors, p95 = error_verdict(judged, contract.slo), p95_verdict(judged, contract.slo)
    reasons = []
    if errors.state in {State.WATCH, State.BREACH}:
        reasons.append(f"{_percent(errors.value)} of calls failed, objective {_percent(errors.limit)}")
    if p95.state in {State.WATCH, State.BREACH}:
        reasons.append(f"p95 {_time(p95.value)}, objective {_time(p95.limit)}")
    return Health(
        service=worst((errors.state, p95.state)),
        rate=rate_of(sight.rollup, Measure.CALL, scope, sight.now_us),
        n=judged.n,
        refused=judged.refused,
        error_share=errors.value,
        p95_us=p95.value,
        reason="; ".join(reasons) or ("" if judged.n else "no calls in the last minute"),
    )


def channel_health(contract: Contract, channel: str, sight: Sight) -> Health:
    """A channel's numbers: rate and lag over the last minute, dead letters over all the time that is kept."""
    away = missing(sight.engines, EVENT_ENGINES)
    scope = Scope(operation=channel)
    judged = sight.rollup.count(Measure.EVENT, scope, sight.now_us, JUDGED_S)
    kept = sight.rollup.count(Measure.EVENT, scope, sight.now_us, KEPT_S)
    dead = sight.rollup.count(Measure.DEAD, scope, sight.now_us, KEPT_S).n
    if away:
        return Health(State.NO_DATA, 0.0, judged.n, dead, dead=dead, reason=f"{away.name} is {away.run}")
    lags = sight.rollup.count(Measure.LAG, scope, sight.now_us, JUDGED_S)
    lag = lag_verdict(lags, sight.oldest_us(channel), contract.slo, sight.now_us)
    letters = dead_verdict(dead, kept.n)
    reasons = []
    if lag.state in {State.WATCH, State.BREACH}:
        reasons.append(f"lag {_time(lag.value)}, objective {_time(lag.limit)}")
    if letters.state in {State.WATCH, State.BREACH}:
        reasons.append(f"{figure.many(dead, 'dead letter')} in 5 min")
    return Health(
        service=worst((lag.state, State.OK if judged.n else State.IDLE)),
        letters=letters.state if dead else State.IDLE,
        rate=rate_of(sight.rollup, Measure.EVENT, scope, sight.now_us),
        n=judged.n,
        refused=dead,
        lag_us=lag.value,
        dead=dead,
        reason="; ".join(reasons) or ("" if judged.n else "no events in the last minute"),
    )


def _percent(value: float | None) -> str:
    return figure.joined(figure.share(value or 0.0))


def _time(value_us: float | None) -> str:
    return figure.joined(figure.duration(value_us or 0.0))
