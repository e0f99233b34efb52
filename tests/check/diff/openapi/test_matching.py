"""Which thing of one version is which of the other: paths, media types, requirements, addresses."""

import pytest

from treadle.check.diff.openapi.content import covers, match_content, media_type
from treadle.check.diff.openapi.paths import match_paths, renamed
from treadle.check.diff.openapi.security import difference, requirements, said
from treadle.check.diff.openapi.sunset import Stability, stability_of, sunset_date
from treadle.check.diff.openapi.text import text_effect
from treadle.check.diff.openapi.url import same_url
from treadle.check.schema.edit import Effect


def test_paths_match_up_to_the_names_of_their_parameters():
    assert match_paths(["/a/{x}", "/b", "/c"], ["/a/{y}", "/b"]) == {"/a/{x}": "/a/{y}", "/b": "/b"}
    assert renamed("/a/{x}/{z}", "/a/{y}/{z}") == {"x": "y", "z": "z"}


def test_the_same_text_goes_before_the_same_shape():
    assert match_paths(["/a/{x}"], ["/a/{w}", "/a/{x}"]) == {"/a/{x}": "/a/{x}"}


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("application/json", "application/json; charset=utf-8", True),
        ("application/json", "application/problem+json", True),
        ("application/problem+json", "application/json", False),
        ("application/json", "Application/JSON", True),
        ("application/*", "application/xml", True),
        ("*/*", "text/html", True),
        ("text/html", "text/*", False),
        ("application/json", "text/json", False),
    ],
)
def test_a_media_type_covers_its_kinds(wide, narrow, covered):
    assert covers(media_type(wide), media_type(narrow)) is covered


def test_each_media_type_answers_for_one_only():
    old = ["application/json", "text/a+json"]
    assert match_content(old, ["application/a+json"]) == {"application/json": "application/a+json"}


def test_an_alternative_with_other_scopes_is_the_same_alternative():
    old, new = requirements([{"o": ["a"]}, {"k": []}]), requirements([{"k": []}, {"o": ["a", "b"]}])
    found = difference(old, new)
    assert (found.added, found.removed) == ((), ())
    assert [(said(one), said(other)) for one, other in found.rescoped] == [("o [a]", "o [a, b]")]


def test_of_two_alternatives_of_the_same_schemes_none_is_taken_for_the_other():
    found = difference(requirements([{"o": ["a"]}, {"o": ["b"]}]), requirements([{"o": ["c"]}]))
    assert (len(found.added), len(found.removed), found.rescoped) == (1, 2, ())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://A.example.com", "https://a.example.com/"),
        ("https://a.example.com:443/x", "https://a.example.com/x"),
        ("https://a.example.com/%7Ex", "https://a.example.com/~x"),
        ("https://a.example.com/%2f", "https://a.example.com/%2F"),
    ],
)
def test_one_address_in_two_spellings(one, other):
    assert same_url(one, other)


def test_other_addresses_are_other_addresses():
    assert not same_url("https://a.example.com/%2F", "https://a.example.com//")
    assert not same_url("http://a.example.com:443/", "http://a.example.com/")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2030-02-01", "2030-02-01"),
        ("2030-02-01T10:00:00Z", "2030-02-01"),
        ("2030-02-31", None),
        ("soon", None),
        (5, None),
    ],
)
def test_a_sunset_date_is_a_date_of_rfc_3339(said, read):
    assert (str(sunset_date(said)) if sunset_date(said) else None) == read


def test_what_says_no_stability_is_stable():
    assert stability_of(None) is Stability.STABLE
    assert stability_of("solid") is None


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("integer", "string", Effect.WIDENS),
        ("string", "integer", Effect.NARROWS),
        ("integer", "boolean", Effect.CHANGES),
        ("integer", "number", Effect.WIDENS),
        ("array", "string", Effect.WIDENS),
        ("array", "object", None),
    ],
)
def test_on_the_wire_everything_is_text(old, new, effect):
    assert text_effect({"old_type": old, "new_type": new}) is effect
