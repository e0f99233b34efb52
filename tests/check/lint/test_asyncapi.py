"""The rules for AsyncAPI: ours each on a bad and a good document, the stock ones each in a case of their own."""

import json
import pathlib

import pytest
import yaml

from treadle.check.lint.engine import linter
from treadle.check.lint.result import Level
from treadle.check.lint.ruleset.shipped import shipped
from treadle.contract.library import Library

CASES = sorted(pathlib.Path("tests/cases/asyncapi").glob("*.case"))
DOCUMENTS = sorted(pathlib.Path("tests/check/lint/documents").glob("asyncapi-*.yaml"))
RULES = yaml.safe_load(shipped("treadle:asyncapi"))["rules"]
OWN = linter(("treadle:asyncapi",), {})
STOCK = linter(("all.yaml",), {"all.yaml": b"extends: [[spectral:asyncapi, all]]\n"})


def said(linter, text, file="lamps.yaml"):
    return sorted(linter.lint(Library({file: text.encode()}), file))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_its_own_bad_document(rule):
    assert rule in {each.code for each in said(OWN, RULES[rule]["x-treadle"]["bad"])}


@pytest.mark.parametrize("rule", RULES)
def test_the_good_document_is_good(rule):
    assert not [each for each in said(OWN, RULES[rule]["x-treadle"]["good"]) if each.level is Level.ERROR]
    assert rule not in {each.code for each in said(OWN, RULES[rule]["x-treadle"]["good"])}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_a_whole_document_that_uses_everything_is_silent(document):
    assert said(OWN, document.read_text()) == []


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0"])
def test_every_version_2_has_its_own_schema(version):
    """Servers of a channel came with 2.2."""
    servers = "{one: {url: broker, protocol: kafka}}"
    text = f"asyncapi: {version}\ninfo: {{title: Lamps, version: '1'}}\nchannels: {{a: {{servers: [one]}}}}\n"
    found = [each.path for each in said(OWN, f"{text}servers: {servers}\n")]
    assert found == ([] if version >= "2.2" else [("channels", "a", "servers")])


def test_a_later_version_3_is_judged_by_the_latest_that_is_known():
    assert said(OWN, "asyncapi: 3.9.0\ninfo: {title: Lamps, version: '1'}\n") == []
    assert [each.path for each in said(OWN, "asyncapi: 3.9.0\ninfo: {title: Lamps}\n")] == [("info",)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_stock_rule_says_where_its_document_is_bad(case, check_case):
    """The paths and severities were compared with Spectral's when the cases were written."""

    def judge(text):
        found = [each for each in said(STOCK, text) if each.code == case.stem]
        return "".join(f"{each.level.name.lower()} {'/'.join(map(str, each.path))}: {each.message}\n" for each in found)

    check_case(case, judge)


def test_every_stock_rule_has_a_case_that_it_finds_something_in():
    rules = yaml.safe_load(shipped("spectral:asyncapi"))["rules"]
    assert sorted(case.stem for case in CASES) == sorted(rules)
    assert all(not case.read_text().endswith("---- want\n") for case in CASES)


ODD = (None, 1, "x", [], {}, [[1]], {"a": [{}]}, True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_odd_value_at_any_place_upsets_a_rule(document, odd):
    whole = yaml.safe_load(document.read_text())
    for path in list(paths(whole))[ODD.index(odd) :: len(ODD)]:
        node = whole
        for step in path[:-1]:
            node = node[step]
        kept, node[path[-1]] = node[path[-1]], odd
        said(OWN, json.dumps(whole), "lamps.json")
        node[path[-1]] = kept


def paths(node, path=()):
    """Every place of a document but its root and its version."""
    if path and path != ("asyncapi",):
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(value, (*path, key))
