"""Facts as hypothesis makes them."""

from hypothesis import strategies as st

from treadle.facts.fact import Fact, FactKind, Outcome

WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
TEXT = st.text(max_size=40)
IDS = st.sampled_from(["", "a" * 16, "b" * 16, "c" * 16, "d" * 16])

FACTS = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    at_us=WHOLE,
    outcome=st.sampled_from(Outcome),
    trace_id=TEXT,
    span_id=TEXT,
    event_id=TEXT,
    subject=TEXT,
    consumer=TEXT,
    contract=TEXT,
    status=WHOLE,
    duration_us=WHOLE,
    code=TEXT,
    detail=TEXT,
    missing=WHOLE,
    observed=TEXT,
    peer=TEXT,
    replayed=WHOLE,
)


def call(at_us=1, **fields):
    return Fact(FactKind.CALL, at_us, Outcome.OK, **fields)
