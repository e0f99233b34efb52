from dataclasses import replace

from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.insight.waterfall import ROWS_MAX, waterfalls


def fact(span, parent="", at_us=0, *, kind=FactKind.CALL, duration_us=10, trace="t"):
    return Fact(kind, at_us, Outcome.OK, trace, span, parent, duration_us=duration_us)


def test_rows_follow_what_caused_what():
    facts = [
        fact("delivery-2", "event", 90),
        fact("event", "call", 20),
        fact("call", at_us=10, duration_us=50),
        fact("delivery-1", "event", 60, duration_us=100),
    ]
    (made,) = waterfalls(facts)
    assert [(row.fact.span_id, row.depth, row.offset_us) for row in made.rows] == [
        ("call", 0, 0),
        ("event", 1, 10),
        ("delivery-1", 2, 50),
        ("delivery-2", 2, 80),
    ]
    assert (made.start_us, made.duration_us, made.hidden) == (10, 150, 0)


def test_each_trace_has_its_own_line_of_time():
    made = waterfalls([fact("b", at_us=500, trace="second"), fact("a", at_us=100, trace="first")])
    assert [(each.trace_id, each.start_us) for each in made] == [("first", 100), ("second", 500)]


def test_a_trace_without_end_has_an_end_on_the_page():
    chain = [fact(f"s{n}", f"s{n - 1}" if n else "", n) for n in range(3_000)]
    (made,) = waterfalls(chain)
    assert (len(made.rows), made.hidden) == (ROWS_MAX, 2_500)
    assert waterfalls([]) == ()


def test_a_ring_of_spans_ends():
    ring = [fact("a", "b", 1), replace(fact("b", "a", 2))]
    assert len(waterfalls(ring)[0].rows) == 2
