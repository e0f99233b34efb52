"""JUnit XML, for test viewers: a suite a file, a case a rule that says something about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from treadle.base.printable import printable
from treadle.check.output.text import exempted
from treadle.check.output.tool import Tool
from treadle.check.report import Exemption, Report
from treadle.contract.finding import Finding, Severity

_FAILS = (Severity.INVALID, Severity.BLOCK)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, tool: Tool) -> str:
    """Errors are failures, all else is output of a case that passes; an exemption is a case that was skipped.

    A run that has nothing to say is one case that passes: most viewers take an empty file for a broken run.
    """
    places = [each.place for each in report.findings] + [each.place for each in report.exemptions]
    suites = sorted({place.file for place in places})
    made = [line for file in suites for line in _suite(file, report)]
    failed = sum(each.severity in _FAILS for each in report.findings)
    tests = sum(line.lstrip().startswith("<testcase") for line in made) or 1
    head = f'<testsuites name="treadle {tool.verb}" tests="{tests}" failures="{failed}">'
    if not made:
        made = [
            f'  <testsuite name="treadle {tool.verb}" tests="1" failures="0" skipped="0">',
            f'    <testcase classname="treadle" name="{tool.verb}"/>',
            "  </testsuite>",
        ]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *made, "</testsuites>"]) + "\n"


def _suite(file: str, report: Report) -> Iterator[str]:
    findings = [each for each in report.findings if each.place.file == file]
    exemptions = [each for each in report.exemptions if each.place.file == file]
    failed = sum(each.severity in _FAILS for each in findings)
    count = len(findings) + len(exemptions)
    yield (
        f"  <testsuite name={_attribute(file)} "
        f'tests="{count}" failures="{failed}" skipped="{sum(not each.expired for each in exemptions)}">'
    )
    yield from _cases(findings, exemptions)
    yield "  </testsuite>"


def _cases(findings: Iterable[Finding], exemptions: Iterable[Exemption]) -> Iterator[str]:
    for each in findings:
        head = f"    <testcase classname={_attribute(each.place.file)} name={_attribute(_name(each))}"
        said = _text(f"{each}\n{each.hint}".rstrip())
        if each.severity in _FAILS:
            yield f"{head}><failure type={_attribute(each.rule)} message={_attribute(each.message)}>{said}</failure>"
        else:
            yield f"{head}><system-out>{said}</system-out>"
        yield "    </testcase>"
    for exemption in exemptions:
        place = exemption.place
        name = f"{exemption.rule} at {place.line}:{place.column}"
        said = _attribute(exempted(exemption))
        inside = f"<system-out>{_text(exempted(exemption))}</system-out>" if exemption.expired else ""
        inside = inside or f"<skipped message={said}/>"
        yield f"    <testcase classname={_attribute(place.file)} name={_attribute(name)}>{inside}</testcase>"


def _name(finding: Finding) -> str:
    return f"{finding.rule} at {finding.place.line}:{finding.place.column}"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", printable(text)))


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", "\n".join(printable(line) for line in text.split("\n"))))
