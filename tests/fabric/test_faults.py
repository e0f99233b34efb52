"""Faults at the start of a fabric: a clear error with a hint and the right exit code, and nothing left behind."""

import json
import os
import socket
import subprocess
import sys

import pytest
from harness import Fabric, wait_for

from treadle.control.runfile import alive

pytestmark = pytest.mark.fabric


@pytest.fixture
def bare(tmp_path_factory):
    """A fresh workspace from `init`, not running."""
    root = tmp_path_factory.mktemp("ws") / "own"
    done = subprocess.run(
        [sys.executable, "-m", "treadle.cli.main", "init", str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    fabric = Fabric(root)
    yield fabric
    fabric.treadle("down")


def refused(fabric, *arguments, code):
    """The error of a verb that must fail; a traceback is a bug."""
    done = fabric.treadle(*arguments, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "hint: " in done.stderr
    return done.stderr


def settings(fabric, text):
    with (fabric.root / "treadle.yaml").open("a") as file:
        file.write(text)


def test_a_new_workspace_passes_check_and_runs_though_its_upstream_is_not_there(bare):
    assert bare.treadle("check").returncode == 0
    bare.treadle("up", "--detach")
    assert {row["name"] for row in bare.run["processes"]} == {"nats", "control", "guard", "hop", "drift", "envoy"}
    client = next(iter(json.loads(bare.treadle("check", "--format", "json").stdout)["contracts"]))
    assert client["id"]
    paths = json.loads(bare.treadle("plan", "--format", "json").stdout)
    assert all(row["action"] == "keep" for row in paths["contracts"])


def test_a_second_up_on_the_same_workspace(fabric):
    said = refused(fabric, "up", code=4)
    assert "already-up" in said
    assert fabric.is_ready()


def test_a_second_demo_does_not_touch_the_one_that_runs(fabric):
    overlay = fabric.root / ".treadle/demo/overlay.yaml"
    before = overlay.read_bytes()
    assert "already-up" in refused(fabric, "demo", code=4)
    assert overlay.read_bytes() == before


def test_a_configured_port_that_is_taken(bare):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings(bare, f"\nports: {{gateway: {taken.getsockname()[1]}}}\n")
        said = refused(bare, "up", "--detach", code=4)
    assert "port-taken" in said


def test_an_engine_that_is_missing(bare, tmp_path):
    settings(bare, f"\nengines: {{nats: {{binary: {tmp_path / 'no-nats'}}}}}\n")
    assert "engine-missing" in refused(bare, "up", "--detach", code=4)


@pytest.mark.parametrize(
    ("engine", "says"),
    [("nats", "nats-server: v2.9.0"), ("envoy", "envoy  version: 0123abcd/1.29.1/Clean/RELEASE/BoringSSL")],
)
def test_an_engine_of_a_wrong_version(bare, tmp_path, engine, says):
    fake = tmp_path / "engine"
    fake.write_text(f"#!/bin/sh\necho '{says}'\n")
    fake.chmod(0o755)
    settings(bare, f"\nengines: {{{engine}: {{binary: {fake}}}}}\n")
    assert "engine-wrong-version" in refused(bare, "up", "--detach", code=4)


def test_an_engine_that_crashes_at_once_is_restarted_and_told(bare, tmp_path):
    fake = tmp_path / "nats-server"
    fake.write_text('#!/bin/sh\ncase "$1" in -v) echo "nats-server: v2.15.1";; *) exit 7;; esac\n')
    fake.chmod(0o755)
    settings(bare, f"\nengines: {{nats: {{binary: {fake}}}}}\n")
    log = bare.root / "up.txt"
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "treadle.cli.main", "up", "--workspace", str(bare.root)],
            stdout=out,
            stderr=out,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def crashing():
        done = bare.treadle("status", "--format", "json", check=False)
        rows = json.loads(done.stdout)["processes"] if done.stdout else []
        return any(row["name"] == "nats" and row["restarts"] >= 2 for row in rows) and done.returncode == 4

    wait_for(crashing, "status to tell of the crashes")
    row = bare.process("nats")
    assert "exited with 7" in row["detail"] or row["state"] == "starting"
    pids = bare.pids()
    bare.treadle("down")
    assert up.wait(30) == 0
    assert not any(alive(pid) for pid in pids)


def test_broken_settings_stop_the_start(bare):
    settings(bare, "\nnam: again\n")
    said = refused(bare, "up", "--detach", code=3)
    assert "treadle.yaml" in said


def test_a_bad_contract_does_not_stop_the_start(bare):
    (file,) = bare.root.glob("domains/*/*.asyncapi.yaml")
    file.write_text(file.read_text() + "\nchannels: {}\n")
    bare.treadle("up", "--detach")
    done = bare.treadle("plan", "--format", "json", check=False)
    rows = {each["contract"]: each for each in json.loads(done.stdout)["contracts"]}
    assert sorted(each["action"] for each in rows.values()) == ["keep", "refuse"]
    assert done.returncode == 3


def test_outside_a_workspace_every_verb_says_where_to_begin(tmp_path):
    for verb in ("up", "down", "status", "plan", "apply", "audit"):
        done = subprocess.run(
            [sys.executable, "-m", "treadle.cli.main", verb],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={key: value for key, value in os.environ.items() if key != "TREADLE_WORKSPACE"},
        )
        assert done.returncode == 3, (verb, done.stderr)
        assert "treadle init" in done.stderr
