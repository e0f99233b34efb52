"""What one change means under a promise: how it is told, whom it breaks, and which version it asks for."""

from __future__ import annotations

from dataclasses import dataclass

from treadle.check.diff.change import Change
from treadle.check.diff.modes import Policy, Promise
from treadle.check.diff.rule import Level, Rule
from treadle.check.diff.rules.payloads import EVENT, KEYWORD_OF, TOLERABLE
from treadle.check.schema.edit import Effect, Flow, SchemaEdit
from treadle.contract.version import Bump

_ORDER = (Level.INFO, Level.WARNING, Level.ERROR)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`backward` and `forward` say whom it breaks, whatever was promised; `level` and `bump` count the promise."""

    level: Level
    bump: Bump
    backward: bool
    forward: bool


def judge(change: Change, rule: Rule, promise: Promise) -> Judgement:
    """Judge a change by its row, or an edit of a payload by who writes and who reads."""
    if change.edit is not None and rule.id in KEYWORD_OF:
        flow = change.flow or Flow.BOTH
        backward, forward = (_edit(change.edit, rule, each, promise.policy) for each in (flow, _turned(flow)))
    else:
        backward, forward = change.level, Level.ERROR if _forward(change, rule) else Level.INFO
    sides = [side for side, counts in ((backward, promise.mode.backward), (forward, promise.mode.forward)) if counts]
    level = max(sides, key=_ORDER.index)
    return Judgement(level, _bump(level, rule, change.edit), backward is Level.ERROR, forward is Level.ERROR)


def _forward(change: Change, rule: Rule) -> bool:
    """Whether it breaks those who keep to the new version: as the row says, unless this very edit is known better."""
    if change.edit is None:
        return rule.forward
    if change.edit.hidden or change.edit.effect is Effect.NONE:
        return False
    if not rule.lawful:
        return rule.forward
    return change.edit.effect.widens if change.flow is Flow.REQUEST else change.edit.effect.narrows


def _turned(flow: Flow) -> Flow:
    return {Flow.REQUEST: Flow.RESPONSE, Flow.RESPONSE: Flow.REQUEST}.get(flow, flow)


def _edit(edit: SchemaEdit, rule: Rule, flow: Flow, policy: Policy) -> Level:
    """What an edit means where values go one way: refused that were written, or met that nobody expects."""
    keyword = KEYWORD_OF[rule.id]
    event = rule.area == EVENT.area
    if edit.hidden:
        return Level.INFO
    if event and keyword.id == "property-removed":
        # An open object takes it still; but somebody reads it, or means something by sending it.
        return Level.WARNING if flow is Flow.REQUEST and not edit.effect.narrows else Level.ERROR
    # Two patterns that share some texts, say: whether one takes all that the other takes was not decided.
    undecided = keyword.effect is None and edit.effect is Effect.CHANGES
    told = Level.INFO
    if edit.effect.narrows and flow is not Flow.RESPONSE:
        told = Level.WARNING if undecided and edit.narrows is None else Level.ERROR
    if edit.effect.widens and flow is not Flow.REQUEST and told is not Level.ERROR:
        sure = not undecided or edit.widens is not None
        only_format = edit.words.get("dimension") == "format"
        tolerated = policy is Policy.EVOLUTION and event and (keyword.kind in TOLERABLE or only_format)
        told = Level.WARNING if tolerated or not sure else Level.ERROR
    return told


def _bump(level: Level, rule: Rule, edit: SchemaEdit | None) -> Bump:
    if level is Level.ERROR:
        return Bump.MAJOR
    keyword = KEYWORD_OF.get(rule.id)
    usual = keyword.effect if keyword is not None and keyword.kind != "existence" else Effect.NONE
    if edit is not None and edit.effect is Effect.NONE and usual is not Effect.NONE:
        return Bump.PATCH  # a limit that limits nothing here: the same values in other words
    return min(rule.bump, Bump.MINOR)
