"""What `treadle throttle` makes of its arguments, without a fabric."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TREADLE = Path(sys.executable).with_name("treadle")
ACME = Path(__file__).parents[2] / "examples" / "acme"


def run(*arguments, env=None):
    return subprocess.run(
        [TREADLE, *arguments], cwd=ACME, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "bad-throttle-arguments"),
        (("partner",), "bad-throttle-arguments"),
        (("--to", "1/s"), "bad-throttle-arguments"),
        (("partner", "--list"), "bad-throttle-arguments"),
        (("partner", "--to", "1/s", "--lift"), "bad-throttle-arguments"),
        (("--lift",), "bad-throttle-arguments"),
        (("partner", "--to", "10"), "bad-rate"),
        (("partner", "--to", "ten/s"), "bad-rate"),
        (("partner", "--to", "1/d"), "bad-rate"),
        (("partner", "--to", "1/s", "--for", "soon"), "bad-rate"),
        (("partner", "--to", "1/s", "--for", "-1"), "bad-rate"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_hint(arguments, code):
    done = run("throttle", *arguments)
    assert done.returncode == 2
    assert f"error: {code}" in done.stderr
    assert "hint: " in done.stderr


def test_without_a_fabric_it_says_so():
    done = run("throttle", "partner", "--to", "1/s", env={"TREADLE_WORKSPACE": str(ACME)})
    assert done.returncode == 4
    assert "treadle up" in done.stderr


def test_consumers_are_completed():
    asked = {"_TREADLE_COMPLETE": "bash_complete", "COMP_WORDS": "treadle throttle p", "COMP_CWORD": "2"}
    assert run(env=asked).stdout.splitlines() == ["plain,partner"]


def test_completion_is_silent_where_there_is_no_workspace(tmp_path):
    asked = {"_TREADLE_COMPLETE": "bash_complete", "COMP_WORDS": "treadle throttle p", "COMP_CWORD": "2"}
    done = subprocess.run(
        [TREADLE], cwd=tmp_path, env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert (done.stdout + done.stderr).strip() == ""
