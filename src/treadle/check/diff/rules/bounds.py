"""Kinds of edits of limits: one was set or taken away, raised or lowered."""

from __future__ import annotations

from treadle.check.diff.rules.keyword import Keyword
from treadle.check.schema.edit import Effect

_UPPER = (
    ("max", "its maximum", "must be at most {new}"),
    ("exclusive-max", "its exclusive maximum", "must be less than {new}"),
    ("max-length", "its maximal length", "must have at most {new} characters"),
    ("max-items", "its maximal number of items", "must have at most {new} items"),
    ("max-properties", "its maximal number of properties", "must have at most {new} properties"),
    ("max-contains", "its maximal number of certain items", "must have at most {new} certain items"),
)
_LOWER = (
    ("min", "its minimum", "must be at least {new}"),
    ("exclusive-min", "its exclusive minimum", "must be more than {new}"),
    ("min-length", "its minimal length", "must have at least {new} characters"),
    ("min-items", "its minimal number of items", "must have at least {new} items"),
    ("min-properties", "its minimal number of properties", "must have at least {new} properties"),
    ("min-contains", "its minimal number of certain items", "must have at least {new} certain items"),
)

BOUNDS: tuple[Keyword, ...] = (
    *(
        keyword
        for bounds, raised, lowered in (
            (_UPPER, Effect.WIDENS, Effect.NARROWS),
            (_LOWER, Effect.NARROWS, Effect.WIDENS),
        )
        for id, name, must in bounds
        for keyword in (
            Keyword(f"{id}-set", "constraints", "set", Effect.NARROWS, must),
            Keyword(f"{id}-unset", "constraints", "unset", Effect.WIDENS, f"lost {name}, {{old}}"),
            Keyword(f"{id}-increased", "constraints", "increase", raised, f"raised {name} from {{old}} to {{new}}"),
            Keyword(f"{id}-decreased", "constraints", "decrease", lowered, f"lowered {name} from {{old}} to {{new}}"),
        )
    ),
    Keyword("multiple-of-set", "constraints", "set", Effect.NARROWS, "must be a multiple of {new}"),
    Keyword("multiple-of-unset", "constraints", "unset", Effect.WIDENS, "need no longer be a multiple of {old}"),
    Keyword(
        "multiple-of-changed", "constraints", "change", Effect.CHANGES, "must be a multiple of {new}, not of {old}"
    ),
    Keyword(
        "multiple-of-generalized",
        "constraints",
        "generalize",
        Effect.WIDENS,
        "must be a multiple of {new}, which every multiple of {old} is",
    ),
    Keyword(
        "multiple-of-specialized",
        "constraints",
        "specialize",
        Effect.NARROWS,
        "must be a multiple of {new}, not only of {old}",
    ),
)
