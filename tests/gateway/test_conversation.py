"""One stream of delta discovery without any I/O: what is said, in which order, and what is never said twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.gateway.ads.catalog import Catalog, Resource
from treadle.gateway.ads.conversation import BATCH, Conversation, Memory
from treadle.gateway.ads.wire import ProtocolError, Request
from treadle.gateway.envoy.snapshot import Moving

C, E, F, R = Moving.CLUSTERS, Moving.ENDPOINTS, Moving.FILTERS, Moving.ROUTES


def catalog(**kinds):
    """`cds={"a": "1"}`: a cluster `a` of version 1."""
    resources = {
        Moving(kind): {name: Resource(name, version, f"{name}@{version}".encode()) for name, version in group.items()}
        for kind, group in kinds.items()
    }
    return Catalog(resources)


class Node:
    """A node that takes everything but what it is told to refuse, and notes what it was sent."""

    def __init__(self, refuses=(), memory=None, has=None):
        self.has = {kind: dict((has or {}).get(kind, {})) for kind in Moving}
        self.refuses = set(refuses)
        self.memory = memory or Memory()
        self.stream = Conversation("n1", self.memory)
        self.log = []

    def connect(self, wanted, kinds=tuple(Moving)):
        for kind in kinds:
            self.stream.take(Request(kind, "n1", subscribe=("*",), have=self.has[kind]), wanted)
        return self

    def run(self, wanted):
        verdicts = []
        while response := self.stream.next(wanted):
            assert len(self.log) < 1_000, "it would go on for ever"
            verdicts.append(self.answer(response, wanted))
        return [each for each in verdicts if each]

    def answer(self, response, wanted):
        self.log.append((response.kind, tuple(each.name for each in response.put), response.gone))
        bad = [each for each in response.put if (each.name, each.version) in self.refuses]
        if not bad:
            self.has[response.kind] |= {each.name: each.version for each in response.put}
            for name in response.gone:
                self.has[response.kind].pop(name, None)
        words = f"cannot take {bad[0].name}" if bad else ""
        return self.stream.take(Request(response.kind, nonce=response.nonce, words=words), wanted)


def test_a_node_gets_everything_once_and_then_nothing():
    wanted = catalog(cds={"a": "1"}, eds={"a": "1"}, ecds={"f": "1"}, rtds={"l": "1"}, rds={"t": "1"})
    node = Node().connect(wanted)
    node.run(wanted)
    assert [kind for kind, _, _ in node.log] == list(Moving)
    assert node.stream.settled(wanted)
    assert node.stream.next(wanted) is None


def test_a_change_is_made_before_it_is_broken():
    old = catalog(cds={"a": "1"}, ecds={"f": "1"}, rds={"t": "1"})
    node = Node().connect(old)
    node.run(old)
    node.log.clear()
    node.run(catalog(cds={"b": "1"}, ecds={"f": "2"}, rds={"t": "2"}))
    assert node.log == [(C, ("b",), ()), (F, ("f",), ()), (R, ("t",), ()), (C, (), ("a",))]


def test_routes_wait_for_the_answer_about_clusters():
    old = catalog(cds={"a": "1"}, rds={"t": "1"})
    node = Node().connect(old)
    node.run(old)
    new = catalog(cds={"a": "1", "b": "1"}, rds={"t": "2"})
    clusters = node.stream.next(new)
    assert clusters.kind is C
    assert node.stream.next(new) is None, "the node is still warming the cluster"
    assert not node.stream.settled(new)
    node.answer(clusters, new)
    assert node.stream.next(new).kind is R


def test_what_a_node_has_already_is_not_sent_again():
    wanted = catalog(cds={"a": "1", "b": "2"}, rds={"t": "1"})
    node = Node(has={C: {"a": "1", "b": "1", "gone": "1"}, R: {"t": "1"}}).connect(wanted)
    node.run(wanted)
    assert node.log == [(C, ("b",), ()), (C, (), ("gone",))]


def test_of_many_the_one_that_is_refused_is_found_and_nothing_else_is_kept_back():
    old = catalog(cds={"a": "1", "b": "1", "c": "1"}, rds={"t": "1"})
    node = Node(refuses={("b", "2")}).connect(old)
    node.run(old)
    new = catalog(cds={"a": "2", "b": "2", "c": "2"}, rds={"t": "1"})
    verdicts = node.run(new)
    assert node.has[C] == {"a": "2", "b": "1", "c": "2"}
    assert [each.versions for each in verdicts if not each.taken] == [{"b": "2"}]
    (refused,) = node.stream.refused(new)
    assert (refused.kind, refused.name, refused.words) == (C, "b", "cannot take b")
    assert node.stream.settled(new)
    node.log.clear()
    node.run(new)
    assert node.log == [], "what was refused is not tried for ever"


def test_what_refers_to_something_refused_waits_and_nothing_is_taken_away():
    old = catalog(cds={"a": "1"}, rds={"t": "1"})
    node = Node(refuses={("b", "1")}).connect(old)
    node.run(old)
    new = catalog(cds={"b": "1"}, rds={"t": "2"})
    node.run(new)
    assert node.has == {**{kind: {} for kind in Moving}, C: {"a": "1"}, R: {"t": "1"}}
    mended = catalog(cds={"b": "2"}, rds={"t": "2"})
    node.run(mended)
    assert (node.has[C], node.has[R]) == ({"b": "2"}, {"t": "2"})


def test_a_node_that_has_nothing_is_not_left_with_nothing():
    wanted = catalog(cds={"a": "1", "b": "1"}, rds={"t": "1"})
    node = Node(refuses={("b", "1")}).connect(wanted)
    node.run(wanted)
    assert (node.has[C], node.has[R]) == ({"a": "1"}, {"t": "1"})


def test_a_node_that_comes_back_empty_gets_its_last_good_and_not_what_it_refused():
    old = catalog(cds={"a": "1"}, rds={"t": "1"})
    node = Node(refuses={("t", "2")}).connect(old)
    node.run(old)
    new = catalog(cds={"a": "1"}, rds={"t": "2"})
    node.run(new)
    restarted = Node(refuses={("t", "2")}, memory=node.memory).connect(new)
    restarted.run(new)
    assert restarted.has[R] == {"t": "1"}
    assert restarted.log == [(C, ("a",), ()), (R, ("t",), ())], "it was not asked to take it again"


def test_a_refusal_is_forgotten_with_what_was_refused():
    bad = catalog(rds={"t": "2"})
    node = Node(refuses={("t", "2")}).connect(bad)
    node.run(bad)
    good = catalog(rds={"t": "1"})
    node.memory.forget(good)
    assert node.memory.refused == {}
    node.refuses.clear()
    node.run(good)
    node.run(bad)
    assert node.has[R] == {"t": "2"}


def test_names_are_served_alone_and_asking_again_sends_again():
    wanted = catalog(rds={"t": "1", "u": "1"})
    node = Node()
    node.stream.take(Request(R, "n1", subscribe=("t", "later")), wanted)
    node.run(wanted)
    assert node.has[R] == {"t": "1"}
    node.stream.take(Request(R, subscribe=("t",)), wanted)
    node.run(wanted)
    assert [put for _, put, _ in node.log] == [("t",), ("t",)]
    node.run(catalog(rds={"t": "1", "later": "1"}))
    assert node.has[R] == {"t": "1", "later": "1"}
    node.stream.take(Request(R, unsubscribe=("t",)), wanted)
    assert node.stream.next(catalog(rds={"t": "9", "later": "1"})) is None


def test_a_first_request_without_names_asks_for_all_and_a_star_can_be_taken_back():
    wanted = catalog(cds={"a": "1"})
    node = Node()
    node.stream.take(Request(C, "n1"), wanted)
    node.run(wanted)
    assert node.has[C] == {"a": "1"}
    other = Node().connect(wanted)
    other.stream.take(Request(C, unsubscribe=("*",)), wanted)
    assert other.stream.next(wanted) is None


def test_an_answer_to_another_response_changes_nothing():
    wanted = catalog(cds={"a": "1"})
    node = Node().connect(wanted)
    response = node.stream.next(wanted)
    assert node.stream.take(Request(C, nonce="77"), wanted) is None
    assert node.stream.next(wanted) is None, "the one on its way is still waited for"
    assert node.stream.take(Request(C, nonce=response.nonce), wanted).taken


def test_endpoints_follow_a_cluster_that_is_replaced():
    old = catalog(cds={"a": "1"}, eds={"a": "1"})
    node = Node().connect(old)
    node.run(old)
    node.log.clear()
    node.run(catalog(cds={"a": "2"}, eds={"a": "1"}))
    assert node.log == [(C, ("a",), ()), (E, ("a",), ())]


def test_a_response_is_bounded_and_so_are_the_names_of_a_node():
    wanted = catalog(cds={f"c{index:04}": "1" for index in range(3 * BATCH)})
    node = Node().connect(wanted)
    node.run(wanted)
    assert [len(put) for _, put, _ in node.log] == [BATCH] * 3
    for part in range(2):
        node.stream.take(Request(R, subscribe=tuple(f"{part}-{index}" for index in range(4_000))), wanted)
    with pytest.raises(ProtocolError):
        node.stream.take(Request(R, subscribe=tuple(f"2-{index}" for index in range(4_000))), wanted)


versions = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"), max_size=4)
catalogs = st.builds(lambda c, e, f, r: catalog(cds=c, eds=e, ecds=f, rds=r), versions, versions, versions, versions)
refusals = st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("12")), max_size=3)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(catalogs, refusals, st.booleans()), min_size=1, max_size=5))
def test_whatever_is_published_a_node_runs_it_but_for_what_it_refused(steps):
    """Over changes, refusals and new streams: nothing is resent that it has, and no refusal loses what served."""
    memory, node = Memory(), None
    for wanted, refuses, again in steps:
        before = node.has if node else {kind: {} for kind in Moving}
        if node is None or again:
            node = Node(memory=memory, has=before).connect(wanted)
        node.refuses = refuses
        memory.forget(wanted)
        kept = {kind: dict(group) for kind, group in node.has.items()}
        node.run(wanted)
        assert node.stream.settled(wanted)
        refused = {(each.kind, each.name) for each in node.stream.refused(wanted)}
        for kind in Moving:
            for name, each in wanted.of(kind).items():
                if (kind, name) in refused:
                    assert node.has[kind].get(name) == kept[kind].get(name)
                elif not refused:
                    assert node.has[kind][name] == each.version
            if not refused:
                assert node.has[kind].keys() == wanted.of(kind).keys()
