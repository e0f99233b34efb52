"""Rows about promises of time: deprecation, sunset dates, stability.

They are violations of the process, not of the wire: whoever is broken is broken later, without having been told.
"""

from __future__ import annotations

from treadle.check.diff.rule import Direction, Level, Rule, row
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

_OPERATION = (Direction.NONE, "paths", "lifecycle", "change")
_PARAMETER = (Direction.REQUEST, "parameters", "lifecycle", "change")
_REQUEST = (Direction.REQUEST, "schema", "lifecycle", "change")
_RESPONSE = (Direction.RESPONSE, "schema", "lifecycle", "change")
_NO_DATE = "Without a date nobody can plan. Write `x-sunset: YYYY-MM-DD` next to `deprecated: true`."
_NOT_A_DATE = "A date that cannot be read promises nothing. Write it as YYYY-MM-DD (RFC 3339)."
_TOO_SOON = "Callers need the time between the announcement and the end that the policy grants them."
_TOLD = "Callers are told in time. Semantic versioning asks for a minor version (https://semver.org, rule 7)."
_BACK = "What was announced to go stays. Nobody breaks."
_LESS_STABLE = "Callers relied on what the old level promised."


def _violation(id: str, at: tuple[Direction, str, str, str], message: str, why: str) -> Rule:
    return row(id, at, Effect.NONE, message, why, level=Level.ERROR)


def _told(id: str, at: tuple[Direction, str, str, str], message: str, why: str) -> Rule:
    return row(id, at, Effect.NONE, message, why, bump=Bump.MINOR)


LIFECYCLE: tuple[Rule, ...] = (
    _told("endpoint-deprecated", _OPERATION, "the operation was deprecated", _TOLD),
    _told("endpoint-deprecated-with-sunset", _OPERATION, "the operation was deprecated, to go on {new}", _TOLD),
    _told("endpoint-reactivated", _OPERATION, "the operation is no longer deprecated", _BACK),
    _violation(
        "api-deprecated-sunset-missing", _OPERATION, "the operation was deprecated without a sunset date", _NO_DATE
    ),
    _violation(
        "api-deprecated-sunset-parse", _OPERATION, "the sunset date of the operation is no date: {new}", _NOT_A_DATE
    ),
    _violation("api-path-sunset-parse", _OPERATION, "the sunset date of the operation is no date: {old}", _NOT_A_DATE),
    _violation(
        "api-sunset-date-too-small", _OPERATION, "the sunset date {new} is less than {name} days ahead", _TOO_SOON
    ),
    _violation(
        "api-sunset-date-changed-too-small",
        _OPERATION,
        "the sunset date was moved forward from {old} to {new}, less than {name} days ahead",
        _TOO_SOON,
    ),
    _violation(
        "sunset-deleted",
        (Direction.NONE, "paths", "lifecycle", "remove"),
        "the sunset date {old} was deleted while the operation is still deprecated",
        _NO_DATE,
    ),
    _violation(
        "api-invalid-stability-level",
        _OPERATION,
        "{name} is no stability level",
        "Write `draft`, `alpha`, `beta` or `stable` as `x-stability-level`.",
    ),
    _violation(
        "api-stability-decreased",
        (Direction.NONE, "paths", "lifecycle", "decrease"),
        "the operation went from {old} to {new}",
        _LESS_STABLE,
    ),
    _told(
        "api-stability-increased",
        (Direction.NONE, "paths", "lifecycle", "increase"),
        "the operation went from {old} to {new}",
        "More is promised than before.",
    ),
    # Parameters
    _told("request-parameter-deprecated", _PARAMETER, "the {where} parameter `{parameter}` was deprecated", _TOLD),
    _told(
        "request-parameter-reactivated",
        _PARAMETER,
        "the {where} parameter `{parameter}` is no longer deprecated",
        _BACK,
    ),
    _violation(
        "request-parameter-deprecated-sunset-missing",
        _PARAMETER,
        "the {where} parameter `{parameter}` was deprecated without a sunset date",
        _NO_DATE,
    ),
    _violation(
        "request-parameter-sunset-parse",
        _PARAMETER,
        "the sunset date of the {where} parameter `{parameter}` is no date: {name}",
        _NOT_A_DATE,
    ),
    _violation(
        "request-parameter-sunset-date-too-small",
        _PARAMETER,
        "the sunset date {new} of the {where} parameter `{parameter}` is less than {name} days ahead",
        _TOO_SOON,
    ),
    _violation(
        "request-parameter-sunset-date-changed-too-small",
        _PARAMETER,
        "the sunset date of the {where} parameter `{parameter}` was moved forward from {old} to {new}, less than "
        "{name} days ahead",
        _TOO_SOON,
    ),
    _violation(
        "request-parameter-sunset-deleted",
        _PARAMETER,
        "the sunset date {old} of the {where} parameter `{parameter}` was deleted while it is still deprecated",
        _NO_DATE,
    ),
    # Properties
    *(
        rule
        for side, at, body in (
            ("request", _REQUEST, "the request body"),
            ("response", _RESPONSE, "the {status} response"),
        )
        for rule in (
            _told(f"{side}-property-deprecated", at, f"`{{property}}` of {body} was deprecated", _TOLD),
            _told(
                f"{side}-property-deprecated-with-sunset",
                at,
                f"`{{property}}` of {body} was deprecated, to go on {{new}}",
                _TOLD,
            ),
            _told(f"{side}-property-reactivated", at, f"`{{property}}` of {body} is no longer deprecated", _BACK),
            _violation(
                f"{side}-property-deprecated-sunset-missing",
                at,
                f"`{{property}}` of {body} was deprecated without a sunset date",
                _NO_DATE,
            ),
            _violation(
                f"{side}-property-deprecated-sunset-invalid",
                at,
                f"the sunset date of `{{property}}` of {body} is no date: {{new}}",
                _NOT_A_DATE,
            ),
            _violation(
                f"{side}-property-sunset-date-too-small",
                at,
                f"the sunset date {{new}} of `{{property}}` of {body} is less than {{name}} days ahead",
                _TOO_SOON,
            ),
            _violation(
                f"{side}-property-stability-decreased",
                (at[0], "schema", "lifecycle", "decrease"),
                f"`{{property}}` of {body} went from {{old}} to {{new}}",
                _LESS_STABLE,
            ),
            _told(
                f"{side}-property-stability-increased",
                (at[0], "schema", "lifecycle", "increase"),
                f"`{{property}}` of {body} went from {{old}} to {{new}}",
                "More is promised than before.",
            ),
        )
    ),
)
