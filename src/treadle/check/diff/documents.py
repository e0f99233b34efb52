"""Two versions of one document -> every change, judged under what it promises."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from treadle.base.errors import InputError
from treadle.check.diff.change import Change, Side
from treadle.check.diff.judge import judge
from treadle.check.diff.modes import Promise
from treadle.check.diff.report import Comparison, Told
from treadle.check.diff.rule import Level
from treadle.check.diff.rules import BY_ID
from treadle.check.diff.verdict import verdict, version_of
from treadle.check.schema.edit import Spot
from treadle.contract.dialect import Family, dialect_of
from treadle.contract.model import Json, Place
from treadle.contract.version import Bump, read_version


class _Words(dict[str, str]):
    """The words of a change; one that a message asks for in vain is empty."""

    def __missing__(self, _word: str) -> str:
        return ""


if TYPE_CHECKING:
    from treadle.check.diff.proof import Prover

COMPARABLE = (Family.OPENAPI, Family.ASYNCAPI, Family.JSON_SCHEMA)
_PATH_MAJOR = re.compile(r"/v(\d{1,9})(?:/|\Z)")
_CHANNEL_MAJOR = re.compile(r"\.v(\d{1,9})\Z")


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
    prover: Prover | None = None
    told: list[Told] = []
    bumps: list[Bump] = []
    backward = forward = True
    for change in _changes(old, new, family, promise, today):
        rule = BY_ID[change.rule]
        judgement = judge(change, rule, promise)
        bumps.append(judgement.bump)
        backward, forward = backward and not judgement.backward, forward and not judgement.forward
        if judgement.level is Level.INFO and not informed:
            continue
        proof, witness = None, None
        if judgement.level is Level.ERROR:
            prover = prover or _prover(old, new)
            proof, witness = prover.prove(change, rule, judgement)
        told.append(
            Told(
                rule.id,
                judgement.level,
                rule.message.format_map(_Words(change.words)),
                change.path,
                change.operation,
                _place(old, change.old, change.schemas and change.schemas[0]),
                _place(new, change.new, change.schemas and change.schemas[1]),
                judgement.backward,
                judgement.forward,
                proof,
                witness,
                change.edit is not None,
                rule.why,
                "" if family is Family.JSON_SCHEMA else f"{change.operation} {change.path}".strip(),
            )
        )
    if not bumps and _differ(old, new):
        bumps.append(Bump.PATCH)
    versions = [version_of(side.library.root(side.file).value) for side in (old, new)]
    places = [side.library.place_of(side.file, "/info/version") for side in (old, new)]
    stale = _stale_major(new)
    if stale and not _stale_major(old):
        told.append(_without_place(stale, versions[1], *places))
    return Comparison(tuple(told), verdict(bumps, *versions), places[1], backward, forward)


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

            return diff_openapi(old, new, today)


def _stale_major(side: Side) -> tuple[str, int] | None:
    """A path or channel whose major is not that of `info.version`, where none has it; with the major that it says."""
    document = side.library.root(side.file).value
    version = read_version(version_of(document))
    said = list(majors(document))
    if version is None or not said or any(major == version.major for _, major in said):
        return None
    return said[0]


def _place(side: Side, spot: Spot, whole: Spot | None) -> Place:
    """Where a spot is. A schema that takes anything stands nowhere, and is told at its whole."""
    where = spot if spot.file or whole is None else whole
    return side.library.place_of(where.file or side.file, where.pointer)


def _prover(old: Side, new: Side) -> Prover:
    """Validators are loaded only where something breaks."""
    from treadle.check.diff.proof import Prover

    return Prover(old, new)


def _without_place(stale: tuple[str, int], version: str, old: Place, new: Place) -> Told:
    """The word about a new major that has no paths or channels of its own."""
    rule = BY_ID["version-without-place"]
    words = {"new": version, "name": version.partition(".")[0], "old": stale[0], "declared": str(stale[1])}
    return Told(rule.id, rule.level, rule.message.format_map(words), "", "", old, new, why=rule.why)


def majors(document: Json) -> Iterator[tuple[str, int]]:
    """Every path and channel that says its major (`/v1/orders`, `sales.order.created.v1`), with it."""
    if not isinstance(document, dict):
        return
    paths, channels = document.get("paths"), document.get("channels")
    for path in paths if isinstance(paths, dict) else ():
        if match := _PATH_MAJOR.match(path):
            yield path, int(match[1])
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        address = channel.get("address") if isinstance(channel, dict) else None
        text = address if isinstance(address, str) else name
        if match := _CHANNEL_MAJOR.search(text):
            yield text, int(match[1])


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
