"""One line stays one line, and says what it says."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.base.printable import printable
from treadle.contract.finding import Finding, Severity
from treadle.contract.model import Place

ESCAPED = {
    "a\x1b[2Jb": r"a\x1b[2Jb", "a\nb\r\tc": r"a\nb\r\tc", "\x9b1m": r"\x9b1m", "\x7f\x00": r"\x7f\x00",
    "\u2028\u2029": r"\u2028\u2029", "a\u202eb\u2066c": r"a\u202eb\u2066c", "\udcff": r"\xff", "a\ud800": r"a\ud800",
}  # fmt: skip


@pytest.mark.parametrize("text", ESCAPED)
def test_what_a_terminal_would_act_on_is_escaped(text):
    assert printable(text) == ESCAPED[text]


@pytest.mark.parametrize("text", ["Ada Krüger", "注文", "طلب", "👩‍🔧", "naïve `x` \\d+ …", "e\u0301"])
def test_ordinary_text_stays(text):
    assert printable(text) == text


@given(st.text(st.characters(exclude_categories=())))
def test_it_is_one_line_of_utf8(text):
    said = printable(text)
    assert len(said.splitlines()) <= 1
    assert said.encode().decode() == said
    assert not [each for each in said if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [each for each in said if unicodedata.bidirectional(each) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI")]
    assert printable(said) == said


def test_a_finding_is_one_line():
    finding = Finding(Place("a\nb.yaml"), "bad-value", Severity.BLOCK, "`\x1b[1A` is\nno name")
    assert str(finding) == r"a\nb.yaml:1:1: block bad-value: `\x1b[1A` is\nno name"
