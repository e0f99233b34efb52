"""The demo's processes: keys are made once, the overlay tells the workspace of them, secrets stay out of it."""

import json
import shutil
from pathlib import Path

import pytest

from treadle.base.errors import InputError
from treadle.control.demo import PROGRAMS, prepare
from treadle.control.state import State

ACME = Path(__file__).parents[2] / "examples" / "acme"
ADDRESSES = {"gateway": "http://127.0.0.1:1", "nats": "nats://127.0.0.1:2"}


@pytest.fixture
def state(tmp_path):
    root = tmp_path / "acme"
    shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
    return State(root)


def test_another_workspace_is_told_what_to_run_instead(tmp_path):
    with pytest.raises(InputError) as refused:
        prepare(State(tmp_path), lively=True)
    assert refused.value.code == "no-demo"
    assert "treadle up" in refused.value.hint


def test_keys_are_made_once_and_only_the_public_half_is_in_the_overlay(state):
    prepare(state, lively=True)
    first = json.loads(state.overlay.read_text())
    prepare(state, lively=True)
    again = json.loads(state.overlay.read_text())
    assert first["connectors"]["crm"] == again["connectors"]["crm"]
    assert first["connectors"]["crm"]["public_key"].startswith("whpk_")
    assert "whsk_" not in state.overlay.read_text()
    assert (state.secrets / "webhook-crm").stat().st_mode & 0o077 == 0


def test_every_program_is_a_process_and_no_secret_is_an_argument(state):
    processes = prepare(state, lively=False).processes(ADDRESSES)
    assert [each.name for each in processes] == [each.name for each in PROGRAMS]
    for each in processes:
        assert Path(each.argv[1]).is_file()
        assert "--lively" not in each.argv
        password = each.env.get("TREADLE_NATS_PASSWORD", "none")
        assert not any(password in argument for argument in each.argv)
