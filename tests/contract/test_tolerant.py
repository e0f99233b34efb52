"""Tolerant reading: what loaders differ about is a finding, and the document stays usable."""

import pytest

from treadle.contract.faults import TOLERATED_MAX
from treadle.contract.library import Library
from treadle.contract.model import Place
from treadle.contract.parse import InvalidDocument, parse_tolerant
from treadle.contract.pointer import pointer


def tolerated(text, file="x.yaml"):
    document, findings = parse_tolerant(file, text.encode())
    assert document is not None, findings
    return document, [(each.rule, each.place.line, each.place.column) for each in findings]


@pytest.mark.parametrize(
    ("text", "data", "findings"),
    [
        ("a: 1\nb: 2\na: {c: 3}\n", {"a": {"c": 3}, "b": 2}, [("duplicate-key", 3, 1)]),
        ('{"a": [1], "b": 2, "a": {"c": 3}}', {"a": {"c": 3}, "b": 2}, [("duplicate-key", 1, 20)]),
        (
            "200: a\ntrue: b\n~: c\n1.50: d\n",
            {"200": "a", "true": "b", "~": "c", "1.50": "d"},
            [("key-not-string", line, 1) for line in (1, 2, 3, 4)],
        ),
        ("2024-01-01: a\n", {"2024-01-01": "a"}, []),
        ("200: a\n'200': b\n", {"200": "b"}, [("key-not-string", 1, 1), ("duplicate-key", 2, 1)]),
        ("? [a, {b: c}]\n: {d: e}\nf: g\n", {"f": "g"}, [("key-not-string", 1, 3)]),
        ("a: &k b\n*k : [c]\nd: e\n", {"a": "b", "d": "e"}, [("key-not-string", 2, 1)]),
        ("a: !env HOME\nb: !!binary aGVsbG8=\nc: !set {d}\n", {"a": "HOME", "b": "aGVsbG8=", "c": {"d": None}},
         [("unknown-tag", 1, 4), ("unknown-tag", 2, 4), ("unknown-tag", 3, 4)]),
        ("a: 1\n---\nb: 2\n", {"a": 1}, [("many-documents", 2, 1)]),
        ("a: .nan\nb: -.inf\nc: .nan\n", {"a": ".nan", "b": "-.inf", "c": ".nan"},
         [("not-finite", line, 4) for line in (1, 2, 3)]),
    ],
)  # fmt: skip
def test_what_a_strict_reading_refuses(text, data, findings):
    document, found = tolerated(text)
    assert (document.data, found) == (data, findings)


def test_merge_keys_are_merged_and_own_keys_win():
    document, found = tolerated(
        "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
        "one:\n  x: own\n  <<: *b\n"
        "both:\n  <<: [*b, *m]\n  z: own\n"
        "nested: &n {<<: *b, w: 5}\n"
        "again: {<<: *n}\n"
        "quoted: {'<<': text}\n"
    )
    assert document.data["one"] == {"x": "own", "y": 2}
    assert document.data["both"] == {"x": 1, "y": 2, "z": "own"}
    assert document.data["again"] == {"x": 1, "y": 2, "w": 5}
    assert document.data["quoted"] == {"<<": "text"}
    assert {rule for rule, *_ in found} == {"merge-key"}
    assert len(found) == 4
    assert document.places["/one/x"] == Place("x.yaml", 4, 3)
    assert document.places["/one/y"] == document.places["/again/y"] == Place("x.yaml", 1, 17)


@pytest.mark.parametrize("text", ["a: {<<: 1, b: 2}\n", "a: {<<: [1, {c: 3}], b: 2}\n"])
def test_a_merge_key_that_stands_for_no_mapping(text):
    document, found = tolerated(text)
    assert document.data["a"]["b"] == 2
    assert [rule for rule, *_ in found] == ["merge-key", "merge-key"]


def test_places_of_json_with_duplicates_are_those_of_the_last():
    document, _ = tolerated('{"a": {"x": 1},\n "b": {"y": [2]},\n "a": {"z": [3]}}', "x.json")
    assert document.places["/a/z/0"] == Place("x.json", 3, 14)
    assert document.places["/b/y/0"] == Place("x.json", 2, 14)


def test_a_json_file_that_is_yaml_is_read_as_yaml():
    document, found = tolerated("{a: 1, b: [2,],} # so\n", "x.json")
    assert document.data == {"a": 1, "b": [2]}
    assert [rule for rule, *_ in found] == ["json-broken"]


def test_any_number_of_findings_leaves_the_document_usable():
    document, found = tolerated("".join(f"{number}: x\n" for number in range(12_000)))
    assert len(document.data) == 12_000
    assert len(found) == TOLERATED_MAX


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"a: [", "yaml-broken"),
        (b"a: &a [*a]", "alias-cycle"),
        (b"a: *b", "undefined-alias"),
        (b"a: \xff", "not-utf8"),
        ("a: 1".encode("utf-16"), "not-utf8"),
        (b"[" * 600, "budget-depth"),
        (b"? " + b"[" * 600, "budget-depth"),
        (b"a: \x00", "yaml-broken"),
    ],
)
def test_what_makes_reading_on_impossible(data, rule):
    document, findings = parse_tolerant("x.yaml", data)
    assert document is None
    assert [each.rule for each in findings][-1:] == [rule]


def test_a_tolerant_library_gathers_what_is_wrong_in_every_file():
    library = Library({"a.yaml": b"200: x\n", "b.yaml": b"a: 1\na: 2\n", "c.yaml": b"["}, tolerant=True)
    assert library.document("a.yaml").data == {"200": "x"}
    assert library.document("b.yaml").data == {"a": 2}
    with pytest.raises(InvalidDocument):
        library.document("c.yaml")
    assert [(each.place.file, each.rule) for each in library.findings] == [
        ("a.yaml", "key-not-string"), ("b.yaml", "duplicate-key"), ("c.yaml", "yaml-broken"),
    ]  # fmt: skip
    assert library.place_of("a.yaml", pointer("200")) == Place("a.yaml", 1, 1)
