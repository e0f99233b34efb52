"""Completion in a shell: verbs, options, files and codes."""

import pytest
from click.shell_completion import BashComplete

from treadle.cli.main import cli


def completed(*words):
    found = BashComplete(cli, {}, "treadle", "_TREADLE_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [(each.type, each.value) for each in found]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("li",), ("plain", "lint")),
        (("lint", "--fo"), ("plain", "--format")),
        (("explain", "path-v"), ("plain", "path-verb")),
        (("lint", "ap"), ("file", "ap")),
        (("lint", "-r", "ap"), ("file", "ap")),
        (("diff", "old.yaml", "ne"), ("file", "ne")),
        (("bump", "ap"), ("file", "ap")),
        (("bundle", "ap"), ("file", "ap")),
        (("check", "ap"), ("file", "ap")),
    ],
)
def test_what_is_begun_is_completed(words, found):
    assert completed(*words) == [found]
