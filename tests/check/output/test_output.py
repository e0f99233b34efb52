"""Each format, read back by what reads it: a schema, an XML parser, the rules of the host."""

import pathlib
import re
from xml.etree import ElementTree as ET

import jsonschema_rs
import orjson
import pytest

from treadle.check.output import FORMATS, Tool, render
from treadle.check.report import Exemption, Report
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place

HERE = pathlib.Path(__file__).parent
# The published schema has a pattern with a lone `]`, which only JavaScript takes for a character.
SCHEMA = (HERE / "sarif-2.1.0.schema.json").read_text().replace("{2}]?", r"{2}\\]?")
SARIF = jsonschema_rs.validator_for(orjson.loads(SCHEMA))
HOSTILE = '\x1b[31m`</failure>]]> & "\n::error::x | @octo https://evil.example <img src=x> \u202e\x00'

FINDINGS = (
    Finding(Place("a b.yaml", 3, 5), "error-envelope", Severity.BLOCK, "404 has no envelope", "use the component"),
    Finding(Place("a b.yaml", 3, 5), "error-envelope", Severity.BLOCK, "404 has no envelope", "use the component"),
    Finding(Place("a b.yaml", 9, 1), "owner-declared", Severity.WARN, "nobody owns this"),
    Finding(Place("c.yaml", 1, 1), "json-broken", Severity.INVALID, "not JSON"),
    Finding(Place("c.yaml", 2, 1), "tag-order", Severity.INFO, "tags are not sorted"),
)
EXEMPTIONS = (
    Exemption("path-major", Place("a b.yaml", 7, 3), "old clients", "2027-01-31", "inline", count=2),
    Exemption("path-nouns", Place("c.yaml", 4, 3), "", "2020-01-31", "ruleset", expired=True),
)
REPORT = Report(FINDINGS, EXEMPTIONS)
TOOL = Tool("lint", "1.2.3", {"error-envelope": "Every error has the envelope.\n\nWhy: …"})
NASTY = Report(
    (Finding(Place(f"{HOSTILE}.yaml", 1, 1), HOSTILE, Severity.BLOCK, HOSTILE, HOSTILE),),
    (Exemption(HOSTILE, Place(HOSTILE), HOSTILE, HOSTILE, "inline", count=1),),
)


@pytest.mark.parametrize("format", FORMATS)
def test_what_a_format_looks_like(format, check_case):
    check_case(pathlib.Path(f"tests/cases/output/{format}.case"), lambda _: render(format, REPORT, TOOL))


@pytest.mark.parametrize("report", [REPORT, NASTY, Report(())])
def test_sarif_is_valid_against_the_schema_of_oasis(report):
    SARIF.validate(orjson.loads(render("sarif", report, TOOL)))


def test_sarif_fingerprints_stay_when_lines_move_and_tell_twins_apart():
    def prints(findings):
        (run,) = orjson.loads(render("sarif", Report(findings), TOOL))["runs"]
        return [each["partialFingerprints"]["treadleFinding/v1"] for each in run["results"]]

    moved = tuple(
        Finding(Place(each.place.file, each.place.line + 40, 1), each.rule, each.severity, each.message, each.hint)
        for each in FINDINGS
    )
    assert prints(FINDINGS) == prints(moved)
    assert len(set(prints(FINDINGS))) == len(FINDINGS)


@pytest.mark.parametrize("report", [REPORT, NASTY, Report(())])
def test_junit_counts_what_it_holds(report):
    root = ET.fromstring(render("junit", report, TOOL))
    cases = root.findall(".//testcase")
    assert len(cases) == int(root.get("tests")) >= 1
    failures = [each for each in report.findings if each.severity in (Severity.BLOCK, Severity.INVALID)]
    assert len(root.findall(".//failure")) == int(root.get("failures")) == len(failures)
    assert sum(int(each.get("tests")) for each in root.findall("testsuite")) == len(cases)
    assert len(root.findall(".//skipped")) == sum(not each.expired for each in report.exemptions)


def test_no_text_begins_a_workflow_command_of_its_own():
    lines = render("github", NASTY, TOOL).splitlines()
    assert len(lines) == 2
    for line in lines:
        head, _, said = line.removeprefix("::").partition("::")
        assert head.startswith(("error file=", "notice file="))
        assert "::" not in head
        assert [each.partition("=")[0] for each in head.partition(" ")[2].split(",")] == [
            "file",
            "line",
            "col",
            "title",
        ]
        assert "%0A::" not in said


def test_no_text_becomes_markup_or_a_mention():
    rows = [line for line in render("markdown", NASTY, TOOL).splitlines() if "evil.example" in line]
    assert len(rows) == 2
    for row in rows:
        prose = "".join(re.split(r"(?<!\\)`", row)[::2])
        assert not re.search(r"(?<!\\)[<>\[\]`*_](?!br>)(?<!<br>)", prose)
        assert "@octo" not in prose
        assert "https://" not in prose


@pytest.mark.parametrize("format", ["text", "github", "markdown"])
def test_no_control_character_reaches_a_terminal(format):
    assert not {"\x1b", "\x00", "\u202e"} & set(render(format, NASTY, TOOL))


def test_colour_is_for_terminals_only():
    assert "\x1b[31mblock" in render("text", REPORT, Tool("lint", "1", colour=True))
    assert "\x1b" not in render("text", REPORT, TOOL)
