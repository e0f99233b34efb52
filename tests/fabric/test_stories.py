"""The demo's stories are end-to-end tests: they end with an error where the fabric does not do what they tell."""

import pytest

pytestmark = pytest.mark.fabric


@pytest.mark.parametrize(
    ("story", "tells"),
    [
        ("break", ["version-too-low", "goes on serving", "response-required-property-removed"]),
        ("dlq", ["CONTRACT_VIOLATION", "/amount", "kept as SALES_ORDER_CREATED_V1", "delivery"]),
        ("incident", ["HTTP 503", "failed", "The service is mended"]),
    ],
)
def test_the_story_goes_as_told(fabric, story, tells):
    said = fabric.treadle("demo", story).stdout
    assert "The story went as told." in said
    for each in tells:
        assert each in said


def test_a_story_that_does_not_happen_is_an_error(fabric):
    """The dlq story with an event that breaks nothing must not pass."""
    bad = fabric.root / "stories" / "dlq" / "bad.json"
    kept = bad.read_bytes()
    bad.write_bytes((bad.parent / "mended.json").read_bytes())
    try:
        done = fabric.treadle("demo", "dlq", check=False)
    finally:
        bad.write_bytes(kept)
    assert done.returncode == 1
    assert "story-failed" in done.stderr
