"""Two versions of one document -> every change, judged under what it promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from treadle.base.errors import InputError
from treadle.check.diff.change import Change, Side
from treadle.check.diff.judge import Judgement, judge
from treadle.check.diff.majors import stale_major
from treadle.check.diff.modes import Promise
from treadle.check.diff.report import Comparison, Proof, Told
from treadle.check.diff.rule import Level, Rule
from treadle.check.diff.rules import BY_ID
from treadle.check.diff.verdict import verdict, version_of
from treadle.check.schema.edit import Spot
from treadle.contract.dialect import Family, dialect_of
from treadle.contract.model import Json, Place
from treadle.contract.version import Bump

if TYPE_CHECKING:
    from treadle.check.diff.proof import Prover

COMPARABLE = (Family.OPENAPI, Family.ASYNCAPI, Family.JSON_SCHEMA)


class _Words(dict[str, str]):
    """The words of a change; one that a message asks for in vain is empty."""

    def __missing__(self, _word: str) -> str:
        return ""


def family_of(old: Side, new: Side) -> Family:
    """The format that both versions are written in. Raises InputError `unknown-kind`, `two-kinds`."""
    found: list[Family] = []
    for side in (old, new):
        dialect = dialect_of(side.library.root(side.file).value)
        if dialect is None or dialect.family not in COMPARABLE:
            what = "Swagger 2.0" if dialect else "neither OpenAPI nor AsyncAPI nor a JSON Schema"
            hint = "convert it to OpenAPI 3" if dialect else "say what it is with --kind"
            raise InputError("unknown-kind", f"{side.file} is {what}", hint)
        found.append(dialect.family)
    if found[0] is not found[1]:
        raise InputError(
            "two-kinds",
            f"{old.file} is {found[0]} and {new.file} is {found[1]}",
            "compare two versions of one document",
        )
    return found[0]


def compare_documents(
    old: Side, new: Side, family: Family, promise: Promise, today: dt.date, *, informed: bool = True
) -> Comparison:
    """Every change with its places, and the verdict. `informed=False` leaves out what is only worth knowing."""
    teller = _Teller(old, new, family)
    told: list[Told] = []
    bumps: list[Bump] = []
    backward = forward = True
    for change in _changes(old, new, family, promise, today):
        rule = BY_ID[change.rule]
        judgement = judge(change, rule, promise)
        bumps.append(judgement.bump)
        backward, forward = backward and not judgement.backward, forward and not judgement.forward
        if informed or judgement.level is not Level.INFO:
            told.append(teller.tell(change, rule, judgement))
    if not bumps and _differ(old, new):
        bumps.append(Bump.PATCH)
    before, after = (version_of(side.library.root(side.file).value) for side in (old, new))
    was, now = (side.library.place_of(side.file, "/info/version") for side in (old, new))
    stale = stale_major(new)
    if stale and not stale_major(old):
        rule = BY_ID["version-without-place"]
        told.append(Told(rule.id, rule.level, rule.message.format_map(stale), "", "", was, now, why=rule.why))
    return Comparison(tuple(told), verdict(bumps, before, after), now, backward, forward)


class _Teller:
    """Tells judged changes of one pair of documents: in words, with their places, and with examples of what breaks."""

    def __init__(self, old: Side, new: Side, family: Family) -> None:
        self._sides = (old, new)
        self._family = family
        self._prover: Prover | None = None

    def tell(self, change: Change, rule: Rule, judgement: Judgement) -> Told:
        old, new = self._sides
        whole = change.schemas or (None, None)
        return Told(
            rule.id,
            judgement.level,
            rule.message.format_map(_Words(change.words)),
            change.path,
            change.operation,
            _place(old, change.old, whole[0]),
            _place(new, change.new, whole[1]),
            backward=judgement.backward,
            forward=judgement.forward,
            proof=self._proof(change, rule, judgement),
            why=rule.why,
            where="" if self._family is Family.JSON_SCHEMA else f"{change.operation} {change.path}".strip(),
        )

    def _proof(self, change: Change, rule: Rule, judgement: Judgement) -> Proof:
        """Validators are loaded only where something breaks."""
        if judgement.level is not Level.ERROR:
            return Proof()
        if self._prover is None:
            from treadle.check.diff.proof import Prover

            self._prover = Prover(*self._sides)
        return self._prover.prove(change, rule, judgement)


def _changes(old: Side, new: Side, family: Family, promise: Promise, today: dt.date) -> Iterable[Change]:
    """The changes of one format, whose comparison is imported when it is needed."""
    match family:
        case Family.ASYNCAPI:
            from treadle.check.diff.asyncapi import diff_asyncapi

            return diff_asyncapi(old, new, today, promise)
        case Family.JSON_SCHEMA:
            from treadle.check.diff.json_schema import diff_json_schema

            return diff_json_schema(old, new, promise.policy)
        case _:
            from treadle.check.diff.openapi import diff_openapi

            return diff_openapi(old, new, today, policy=promise.policy)


def _place(side: Side, spot: Spot, whole: Spot | None) -> Place:
    """Where a spot is. A schema that takes anything stands nowhere, and is told at its whole."""
    where = spot if spot.file or whole is None else whole
    return side.library.place_of(where.file or side.file, where.pointer)


def _differ(old: Side, new: Side) -> bool:
    """Whether anything differs besides the version: words, examples, order. Files that were referred to count."""
    before, after = (_without_version(side.library.root(side.file).value) for side in (old, new))
    if before != after:
        return True
    names = set(new.library.files) - {new.file}
    return old.file == new.file and any(new.library.files.get(each) != old.library.files.get(each) for each in names)


def _without_version(document: Json) -> Json:
    if not isinstance(document, dict) or not isinstance(document.get("info"), dict):
        return document
    return {**document, "info": {**document["info"], "version": ""}}
