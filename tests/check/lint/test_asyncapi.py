"""The rules for AsyncAPI: each says something of its own bad document, nothing of its good one."""

import pathlib

import pytest
import yaml

from treadle.check.lint.engine import linter
from treadle.check.lint.result import Level
from treadle.check.lint.ruleset.shipped import shipped
from treadle.contract.library import Library

DOCUMENTS = sorted(pathlib.Path("tests/check/lint/documents").glob("asyncapi-*.yaml"))
RULES = yaml.safe_load(shipped("treadle:asyncapi"))["rules"]
OWN = linter(("treadle:asyncapi",), {})


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
