"""Pseudonyms: stable while somebody is known, meaningless once forgotten."""

import re

import pytest

from treadle.base.errors import EngineError
from treadle.facts.subjects import SubjectBook


@pytest.fixture
def book(tmp_path):
    with SubjectBook(tmp_path / "subjects.sqlite") as book:
        yield book


def test_a_pseudonym_is_made_once_and_only_when_asked_for(book, tmp_path):
    assert book.pseudonym("anna") is None
    made = book.pseudonym("anna", create=True)
    assert re.fullmatch(r"s_[0-9a-f]{16}", made)
    assert book.pseudonym("anna") == book.pseudonym("anna", create=True) == made
    assert book.pseudonym("bert", create=True) != made
    with SubjectBook(tmp_path / "subjects.sqlite") as other:
        assert other.pseudonym("anna") == made


def test_many_at_once_known_and_new(book):
    anna = book.pseudonym("anna", create=True)
    ids = ["anna", *(f"person {n}" for n in range(1200)), "anna"]
    made = book.create(ids)
    assert made["anna"] == anna
    assert set(made) == set(ids)
    assert len(set(made.values())) == 1201


def test_forgetting_leaves_nothing_in_the_file_and_a_new_pseudonym_for_the_next_time(book, tmp_path):
    made = book.pseudonym("anna-the-forgotten", create=True)
    assert b"anna-the-forgotten" in (tmp_path / "subjects.sqlite").read_bytes()
    assert book.forget("anna-the-forgotten") == made
    assert book.forget("anna-the-forgotten") is None
    assert book.pseudonym("anna-the-forgotten") is None
    for path in tmp_path.iterdir():
        assert b"anna-the-forgotten" not in path.read_bytes()
    assert book.pseudonym("anna-the-forgotten", create=True) != made


def test_an_erasure_by_another_process_holds_at_once(book, tmp_path):
    made = book.pseudonym("anna", create=True)
    with SubjectBook(tmp_path / "subjects.sqlite") as other:
        other.forget("anna")
    assert book.create(["anna"])["anna"] != made


def test_ids_that_are_not_utf_8_stay_apart(book):
    one, two = book.create(["a\udc80", "a\udc81"]).values()
    assert one != two
    assert book.pseudonym("a\udc80") == one


def test_the_file_is_private(book, tmp_path):
    assert (tmp_path / "subjects.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_book_is_a_typed_error(tmp_path):
    (tmp_path / "other").write_text("not a database, and long enough to be looked at" * 30)
    with pytest.raises(EngineError, match="subjects-unusable"):
        SubjectBook(tmp_path / "other")
    with pytest.raises(EngineError, match="subjects-unusable"):
        SubjectBook(tmp_path / "none" / "subjects.sqlite")
