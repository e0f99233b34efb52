"""The table of changes: whole, shown, without holes, and with a reason for each of its own ways."""

import pathlib
import re
import string

import pytest

from treadle.check.diff.rule import Direction, Level, law
from treadle.check.diff.rules import BY_ID, RULES
from treadle.check.diff.rules.bodies import BODIES
from treadle.check.diff.rules.components import COMPONENTS
from treadle.check.diff.rules.headers import HEADERS
from treadle.check.diff.rules.lifecycle import LIFECYCLE
from treadle.check.diff.rules.parameters import PARAMETERS
from treadle.check.diff.rules.paths import PATHS
from treadle.check.diff.rules.properties import PROPERTIES
from treadle.check.diff.rules.responses import RESPONSES
from treadle.check.diff.rules.schemas import SCHEMAS, TOLD_OTHERWISE
from treadle.check.diff.rules.security import SECURITY
from treadle.check.schema.edit import Effect
from treadle.contract.version import Bump

OPENAPI = (
    *PATHS, *LIFECYCLE, *SECURITY, *PARAMETERS, *BODIES, *RESPONSES, *HEADERS, *PROPERTIES, *SCHEMAS, *COMPONENTS,
)  # fmt: skip
CASES = pathlib.Path("tests/cases/diff/openapi")
WORDS = {"old", "new", "name", "where", "parameter", "property", "status", "header", "media", "flow"}

ACTIONS = {
    "add": "remove",
    "set": "unset",
    "increase": "decrease",
    "generalize": "specialize",
}
OPPOSITE = {**ACTIONS, **{back: there for there, back in ACTIONS.items()}}

WITHOUT_MIRROR = {
    # (direction, area, kind, action): why nothing goes the other way
    ("none", "paths", "lifecycle", "remove"): "a sunset date that appears is told with the deprecation",
    ("request", "requestBody", "requiredness", "change"): "a response body is not required or optional",
    ("request", "parameters", "lifecycle", "change"): "the deprecation of a response header breaks nobody",
    ("request", "schema", "type", "generalize"): "oasdiff calls a type of a request that takes less changed",
    ("response", "schema", "type", "specialize"): "oasdiff calls a type of a request that takes less changed",
    (
        "response",
        "schema",
        "constraints",
        "specialize",
    ): "oasdiff calls a multiple of a request that takes less changed",
    ("response", "responses", "type", "change"): "a request body's media type is added or removed, never renamed",
    ("response", "responses", "type", "generalize"): "a request body's media type is added or removed, never renamed",
    ("response", "responses", "type", "specialize"): "a request body's media type is added or removed, never renamed",
    ("request", "schema", "constraints", "generalize"): "oasdiff calls a changed pattern of a response changed",
}


def test_ids_are_unique():
    assert len(BY_ID) == len(RULES)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.id) for each in RULES)


@pytest.mark.parametrize("rules", [OPENAPI], ids=["openapi"])
def test_messages_ask_for_known_words_only(rules):
    for rule in rules:
        asked = {name for _, name, _, _ in string.Formatter().parse(rule.message) if name}
        assert asked <= WORDS, rule.id


def test_every_row_is_shown_by_a_case():
    wants = "".join(case.read_text().partition("---- want\n")[2] for case in CASES.glob("*.case"))
    shown = set(re.findall(r"^(?:error|warning|info) (\S+) ", wants, re.MULTILINE))
    assert [each.id for each in OPENAPI if each.id not in shown] == []


def test_what_breaks_asks_for_a_major_version_and_nothing_else_does():
    for rule in OPENAPI:
        assert (rule.bump is Bump.MAJOR) == (rule.level is Level.ERROR), rule.id


def test_every_row_says_why():
    assert [each.id for each in OPENAPI if not each.why or not each.message] == []


def test_a_departure_departs():
    for id, departure in TOLD_OTHERWISE.items():
        assert BY_ID[id].level is departure.level
        assert not BY_ID[id].lawful


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("effect", [*Effect, None])
def test_the_law(direction, effect):
    told = law(effect, direction)
    if effect is None:
        assert told is Level.WARNING
    elif direction is Direction.RESPONSE:
        assert (told is Level.ERROR) == effect.widens
    else:
        assert (told is Level.ERROR) == effect.narrows


def _mirrors(rule):
    """Where the same change stands for values that go the other way, and where the change that undoes it stands."""
    direction, area, kind, action = rule.coordinate
    if direction != "none":
        other = {"request": "response", "response": "request"}[direction]
        areas = {
            "parameters": ("headers",),
            "headers": ("parameters",),
            "requestBody": ("responses",),
            "responses": ("requestBody",),
        }
        yield [(other, each, kind, action) for each in areas.get(area, (area,))]
    if action in OPPOSITE:
        yield [(direction, area, kind, OPPOSITE[action])]


def test_every_coordinate_has_its_mirrors_or_a_reason():
    known = {each.coordinate for each in OPENAPI}
    alone = {
        rule.coordinate for rule in OPENAPI for places in _mirrors(rule) if not any(place in known for place in places)
    }
    assert alone == set(WITHOUT_MIRROR), "a coordinate stands alone without a reason, or a reason outlived its hole"
