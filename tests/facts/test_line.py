"""A fact and its line are the same thing."""

from dataclasses import replace
from http import HTTPStatus

import orjson
import pytest
from hypothesis import given
from tests.facts.made import FACTS, call

from treadle.base.errors import InputError
from treadle.facts.line import TEXT_CHARS_MAX, as_json, decode, encode


@given(FACTS)
def test_decoding_gives_back_what_was_encoded(fact):
    line = encode(fact)
    assert b"\n" not in line
    assert decode(line, 7) == replace(fact, seq=7)


def test_defaults_take_no_room():
    assert orjson.loads(encode(call(5, seq=9))) == {"kind": "call", "at_us": 5, "outcome": "ok"}


def test_a_long_text_is_cut_and_says_so():
    kept = decode(encode(call(detail="x" * 5000))).detail
    assert len(kept) == TEXT_CHARS_MAX
    assert kept.endswith("x…")


def test_bytes_that_were_not_text_are_kept_as_escapes():
    assert decode(encode(call(consumer=b"a\xff".decode(errors="surrogateescape")))).consumer == "a\\udcff"


def test_an_enumerated_number_is_a_number():
    assert decode(encode(call(status=HTTPStatus.OK))).status == 200


@pytest.mark.parametrize(
    "wrong", [{"status": 2**63}, {"status": True}, {"status": 1.5}, {"detail": None}, {"detail": b"x"}, {"at_us": "1"}]
)
def test_what_could_not_be_read_back_is_refused(wrong):
    with pytest.raises(InputError) as caught:
        encode(replace(call(), **wrong))
    assert caught.value.code == "fact-not-storable"
    assert next(iter(wrong)) in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"kind":"call","at_us":1}',
        b'{"kind":"nothing","at_us":1,"outcome":"ok"}',
        b'{"kind":"call","at_us":1,"outcome":"ok","status":"200"}',
        b'{"kind":"call","at_us":1,"outcome":"ok","detail":1}',
    ],
)
def test_a_line_that_is_no_fact_is_an_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 - orjson and enums have messages of their own
        decode(line)


def test_a_field_of_a_newer_version_is_skipped():
    assert decode(b'{"kind":"call","at_us":1,"outcome":"ok","later":[1]}') == call(1)


def test_for_machines_every_field_is_there():
    (fact,) = orjson.loads(as_json({"facts": [call(1)]}))["facts"]
    assert fact["kind"] == "call"
    assert fact["trace_id"] == ""
