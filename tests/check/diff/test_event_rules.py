"""The tables of changes of events, JSON Schemas and versions: shown, and able to say every edit of the kernel."""

import pathlib
import re
import string

import pytest

from treadle.check.diff.rule import Level
from treadle.check.diff.rules.channels import CHANNELS
from treadle.check.diff.rules.payloads import DATA, EVENT, KEYWORD_OF, PAYLOADS, payload_rule
from treadle.check.diff.rules.versions import VERSIONS
from treadle.check.schema.edit import Effect, Mark, SchemaEdit, Spot
from treadle.contract.version import Bump

CASES = pathlib.Path("tests/cases/diff")
HERE = Spot("a.yaml", "")


def test_every_row_about_channels_and_versions_is_shown_by_a_case():
    said = " ".join(case.read_text().partition("---- want\n")[2] for case in CASES.rglob("*.case"))
    words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", said))
    assert [each.id for each in (*CHANNELS, *VERSIONS) if each.id not in words] == []


def test_what_breaks_asks_for_a_major():
    rows = [*CHANNELS, *PAYLOADS]
    assert [each.id for each in rows if (each.level is Level.ERROR) != (each.bump is Bump.MAJOR)] == []


def test_every_row_has_a_keyword_and_words_that_are_given():
    given = {"old", "new", "name", "property", "whole"}
    for rule in PAYLOADS:
        asked = {name for _, name, _, _ in string.Formatter().parse(rule.message) if name}
        assert (rule.id in KEYWORD_OF, asked - given) == (True, set())


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("family", [EVENT, DATA], ids=["event", "data"])
def test_an_edit_that_no_row_knows_is_told_by_what_it_does(family, effect):
    for name in ("", "lines/amount"):
        rule = payload_rule(family, SchemaEdit("never-heard-of", effect, name, HERE, HERE))
        assert rule.id.startswith(("event-", "schema-"))


def test_a_property_is_told_by_what_is_written_of_it():
    def told(kind, **marks):
        return payload_rule(EVENT, SchemaEdit(kind, Effect.NARROWS, "a", HERE, HERE, **marks)).id

    assert told("property-added", new_marks=frozenset({Mark.REQUIRED})) == "new-required-event-property"
    assert told("property-added") == "new-optional-event-property"
    assert told("property-removed") == "event-property-removed"
    assert told("property-removed", old_marks=frozenset({Mark.DEPRECATED})) == "event-property-removed-with-deprecation"
