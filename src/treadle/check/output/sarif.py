"""SARIF 2.1.0, for code scanning. Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import string
from typing import Any

import orjson

from treadle.base.canon import digest
from treadle.base.printable import printable
from treadle.check.output.tool import Tool
from treadle.check.report import Exemption, Report
from treadle.contract.finding import Finding, Severity
from treadle.contract.place import Place

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}-._~/".encode())
_LEVELS = {Severity.INVALID: "error", Severity.BLOCK: "error", Severity.WARN: "warning", Severity.INFO: "note"}


def render(report: Report, tool: Tool) -> str:
    """One run. An exemption is a notification, so that what was held back is not forgotten."""
    ids = sorted({each.rule for each in report.findings})
    index = {id: at for at, id in enumerate(ids)}
    seen: dict[str, int] = {}
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "treadle",
                        "semanticVersion": tool.version,
                        "rules": [_rule(id, tool) for id in ids],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "automationDetails": {"id": f"treadle {tool.verb}/"},
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [_notification(each) for each in report.exemptions],
                    }
                ],
                "results": [_result(each, index, seen) for each in report.findings],
            }
        ],
    }
    return orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _rule(id: str, tool: Tool) -> dict[str, Any]:
    text = tool.rules.get(id, "")
    short = text.strip().partition("\n")[0] or id
    return {"id": id, "shortDescription": {"text": short}, "help": {"text": text or f"treadle explain {id}"}}


def _result(finding: Finding, index: dict[str, int], seen: dict[str, int]) -> dict[str, Any]:
    text = finding.message + (f"\n\n{finding.hint}" if finding.hint else "")
    # Lines move and a finding stays the same; the second of two alike is told by its number.
    key = digest(orjson.dumps([finding.rule, finding.place.file, finding.message]))
    seen[key] = seen.get(key, 0) + 1
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"treadleFinding/v1": f"{key.removeprefix('sha256:')[:32]}:{seen[key]}"},
    }


def _location(place: Place) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(printable(place.file))},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def _uri(path: str) -> str:
    """A relative reference (RFC 3986 section 4.2): every byte that is not plain is percent-encoded."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode(errors="replace"))


def _notification(exemption: Exemption) -> dict[str, Any]:
    return {
        "descriptor": {"id": "exemption"},
        "level": "warning" if exemption.expired else "note",
        "message": {"text": f"{exemption.rule} is exempt: {exemption.reason or 'no reason given'}"},
        "locations": [_location(exemption.place)],
        "properties": {
            "rule": exemption.rule,
            "origin": exemption.origin,
            "until": exemption.until,
            "expired": exemption.expired,
            "heldBack": exemption.count,
        },
    }
