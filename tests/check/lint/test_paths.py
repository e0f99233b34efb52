"""The path language: golden selections, refusals with their place, and the law of the merged walk."""

import json
import pathlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from treadle.check.lint.path.automaton import Automaton
from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.filter import Standing, compile_filter
from treadle.check.lint.path.parse import parse_path
from treadle.check.lint.path.walk import walk

CASES = sorted(pathlib.Path("tests/cases/paths").glob("*.case"))


def select(paths, document, shared=None):
    """What each path selects: {path: [(where, value)]}."""
    found = {path: [] for path in paths}
    automaton = Automaton([parse_path(path) for path in paths])
    walk(document, automaton, lambda number, at, value: found[paths[number]].append((tuple(at), value)), shared)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_selection(case, check_case):
    check_case(case, selected)


def selected(given):
    head, _, document = given.partition("\n\n")
    lines = []
    for path in head.splitlines():
        try:
            found = select([path], yaml.safe_load(document))[path]
        except BadPath as error:
            hint = f" ({error.hint})" if error.hint else ""
            lines.append(f"{path}\n{' ' * error.at}^ {error.message}{hint}")
            continue
        lines.append(path)
        lines += [f"  {'/'.join(map(str, at)) or '(root)'} = {json.dumps(value)}" for at, value in found]
    return "\n".join(lines) + "\n"


NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=25,
)
STEPS = st.sampled_from(
    [
        ".a",
        ".b",
        "..a",
        "..b",
        ".*",
        "[*]",
        "[a,c]",
        "..[a,b]",
        "[0]",
        "[1:]",
        "[-1:]",
        "..*",
        "[?(@&&@.a)]",
        "..[?(@&&@.b!==undefined)]",
        "..[?(@property==='a')]",
        "[?(@parentProperty==='a')]",
    ]
)
PATHS = st.builds(
    lambda steps, end: "$" + "".join(steps) + end,
    st.lists(STEPS, min_size=1, max_size=4),
    st.sampled_from(["", "", "~", "^", "^^"]),
)


@given(st.lists(PATHS, min_size=1, max_size=5, unique=True), DOCUMENTS)
def test_merged_walk_selects_what_each_path_selects_alone(paths, document):
    assert select(paths, document) == {path: select([path], document)[path] for path in paths}


@given(st.lists(PATHS, min_size=1, max_size=3, unique=True), DOCUMENTS)
def test_shared_nodes_are_selected_once_for_each_way_that_matters(paths, part):
    """A node that two keys lead to: what is selected is the same nodes as without sharing, by their identity."""
    document = {"a": part, "b": {"c": part}}
    shared = {id(part): True} if isinstance(part, dict | list) else {}
    for path in paths:
        alone, once = select([path], document)[path], select([path], document, shared)[path]
        assert {id(value) for _, value in once} == {id(value) for _, value in alone}
        assert len(once) <= len(alone)


@given(PATHS, DOCUMENTS)
def test_what_spares_asking_a_filter_never_changes_its_answer(path, document):
    """`keys` and `names` of a filter are necessary conditions: a filter asked of everything selects the same."""
    automaton = Automaton([parse_path(path)])
    asked = [step.filter for step in automaton.expressions[0].steps if step.filter]
    for filter in asked:
        for value in _below(document):
            standing = Standing(value, "a", ["a"], [document])
            if filter.keys is not None and filter.test(standing):
                assert isinstance(value, dict)
                assert filter.keys & value.keys()


def _below(value):
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _below(each)


@pytest.mark.parametrize(
    ("script", "value", "holds"),
    [
        ("@.a == '1'", {"a": 1}, True),
        ("@.a === '1'", {"a": 1}, False),
        ("@.a == null", {}, True),
        ("@.a === null", {}, False),
        ("!@.a", {"a": []}, False),
        ("@.a && @.a.length", {"a": [1]}, True),
        ("@.constructor.name === 'Object'", {}, True),
        ("Array.isArray(@.a)", {"a": [1]}, True),
        ("Object.keys(@).length > 1", {"a": 1, "b": 2}, True),
        ("@.a.match(/^X/i)", {"a": "xy"}, True),
        ("/^x/.test(@.a)", {"a": "xy"}, True),
        ("@.a?.b?.c", {"a": {}}, False),
        ("@.a.b", {}, False),
        ("typeof @.a === 'undefined'", {}, True),
        ("@.a ? @.b : @.c", {"c": 1}, True),
        ("@.a + 1 === 3", {"a": 2}, True),
        ("@.a + '1' === '21'", {"a": 2}, True),
        ("@.a in ['x', 'y']", {"a": "y"}, True),
        ("(@.a ?? 2) === 2", {"a": None}, True),
        ("@['x-y'].startsWith('a')", {"x-y": "ab"}, True),
        ("@.a.toLowerCase().includes('b')", {"a": "AB"}, True),
        ("@.a.indexOf('z') !== -1", {"a": "AB"}, False),
        ("@.a / 4 === 0.5 && -@.a === -2", {"a": 2}, True),
    ],
)
def test_javascript_of_filters(script, value, holds):
    assert compile_filter(script).test(Standing(value, "p", ["p"], [{}])) is holds
