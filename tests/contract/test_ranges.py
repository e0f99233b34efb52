"""Ranges are those that Spectral 6.16 prints: the wanted halves of the cases were printed by it."""

import pathlib

import pytest

from treadle.contract.model import Place
from treadle.contract.parse import Document, parse_tolerant
from treadle.contract.pointer import tokens
from treadle.contract.ranges import NOWHERE, range_of

CASES = sorted(pathlib.Path("tests/cases/ranges").glob("*.case"))


@pytest.mark.parametrize("path", CASES, ids=lambda case: case.stem)
def test_ranges_are_those_of_spectral(path):
    text, _, want = path.read_text().partition("---- want\n")
    document, _ = parse_tolerant("x.yaml", text.encode())
    assert document is not None
    for line in want.splitlines():
        pointer, *_ = line.rsplit(" ", 2)
        begins, ends = range_of(document, tokens(pointer))
        assert f"{pointer} {begins[0]}:{begins[1]} {ends[0]}:{ends[1]}" == line


def test_json_has_the_same_ranges_by_whichever_reader():
    text, _, _ = (CASES[0].parent / "json.case").read_text().partition("---- want\n")
    text = text.replace("\\ud83d\\ude00", "no surrogate")  # libyaml refuses these
    as_json, _ = parse_tolerant("x.json", text.encode())
    as_yaml, _ = parse_tolerant("x.yaml", b"#\n" + text.encode())
    assert as_json is not None
    assert as_yaml is not None
    for pointer in as_json.places:
        path = tokens(pointer)
        moved = tuple((line - 1, column) for line, column in range_of(as_yaml, path))
        assert not path or range_of(as_json, path) == moved


def test_a_path_that_is_not_there_has_the_range_of_what_is():
    document, _ = parse_tolerant("x.yaml", b"a:\n  b: [1, 2]\n")
    assert document is not None
    assert range_of(document, ("a", "b", 7, "c")) == range_of(document, ("a", "b")) == ((1, 4), (1, 10))
    assert range_of(document, ()) == ((0, 0), (1, 10))
    assert range_of(document, ("a", "b", "1")) == range_of(document, ("a", "b", 1)) == ((1, 9), (1, 10))


def test_a_document_without_a_text_has_no_ranges():
    assert range_of(Document("x", {"a": 1}, {"": Place("x")}), ("a",)) == NOWHERE


@pytest.mark.parametrize("text", ["a:" + " " * 50_000 + "b", "? a\n" + "\n" * 50_000 + ": b", "a: |" + "\n" * 50_000])
def test_no_white_space_costs_more_than_once(text):
    document, _ = parse_tolerant("x.yaml", text.encode())
    assert document is not None
    range_of(document, ("a",))
