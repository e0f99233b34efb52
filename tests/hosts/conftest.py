"""A repository of a user, with one bad contract in it; and steps of a pipeline, run as their host runs them."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BAD = """\
openapi: 3.1.0
info: {title: Orders, version: 1.0.0}
paths:
  /v1/orders:
    get: {operationId: listOrders, responses: {"200": {description: fine}}}
    post: {operationId: listOrders, responses: {"200": {description: fine}}}
"""
RULESET = "extends: [[spectral:oas, off]]\nrules: {operation-operationId-unique: error}\n"


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "orders.openapi.yaml").write_text(BAD)
    (folder / "good.openapi.yaml").write_text(BAD.replace("post: {operationId: listOrders", "post: {operationId: make"))
    (folder / ".spectral.yaml").write_text(RULESET)
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "Begin"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *command]
        subprocess.run(git, cwd=folder, check=True)
    return folder


@pytest.fixture
def step(repository):
    """Run a script as a host does: bash that ends at the first error, in the checkout, inputs in the environment."""

    def run(script, environment):
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        index = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_", "HTTP"))}
        return subprocess.run(
            bash,
            cwd=repository,
            env={**clean, **index, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run
