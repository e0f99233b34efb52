"""The parser: every value as JSON would have it, every node with its place, and nothing that crashes it."""

import subprocess
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contract.model import Place
from treadle.contract.parse import Budget, InvalidDocument, parse
from treadle.contract.pointer import pointer

BROKEN = {
    "yaml-broken": (b"a: [1,\n", 2, 1),
    "duplicate-key": (b"a: 1\nb: 2\na: 3\n", 3, 1),
    "key-not-string": (b"responses:\n  200: x\n", 2, 3),
    "many-documents": (b"a: 1\n---\nb: 2\n", 2, 1),
    "not-finite": (b"a: .nan\n", 1, 4),
    "alias-cycle": (b"a: &a\n  b: *a\n", 2, 6),
    "undefined-alias": (b"a: *b\n", 1, 4),
    "unknown-tag": (b"a: !env HOME\n", 1, 4),
    "merge-key": (b"a: &a {b: 1}\nc:\n  <<: *a\n", 3, 3),
    "not-utf8": (b"a: 1\nb: \xe9\xff\n", 2, 4),
}


def refused(data, file="x.yaml", budget=None):
    with pytest.raises(InvalidDocument) as error:
        parse(file, data, budget or Budget())
    assert error.value.exit_code == 3
    assert str(error.value.findings[0].place) in str(error.value)
    return [(each.rule, each.place.line, each.place.column) for each in error.value.findings]


@pytest.mark.parametrize("rule", BROKEN)
def test_what_is_refused_is_refused_at_its_place(rule):
    data, line, column = BROKEN[rule]
    assert refused(data) == [(rule, line, column)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("yes", "yes"), ("2024-01-01", "2024-01-01"), ("12:30:45", "12:30:45"),
        ("012", 12), ("0o14", 12), ("0x1F", 31), ("1e3", 1000.0), ("1_000", "1_000"), ("~", None), ("", None),
        ("Null", None), ("TRUE", True), ("'200'", "200"), ("-0", 0), ("+1", 1), (".5", 0.5), ("1.", 1.0),
        ("1.2.3", "1.2.3"), ("!!str 200", "200"), ("!!int '7'", 7), ("! 8", "8"),
            ("18446744073709551616", 1.8446744073709552e19),
        ("|\n  two\n  lines", "two\nlines"), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text, value):
    found = parse("x.yaml", f"a: {text}".encode()).data["a"]
    assert (type(found), found) == (type(value), value)


def test_every_key_and_item_has_its_place():
    document = parse("x.yaml", b"paths:\n  /v1/orders:\n    get: {tags: [a,\n      b]}\n")
    assert document.places[pointer("paths", "/v1/orders")] == Place("x.yaml", 2, 3)
    assert document.places["/paths/~1v1~1orders/get/tags/1"] == Place("x.yaml", 4, 7)
    assert "/paths/~1v1~1orders/get/tags/01" not in document.places
    assert "/paths/~1v1~1orders/get/tags/2" not in document.places
    assert "/nothing/here" not in document.places


def test_an_alias_is_the_node_it_stands_for():
    document = parse("x.yaml", b"a: &x {p: 1}\nb: *x\n")
    assert document.data["a"] is document.data["b"]
    assert document.places["/b"] == Place("x.yaml", 2, 1)
    assert document.places["/b/p"] == document.places["/a/p"] == Place("x.yaml", 1, 8)


def test_every_fault_is_gathered():
    assert refused(b"a: 1\na: .inf\n3: x\n") == [
        ("duplicate-key", 2, 1), ("not-finite", 2, 4), ("key-not-string", 3, 1),
    ]  # fmt: skip


def test_a_duplicate_key_names_both_places():
    with pytest.raises(InvalidDocument) as error:
        parse("x.yaml", b"a: 1\nb: {a: 2}\na: 3\n")
    assert "the first is at x.yaml:1:1" in error.value.message


def test_tabs_say_so():
    with pytest.raises(InvalidDocument) as error:
        parse("x.yaml", b"a:\n\tb: 1\n")
    assert "YAML has no tabs" in error.value.hint


def test_a_document_of_nothing_is_null():
    assert parse("x.yaml", b"# only a comment\n").data is None
    assert parse("x.yaml", "\ufeffa: 1".encode()).data == {"a": 1}


def test_budgets_are_kept():
    assert refused(b"a: 1", budget=Budget(bytes_max=3)) == [("budget-bytes", 1, 1)]
    assert refused(b"[[[1]]]", budget=Budget(depth_max=2)) == [("budget-depth", 1, 3)]
    assert refused(b"[[[1]]]", "x.json", Budget(depth_max=2)) == [("budget-depth", 1, 3)]
    assert refused(b"[1, 2, 3]", budget=Budget(nodes_max=3)) == [("budget-nodes", 1, 8)]
    assert parse("x.yaml", b"[[1]]", Budget(depth_max=2, nodes_max=3)).data == [[1]]


def test_aliases_cost_what_they_stand_for():
    nine = ",".join(["*a"] * 9)
    bomb = "a: &a [x,x,x]\n" + f"b: &b [{nine}]\n" + "c: [" + ",".join(["*b"] * 9) + "]\n"
    assert refused(bomb.encode(), budget=Budget(nodes_max=300))[0][0] == "budget-nodes"
    deep = b"a: &a [[[1]]]\nb: &b [[*a]]\nc: [[*b]]\n"
    assert refused(deep, budget=Budget(depth_max=7))[0][0] == "budget-depth"
    assert parse("x.yaml", deep, Budget(depth_max=8)).data["c"] == [[[[[[[1]]]]]]]


def test_json_knows_its_places_where_yaml_would_give_up():
    long = "k" * 2000
    document = parse("x.json", f'{{"a":\t"\\ud83d\\ude00",\n "{long}": [1, {{"c\\u0041": 2.5}}]}}'.encode())
    assert document.data == {"a": "😀", long: [1, {"cA": 2.5}]}
    assert document.places[f"/{long}/1/cA"] == Place("x.json", 2, 2011)


@pytest.mark.parametrize("text", ['{"a":1,}', "{'a':1}", "[NaN]", "[1e999]", '["\\ud83d"]', "", "[1] 2", "// x\n1"])
def test_json_is_strict(text):
    assert refused(text.encode(), "x.json")[0][0] == "json-broken"


def test_json_duplicate_keys():
    assert refused(b'{"a": 1,\n "\\u0061": 2}', "x.json") == [("duplicate-key", 2, 2)]
    assert refused(b'[{"a,": ":\\"{", "b": {"a,": [{}]}, "a,": {"c": 1}}]') == [("duplicate-key", 1, 36)]


def test_json_budgets_are_exact_whatever_stands_in_strings():
    text = b'{"a[{\\"": ["]]", "}\\\\", [], {}], ",,,": {"x": [1]}, "b": 0}'
    assert parse("x.json", text, Budget(depth_max=3, nodes_max=10)).data["b"] == 0
    assert refused(text, "x.json", Budget(depth_max=2)) == [("budget-depth", 1, 25)]
    assert refused(text, "x.json", Budget(nodes_max=9)) == [("budget-nodes", 1, 53)]


def test_a_json_text_too_deep_for_its_reader_is_too_deep_for_the_budget():
    assert refused(b"[" * 2000 + b"]" * 2000, "x.json") == [("budget-depth", 1, 513)]


@pytest.mark.parametrize("text", ["[", "{", "- ", "? ", '{"a":', "&a [", "- {a: [", "[[]"])
@pytest.mark.parametrize("file", ["x.yaml", "x.json"])
def test_deep_nesting_never_crashes_the_process(file, text):
    program = (
        "import sys\n"
        "from treadle.contract.parse import InvalidDocument, parse\n"
        "try:\n"
        f"    parse({file!r}, {text!r}.encode() * 100_000)\n"
        "except InvalidDocument as error:\n"
        "    print(error.findings[0].rule)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in {"budget-depth", "key-not-string", "yaml-broken", "json-broken"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_orjson_writes_is_read_back_with_places(value):
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    document = parse("x.json", text)
    assert document.data == value
    lines = text.decode().split("\n")
    for name, place in document.places.items():
        here = lines[place.line - 1][place.column - 1 :]
        last = name.rpartition("/")[2]
        node = value
        for step in [each.replace("~1", "/").replace("~0", "~") for each in name.split("/")[1:]]:
            parent, node = node, node[int(step) if isinstance(node, list) else step]
        if name and isinstance(parent, dict):
            assert here.startswith(orjson.dumps(last.replace("~1", "/").replace("~0", "~")).decode())
        elif not isinstance(node, dict | list):
            assert here.startswith(orjson.dumps(node).decode())


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | PRINTABLE,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE.filter(lambda key: len(key) < 100), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_json_is_yaml(value):
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    as_yaml, as_json, told = parse("x", b"# not JSON\n" + text), parse("x.json", text), parse("x", text)
    assert as_yaml.data == as_json.data == told.data == value
    assert {name: (place.line - 1, place.column) for name, place in as_yaml.places.items() if name} == {
        name: (place.line, place.column) for name, place in as_json.places.items() if name
    }
    assert told.places == parse("x", text).places


def places_complained_of(file, data):
    try:
        parse(file, data)
    except InvalidDocument as error:
        return [each.place for each in error.findings]
    return [Place(file)]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_more_than_complain(data):
    for file in ("x.yaml", "x.json"):
        places = places_complained_of(file, data)
        assert places
        assert all(each.file == file and each.line >= 1 and each.column >= 1 for each in places)
