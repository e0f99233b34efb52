"""The hooks, installed and run by pre-commit itself."""

import pathlib
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
HOOKS = {each["id"]: each for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("pre-commit")


@pytest.mark.parametrize(("file", "code"), [("orders.openapi.yaml", 1), ("good.openapi.yaml", 0)])
def test_a_bad_contract_does_not_get_into_a_commit(repository, home, monkeypatch, file, code):
    monkeypatch.setenv("PRE_COMMIT_HOME", str(home))
    # pip's own shadow of an uncommitted tree would be another repository; a commit is what users name.
    command = [
        sys.executable,
        "-m",
        "pre_commit",
        "try-repo",
        str(ROOT),
        "treadle-lint",
        "--ref",
        "HEAD",
        "--files",
        file,
    ]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("operation-operationId-unique" in done.stdout) is bool(code)


def test_the_hook_of_a_workspace_watches_its_folders():
    import re

    watched = re.compile(HOOKS["treadle-check"]["files"])
    assert all(
        map(watched.search, ["treadle.yaml", "domains/sales/orders.v1.openapi.yaml", "standards/a.spectral.yaml"])
    )
    assert not watched.search("src/main.py")
