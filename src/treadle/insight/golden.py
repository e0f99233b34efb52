"""The golden signals of the fabric, as tiles: a number, what it is judged against, and how it stands.

A tile's number, objective and state always speak of the same thing. Where all contracts are well and share one
objective, that thing is all of them together; else it is the contract that stands worst, and the tile names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from treadle.contract.model import Contract, Kind, Slo
from treadle.insight import figure
from treadle.insight.health import (
    CALL_ENGINES,
    DEAD_SHARE_MAX,
    EVENT_ENGINES,
    JUDGED_S,
    SAMPLE_MIN,
    Verdict,
    dead_verdict,
    error_verdict,
    lag_verdict,
    p95_verdict,
    rate_of,
)
from treadle.insight.rollup import EVERYTHING, KEPT_S, Count, Measure, Scope
from treadle.insight.sight import Sight
from treadle.insight.state import Engine, State, missing

STEP_S = 5
"""One point of a tile's series stands for this many seconds."""

UNKNOWN = "—"
"""Shown in place of a number that nobody knows."""

Series = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the fabric. `text` and `unit` are the number as shown; `series` its course, oldest first.

    A point of `series` is None where nothing was measured, or where the engine behind it is away. `limit` is the
    objective in the units of `value` and `series`, None where there is none. `of` names what the number speaks of.
    `since_us` is set only in state `NO_DATA`: since when nobody knows.
    """

    key: str
    title: str
    state: State
    value: float | None
    text: str
    unit: str
    of: str
    objective: str
    limit: float | None
    note: str
    since_us: int | None
    series: Series


def tiles(sight: Sight) -> tuple[Tile, ...]:
    """The six tiles, in reading order: calls, failed calls, latency, events, lag, dead letters."""
    no_calls, no_events = missing(sight.engines, CALL_ENGINES), missing(sight.engines, EVENT_ENGINES)
    made = (
        _rate(sight, Measure.CALL),
        _errors(sight),
        _p95(sight),
        _rate(sight, Measure.EVENT),
        _lag(sight),
        _dead(sight),
    )
    return tuple(
        _blank(tile, away, sight.now_us) if away else tile
        for tile, away in zip(made, (no_calls,) * 3 + (no_events,) * 3, strict=True)
    )


def _rate(sight: Sight, measure: Measure) -> Tile:
    minute = sight.rollup.count(measure, EVERYTHING, sight.now_us, JUDGED_S)
    rate = rate_of(sight.rollup, measure, EVERYTHING, sight.now_us)
    idle = minute.n == 0
    refused = f", {minute.refused:,} refused by policy" if minute.refused else ""
    calls = measure is Measure.CALL
    noun = "call" if calls else "event"
    return Tile(
        key="calls" if calls else "events",
        title="Calls" if calls else "Events",
        state=State.IDLE if idle else State.OK,
        value=rate,
        text=figure.digits(rate),
        unit="/s",
        of="all APIs" if calls else "all channels",
        objective="no objective",
        limit=None,
        note=f"no {noun}s in the last minute" if idle else f"{figure.many(minute.n, noun)} in the last minute{refused}",
        since_us=None,
        series=tuple(each.n / STEP_S for each in _steps(sight, measure)),
    )


def _errors(sight: Sight) -> Tile:
    apis = [each for each in sight.workspace.contracts if each.kind is Kind.OPENAPI]
    each = {api.id: error_verdict(_minute(sight, Measure.CALL, Scope(contract=api.id)), api.slo) for api in apis}
    whole = error_verdict(_minute(sight, Measure.CALL, EVERYTHING), _common(apis, lambda slo: slo.success))
    of, verdict = _speaks_of("all APIs", whole, each)
    text, unit = figure.share(verdict.value) if verdict.value is not None else (UNKNOWN, "")
    return Tile(
        key="errors",
        title="Failed calls",
        state=verdict.state,
        value=verdict.value,
        text=text,
        unit=unit,
        of=of,
        objective=f"at most {figure.joined(figure.share(verdict.limit))}",
        limit=verdict.limit,
        note=_sample(verdict, "call", "calls"),
        since_us=None,
        series=tuple(step.failed_share for step in _steps(sight, Measure.CALL)),
    )


def _p95(sight: Sight) -> Tile:
    apis = [each for each in sight.workspace.contracts if each.kind is Kind.OPENAPI]
    each = {api.id: p95_verdict(_minute(sight, Measure.CALL, Scope(contract=api.id)), api.slo) for api in apis}
    whole = p95_verdict(_minute(sight, Measure.CALL, EVERYTHING), _common(apis, lambda slo: slo.p95_ms))
    of, verdict = _speaks_of("all APIs", whole, each)
    return _timed("p95", "Latency p95", of, verdict, _sample(verdict, "call", "calls"), _steps(sight, Measure.CALL))


def _lag(sight: Sight) -> Tile:
    each = {
        name: lag_verdict(
            _minute(sight, Measure.LAG, Scope(operation=name)), sight.oldest_us(name), contract.slo, sight.now_us
        )
        for name, contract in sight.channels.items()
    }
    total = _minute(sight, Measure.LAG, EVERYTHING)
    topics = tuple(sight.channels.values())
    whole = lag_verdict(total, None, _common(topics, lambda slo: slo.lag_s), sight.now_us)
    of, verdict = _speaks_of("all channels", whole, each)
    note = _sample(verdict, "delivery", "deliveries")
    if verdict.state is State.BREACH and of in sight.groups:
        waiting = sum(sight.rollup.waiting(of, group) for group in sight.groups[of])
        note = f"{figure.many(waiting, 'delivery', 'deliveries')} waiting" if waiting else note
    return _timed("lag", "Event lag p95", of, verdict, note, _steps(sight, Measure.LAG))


def _dead(sight: Sight) -> Tile:
    dead = sight.rollup.count(Measure.DEAD, EVERYTHING, sight.now_us, KEPT_S).n
    accepted = sight.rollup.count(Measure.EVENT, EVERYTHING, sight.now_us, KEPT_S).n
    verdict = dead_verdict(dead, accepted)
    part = figure.joined(figure.share(verdict.value or 0.0)) if dead else "none"
    return Tile(
        key="dead",
        title="Dead letters",
        state=verdict.state,
        value=float(dead),
        text=f"{dead:,}",
        unit="",
        of="all channels",
        objective=f"at most {figure.joined(figure.share(DEAD_SHARE_MAX))} of events",
        limit=None,
        note=f"{part} of {figure.many(verdict.sample, 'event')} in 5 min"
        if verdict.sample
        else "no events in the last 5 minutes",
        since_us=None,
        series=tuple(float(step.n) for step in _steps(sight, Measure.DEAD)),
    )


def _timed(key: str, title: str, of: str, verdict: Verdict, note: str, steps: Iterable[Count]) -> Tile:  # noqa: PLR0917 (parts of one tile)
    """A tile whose number is a 95th percentile in microseconds."""
    text, unit = figure.duration(verdict.value) if verdict.value is not None else (UNKNOWN, "")
    return Tile(
        key=key,
        title=title,
        state=verdict.state,
        value=verdict.value,
        text=text,
        unit=unit,
        of=of,
        objective=f"at most {figure.joined(figure.duration(verdict.limit))}",
        limit=verdict.limit,
        note=note,
        since_us=None,
        series=tuple(step.quantile_us(0.95) for step in steps),
    )


def _steps(sight: Sight, measure: Measure) -> tuple[Count, ...]:
    return sight.rollup.series(measure, sight.now_us, step_s=STEP_S)


def _minute(sight: Sight, measure: Measure, scope: Scope) -> Count:
    return sight.rollup.count(measure, scope, sight.now_us, JUDGED_S)


def _blank(tile: Tile, away: Engine, now_us: int) -> Tile:
    """What a tile shows while the engine behind it is away: no number, and since when there is none."""
    gone_steps = max(1, -(-(now_us - away.since_us) // (STEP_S * 1_000_000)))
    known = max(0, len(tile.series) - gone_steps)
    return Tile(
        key=tile.key,
        title=tile.title,
        state=State.NO_DATA,
        value=None,
        text=UNKNOWN,
        unit="",
        of=tile.of,
        objective=tile.objective,
        limit=tile.limit,
        note=f"{away.name} is {away.run}",
        since_us=away.since_us,
        series=tile.series[:known] + (None,) * (len(tile.series) - known),
    )


def _speaks_of(all_of_them: str, whole: Verdict, each: Mapping[str, Verdict]) -> tuple[str, Verdict]:
    """What a tile's number is about, and that number held to its limit."""
    seen = {id: verdict for id, verdict in each.items() if verdict.state is not State.IDLE}
    well = all(verdict.state is State.OK for verdict in seen.values())
    if well and len({verdict.limit for verdict in seen.values()} | {whole.limit}) == 1:
        return all_of_them, whole
    if not seen:
        return all_of_them, whole
    return max(
        seen.items(),
        key=lambda item: (item[1].state is State.BREACH, item[1].state is State.WATCH, item[1].ratio),
    )


def _common(contracts: Sequence[Contract], objective: Callable[[Slo], float | None]) -> Slo:
    """The objective that all contracts share, or the fabric's own where they differ."""
    kept = {objective(each.slo) for each in contracts}
    return contracts[0].slo if contracts and len(kept) == 1 else Slo()


def _sample(verdict: Verdict, noun: str, plural: str) -> str:
    if verdict.state is State.IDLE:
        return f"no {plural} in the last minute"
    few = ", too few to judge hard" if verdict.state is State.WATCH and verdict.sample < SAMPLE_MIN else ""
    return f"of {figure.many(verdict.sample, noun, plural)} in the last minute{few}"
