from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.insight.layout import LANE, arrange, crossings

COLUMNS = 4


@st.composite
def graphs(draw):
    nodes = {f"n{i}": draw(st.integers(0, COLUMNS - 1)) for i in range(draw(st.integers(1, 14)))}
    ids = sorted(nodes)
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(ids)).filter(lambda pair: nodes[pair[0]] != nodes[pair[1]])
    edges = draw(st.lists(pairs, max_size=25)) if len(set(nodes.values())) > 1 else []
    return nodes, edges


@given(graphs())
def test_every_node_stands_once_in_its_column(graph):
    nodes, edges = graph
    layout = arrange(nodes, edges, columns=COLUMNS)
    placed = [(slot, at) for at, column in enumerate(layout.columns) for slot in column if isinstance(slot, str)]
    assert sorted(placed) == sorted(nodes.items())


@given(graphs())
def test_every_edge_passes_every_column_between_its_ends(graph):
    nodes, edges = graph
    layout = arrange(nodes, edges, columns=COLUMNS)
    assert set(layout.ways) == set(edges)
    for (a, b), way in layout.ways.items():
        left, right = sorted((a, b), key=nodes.__getitem__)
        assert [column for column, _ in way] == list(range(nodes[left], nodes[right] + 1))
        assert (way[0][1], way[-1][1]) == (layout.centre[left], layout.centre[right])


@given(graphs())
def test_nothing_stands_on_anything_else(graph):
    nodes, edges = graph
    layout = arrange(nodes, edges, columns=COLUMNS)
    for column in layout.columns:
        ends = 0.0
        for slot in column:
            half = (1 if isinstance(slot, str) else LANE) / 2
            assert layout.centre[slot] - half >= ends - 1e-9
            ends = layout.centre[slot] + half
        assert ends <= layout.height + 1e-9


@given(graphs(), st.randoms())
def test_the_order_of_the_input_does_not_matter(graph, dice):
    nodes, edges = graph
    mixed_nodes, mixed_edges = list(nodes.items()), list(edges)
    dice.shuffle(mixed_nodes)
    dice.shuffle(mixed_edges)
    assert arrange(nodes, edges, columns=COLUMNS) == arrange(dict(mixed_nodes), mixed_edges, columns=COLUMNS)


@given(graphs())
def test_no_more_crossings_than_in_the_order_of_names(graph):
    nodes, edges = graph
    layout = arrange(nodes, edges, columns=COLUMNS)
    links = [set() for _ in range(COLUMNS - 1)]
    for a, b in set(edges):
        left, right = sorted((a, b), key=nodes.__getitem__)
        slots = [left, *((a, b, c) for c in range(nodes[left] + 1, nodes[right])), right]
        for step, pair in enumerate(pairwise(slots)):
            links[nodes[left] + step].add(pair)
    named = [sorted(s for s in column if isinstance(s, str)) for column in layout.columns]
    named = [
        [*names, *sorted(s for s in c if not isinstance(s, str))]
        for names, c in zip(named, layout.columns, strict=True)
    ]
    assert crossings(layout.columns, links) <= crossings(named, links)


def test_a_tangle_that_can_be_undone_is_undone():
    nodes = {"a1": 0, "a2": 0, "a3": 0, "b1": 1, "b2": 1, "b3": 1}
    edges = [("a1", "b3"), ("a2", "b2"), ("a3", "b1")]
    layout = arrange(nodes, edges, columns=2)
    assert crossings(layout.columns, [set(edges)]) == 0


def test_an_edge_within_a_column_is_refused():
    with pytest.raises(ValueError, match="one column"):
        arrange({"a": 0, "b": 0}, [("a", "b")], columns=1)
