"""Trees: every fact exactly once, whatever the spans say."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from tests.facts.made import IDS, call

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.facts.tree import draw, grow, moment

T = "4b" * 16
START = 1763812345678901
SPANS = st.lists(
    st.builds(
        call,
        at_us=st.integers(0, 9),
        trace_id=st.sampled_from(["", T, "5c" * 16]),
        span_id=IDS,
        parent_span_id=IDS,
        detail=st.text(max_size=5),
    ),
    max_size=12,
)


def walk(nodes):
    for node in nodes:
        yield node
        yield from walk(node.children)


@given(SPANS)
def test_every_fact_is_in_the_trees_exactly_once(facts):
    assert Counter(node.fact for node in walk(grow(facts))) == Counter(facts)


@given(SPANS)
def test_a_child_names_its_parent_and_siblings_stand_by_time(facts):
    roots = grow(facts)
    for group in [roots, *(node.children for node in walk(roots))]:
        assert [node.fact.at_us for node in group] == sorted(node.fact.at_us for node in group)
    for node in walk(roots):
        for child in node.children:
            assert (child.fact.trace_id, child.fact.parent_span_id) == (node.fact.trace_id, node.fact.span_id)


@given(SPANS)
def test_a_fact_whose_parent_is_not_there_is_a_root(facts):
    spans = {(fact.trace_id, fact.span_id) for fact in facts if fact.span_id}
    orphans = Counter(fact for fact in facts if (fact.trace_id, fact.parent_span_id) not in spans)
    assert not orphans - Counter(node.fact for node in grow(facts))


@given(SPANS)
def test_drawing_gives_a_line_to_each_fact(facts):
    drawn = draw(grow(facts))
    assert len(re.findall(r"[├└]─", drawn)) == len(facts)
    assert all(line.isprintable() for line in drawn.split("\n"))


def test_a_chain_of_thousands_of_hops_is_harmless():
    facts = [call(n, trace_id=T, span_id=f"{n + 1:016x}", parent_span_id=f"{n:016x}") for n in range(5000)]
    drawn = draw(grow(facts))
    assert drawn.count("\n") == 5000
    assert len(max(drawn.split("\n"), key=len)) < 250


def test_the_picture():
    order = "sales.order.v1@1.0.0#bbbbbbbbbbbb"
    facts = [
        Fact(
            FactKind.DELIVERY, START + 9000, Outcome.OK, T, "d" * 16, "b" * 16,
            consumer="billing", operation="sales.order.created.v1", duration_us=29_500,
        ),
        Fact(
            FactKind.CALL, START, Outcome.OK, T, "a" * 16, "0" * 16, consumer="demo-app",
            operation="publishEvents", status=202, duration_us=4100, contract="treadle.platform.v1@1.0.0#aaaaaaaaaaaa",
        ),
        Fact(
            FactKind.DELIVERY, START + 5000, Outcome.FAILED, T, "c" * 16, "b" * 16, consumer="orders-api",
            operation="sales.order.created.v1", duration_us=2_000_000, code="HANDLER_ERROR", detail="b\x1b[31m\u202e",
        ),
        Fact(
            FactKind.EVENT, START + 1000, Outcome.OK, T, "b" * 16, "a" * 16, consumer="demo-app",
            operation="sales.order.created.v1", duration_us=600, contract=order,
        ),
        Fact(FactKind.GAP, 0, Outcome.FAILED, operation="gateway", code="FACTS_MISSING", missing=3),
    ]  # fmt: skip
    # The order of the facts says nothing; drawing does not depend on it.
    assert draw(grow(facts)) == draw(grow(facts[::-1]))
    seen = [re.sub(r"  +", "  ", line) for line in draw(grow(facts)).split("\n")]
    assert seen == [
        "outside of any trace  1970-01-01 00:00:00.000Z  1 fact  0.0 ms",
        "└─ +0 ms  0.0 ms  gap  -  gateway  failed FACTS_MISSING missing 3",
        "",
        f"trace {T}  2025-11-22 11:52:25.678Z  4 facts  2005 ms",
        "└─ +0 ms  4.1 ms  call  demo-app  publishEvents  202  treadle.platform.v1@1.0.0#aaaaaaaaaaaa",
        f"  └─ +1 ms  0.6 ms  event  demo-app  sales.order.created.v1  ok  {order}",
        "  ├─ +5 ms  2000 ms  delivery  orders-api  sales.order.created.v1  failed HANDLER_ERROR  b\\x1b[31m\\u202e",
        "  └─ +9 ms  30 ms  delivery  billing  sales.order.created.v1  ok",
    ]


def test_a_time_beyond_the_calendar_is_still_a_time():
    assert moment(2**62) == f"{2**62} us"
