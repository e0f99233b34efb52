"""Whole runs: a ruleset and a document above, what is said of them below. And what holds for every run."""

import pathlib

import pytest

from treadle.check.lint.engine import linter
from treadle.check.lint.order import placed, spectral_json
from treadle.check.lint.program import Compiler, nobody
from treadle.check.lint.ruleset.formats import FORMATS
from treadle.check.lint.ruleset.load import load
from treadle.check.lint.ruleset.problems import BadRuleset, Problems
from treadle.check.lint.ruleset.shape import Shape
from treadle.check.lint.ruleset.shipped import SHIPPED, shipped
from treadle.contract.library import Library
from treadle.contract.parse import parse_tolerant

CASES = sorted(pathlib.Path("tests/cases/spectral").glob("*.case"))


def files_of(text):
    """`==> name` begins a file; the first is the ruleset."""
    parts = [part.partition("\n") for part in text.split("==> ")[1:]]
    return {name: body.encode() for name, _, body in parts}


def lint(files, find=nobody):
    ruleset, *documents = [name for name in files if not name.startswith("_")]
    ready = linter([ruleset], files, find)
    library = Library(files, tolerant=True)
    return [each for name in documents for each in placed(ready.lint(library, name), library)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_run(case, check_case):
    check_case(case, said)


def said(given):
    try:
        found = lint(files_of(given))
    except BadRuleset as bad:
        return "".join(
            f"{each.place} {each.rule}: {each.message}\n" + (f"    {each.hint}\n" if each.hint else "")
            for each in bad.findings
        )
    lines = []
    for each in found:
        (line, character), _ = each.range
        result = each.result
        path = "/".join(map(str, result.path))
        lines.append(
            f"{result.file}:{line}:{character} {result.level.name.lower()} {result.code} {path}: {result.message}\n"
        )
    return "".join(lines)


def test_json_has_spectrals_shape():
    files = {
        "r.yaml": b"rules: {x: {given: '$.tags[0]', then: {field: name, function: truthy}}}",
        "a.yaml": b"tags:\n  - {name: ''}\n",
    }
    (found,) = lint(files)
    assert spectral_json(found) == {
        "code": "x",
        "path": ["tags", "0", "name"],
        "message": '"name" property is missing or empty',
        "severity": 1,
        "range": {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 13}},
        "source": "a.yaml",
    }


def test_a_function_may_be_supplied_in_python():
    from treadle.check.lint.context import Complaint

    def make(options):
        return lambda value, context: [Complaint(f"{value} at {context.path} by {options['by']}")]

    files = {
        "r.yaml": b"functions: [mine]\nrules: {x: {given: $.a, then: {function: mine, functionOptions: {by: me}}}}",
        "a.yaml": b"a: 1",
    }
    (found,) = lint(files, {"mine": make}.get)
    assert found.result.message == "1 at ('a',) by me"


def test_a_hostile_graph_of_references_ends():
    """Every schema refers to the next one twice: written out, 2 to the 40th nodes."""
    schemas = [f"  s{at}: {{a: {{$ref: '#/d/s{at + 1}'}}, b: {{$ref: '#/d/s{at + 1}'}}}}\n" for at in range(40)]
    document = ("d:\n" + "".join(schemas) + "  s40: {end: 1}\n").encode()
    rules = b"rules: {x: {given: $..end, then: {function: falsy}}, y: {given: '$.d..end^', then: {function: falsy}}}"
    codes = [each.result.code for each in lint({"r.yaml": rules, "a.yaml": document})]
    assert codes.count("x") == codes.count("y") == 1


def test_a_path_that_looks_back_at_every_way_is_given_up():
    schemas = [f"  s{at}: {{a: {{$ref: '#/d/s{at + 1}'}}, b: {{$ref: '#/d/s{at + 1}'}}}}\n" for at in range(40)]
    document = ("d:\n" + "".join(schemas) + "  s40: {end: 1}\n").encode()
    rules = b'rules: {x: {given: "$..[?(@path.match(/end/))]", then: {function: falsy}}}'
    assert "budget-nodes" in {each.result.code for each in lint({"r.yaml": rules, "a.yaml": document})}


def test_a_pattern_that_runs_away_is_a_finding():
    rules = rb"rules: {x: {given: $.a, then: {function: pattern, functionOptions: {match: '^(?=a)(a|aa)+\1$'}}}}"
    (found,) = lint({"r.yaml": rules, "a.yaml": b"a: " + b"a" * 60 + b"!"})
    assert "given up" in found.result.message


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_ruleset_has_the_shape_of_one_and_compiles_for_every_format(name):
    document, _ = parse_tolerant(name, shipped(name))
    problems = Problems()
    assert Shape(document, problems).ruleset()
    assert problems.findings == []
    for format in (*FORMATS, None):
        Compiler(nobody).program(load([name], {}), frozenset({format} - {None}))


@pytest.mark.parametrize(
    "document",
    [
        '{"x": ' + '{"a": [' * 250 + '{"$ref": "#/y"}' + "]}" * 250 + ', "y": {"z": 1}}',
        "{" + "".join(f'"s{at}": {{"$ref": "#/s{at + 1}"}}, ' for at in range(3_000)) + '"s3000": {"z": 1}}',
        "{" + "".join(f'"s{at}": {{"x": {{"$ref": "#/s{at + 1}"}}}}, ' for at in range(3_000)) + '"s3000": {"z": 1}}',
    ],
    ids=["deep", "a chain of references", "a chain of nodes"],
)
def test_depth_does_not_end_the_run(document):
    rules = b"rules: {x: {given: $..z, then: {function: falsy}}}"
    found = {each.result.path[-1] for each in lint({"r.yaml": rules, "a.json": document.encode()})}
    assert found == {"z"}


def test_a_function_that_gives_up_on_depth_is_a_finding():
    def make(_):
        def check(value, context):
            return check(value, context)

        return check

    files = {"r.yaml": b"rules: {x: {given: $.a, then: {function: deep}}}", "a.yaml": b"a: 1"}
    (found,) = lint(files, {"deep": make}.get)
    assert found.result.code == "x"
    assert "nested too deeply" in found.result.message


@pytest.mark.parametrize("document", [b"null", b"5", b"'text'", b"[]", b"{}", b""])
def test_a_document_may_be_anything(document):
    rules = b"rules: {x: {given: $, then: {function: defined}}, y: {given: $..a, then: {function: truthy}}}"
    assert lint({"r.yaml": rules, "a.yaml": document}) == []
