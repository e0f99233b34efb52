"""A fact as one line of JSON, the form in which the log keeps it.

Fields that hold their default are left out and come back on reading; `seq` is never written, because the log
derives it from the line's place. A field that this version does not know is skipped, so that a newer writer may add
one.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

import orjson

from treadle.base.errors import InputError
from treadle.facts.fact import Fact, FactKind, Outcome

TEXT_CHARS_MAX = 1024
"""A longer text is cut and ends in an ellipsis: what a client sends must not decide how much the log keeps of it."""

_INT_MAX = 2**63 - 1  # what the index can hold
_DEFAULTS: dict[str, Any] = {
    each.name: each.default for each in fields(Fact) if each.default is not MISSING and each.name != "seq"
}
_TYPES = {name: type(default) for name, default in _DEFAULTS.items()}
_KINDS = {kind.value: kind for kind in FactKind}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_optional = attrgetter(*_DEFAULTS)


def encode(fact: Fact) -> bytes:
    """One line without its newline. Raises InputError `fact-not-storable` for a value that no log could give back."""
    row: dict[str, Any] = {"kind": fact.kind.value, "at_us": _number(fact, "at_us", fact.at_us)}
    row["outcome"] = fact.outcome.value
    for (name, default), value in zip(_DEFAULTS.items(), _optional(fact), strict=True):
        if value != default:
            row[name] = _text(fact, name, value) if default == "" else _number(fact, name, value)
    try:
        return orjson.dumps(row)
    except orjson.JSONEncodeError:
        # Half a surrogate pair, from bytes that were not UTF-8: shown as an escape rather than lost.
        return orjson.dumps({name: _valid(value) if isinstance(value, str) else value for name, value in row.items()})


def decode(line: bytes, seq: int = 0) -> Fact:
    """The fact of one line, under the number that its place gives it. Raises ValueError for anything else."""
    row = orjson.loads(line)
    try:
        kind, at_us, outcome = _KINDS[row.pop("kind")], row.pop("at_us"), _OUTCOMES[row.pop("outcome")]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a fact of a known kind") from error
    if type(at_us) is not int:
        raise ValueError("the time is not a number")
    known = row if row.keys() <= _TYPES.keys() else {name: row[name] for name in row.keys() & _TYPES.keys()}
    for name, value in known.items():
        if type(value) is not _TYPES[name]:
            raise ValueError(f"the field {name!r} has the wrong type")
    return Fact(kind, at_us, outcome, seq=seq, **known)


def as_json(document: Any) -> bytes:
    """A document for machines, with facts in it as objects that have every field."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _text(fact: Fact, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _not_storable(fact, name)
    return value if len(value) <= TEXT_CHARS_MAX else value[: TEXT_CHARS_MAX - 1] + "…"


def _number(fact: Fact, name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT_MAX <= value <= _INT_MAX:
        raise _not_storable(fact, name)
    return value


def _not_storable(fact: Fact, name: str) -> InputError:
    return InputError(
        "fact-not-storable",
        f"the field {name!r} of a {fact.kind.value} fact cannot be stored",
        "texts are strings, numbers are integers of at most 63 bits",
    )


def _valid(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
