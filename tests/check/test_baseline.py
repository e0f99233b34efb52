"""Only what is new since an earlier state."""

from treadle.check.baseline import fingerprints, since
from treadle.check.report import Report
from treadle.contract.finding import Finding, Severity
from treadle.contract.parse import parse

BEFORE = "paths:\n  /a: {get: {tags: [x, y]}}\n  /b: {}\n"
AFTER = "# more\n\npaths:\n  /c: {}\n  /b: {}\n  /a:\n    get: {tags: [w, x, y]}\n"


def found(text, *pointers, file="a.yaml", rule="r", severity=Severity.BLOCK, message="bad"):
    document = parse(file, text.encode())
    return document, [Finding(document.places[each], rule, severity, message) for each in pointers]


def new(then, now, renamed=None):
    (old, old_findings), (document, findings) = then, now
    before = fingerprints(old_findings, [old], renamed)
    return since(Report(tuple(findings)), [document], before, "main")


def test_lines_and_list_positions_may_move():
    report = new(
        found(BEFORE, "/paths/~1b", "/paths/~1a/get/tags/1"), found(AFTER, "/paths/~1b", "/paths/~1a/get/tags/2")
    )
    assert report.findings == ()
    (held,) = report.exemptions
    assert (held.rule, held.count, held.origin, held.reason) == ("r", 2, "baseline", "it was there at main")


def test_another_node_rule_or_message_is_new():
    then = found(BEFORE, "/paths/~1b")
    for now in (
        found(AFTER, "/paths/~1c"),
        found(AFTER, "/paths/~1b", rule="s"),
        found(AFTER, "/paths/~1b", message="worse"),
        found(AFTER, "/paths/~1b", file="b.yaml"),
    ):
        assert new(then, now).findings == tuple(now[1])
        assert new(then, now).exemptions == ()


def test_places_inside_a_message_may_move():
    then = found(BEFORE, "/paths/~1b", message="claimed at a.yaml:3:3 already")
    assert new(then, found(AFTER, "/paths/~1b", message="claimed at a.yaml:5:3 already")).findings == ()


def test_two_where_one_was_makes_one_new():
    tags = "/paths/~1a/get/tags/"
    report = new(found(BEFORE, tags + "0"), found(AFTER, tags + "0", tags + "1"))
    assert [each.place.column for each in report.findings] == [21]
    assert [each.count for each in report.exemptions] == [1]


def test_a_renamed_file_keeps_what_it_had():
    then, now = found(BEFORE, "/paths/~1b"), found(AFTER, "/paths/~1b", file="b.yaml")
    assert new(then, now, {"a.yaml": "b.yaml"}).findings == ()


def test_what_is_no_contract_is_never_held_back():
    then = found(BEFORE, "/paths/~1b", severity=Severity.INVALID)
    now = found(AFTER, "/paths/~1b", severity=Severity.INVALID)
    assert new(then, now).findings == tuple(now[1])
