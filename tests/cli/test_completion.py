"""Completion as a shell asks for it: verbs, options, files and codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TREADLE = Path(sys.executable).with_name("treadle")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("li", "plain,lint"),
        ("lint --fo", "plain,--format"),
        ("explain path-v", "plain,path-verb"),
        ("lint ap", "file,ap"),
        ("lint -r ap", "file,ap"),
        ("diff old.yaml ne", "file,ne"),
        ("bump ap", "file,ap"),
        ("bundle ap", "file,ap"),
        ("check ap", "file,ap"),
    ],
)
def test_what_is_begun_is_completed(typed, found):
    # In a process of its own: commands keep the help option of whoever first asked them.
    asked = {
        "_TREADLE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"treadle {typed}",
        "COMP_CWORD": str(len(typed.split())),
    }
    done = subprocess.run([TREADLE], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [found]


@pytest.mark.parametrize("typed", ["rollback 3f", "plan --against 3f"])
def test_digests_of_what_was_live_are_completed(typed, tmp_path):
    kept = [{"digest": digit * 64, "at_us": 1, "verb": "apply", "trace": "", "gateway": ""} for digit in "3f4"]
    kept[0]["digest"] = "3f" * 32
    folder = tmp_path / ".treadle" / "snapshots"
    folder.mkdir(parents=True)
    (tmp_path / "treadle.yaml").write_text("name: acme\n")
    (folder / "history.json").write_text(json.dumps([{**each, "contracts": []} for each in kept]))
    asked = {
        "_TREADLE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"treadle {typed}",
        "COMP_CWORD": str(len(typed.split())),
        "TREADLE_WORKSPACE": str(tmp_path),
    }
    done = subprocess.run([TREADLE], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["plain," + ("3f" * 32)[:12]]
