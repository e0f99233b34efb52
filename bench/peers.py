"""The tools that nobody here wrote, for comparing: where they are, and how they are had. Nothing of theirs is shipped.

Usage: python bench/peers.py      installs what is missing into .peers/ (npm and Go are needed)
       find("spectral")           where a peer is: .peers/, then PATH; None where it is absent
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("TREADLE_PEERS", Path(__file__).parents[1] / ".peers"))
NPM = {
    "@stoplight/spectral-cli": "6.16.3",
    "@redocly/cli": "2.77.0",
    "@octokit/openapi": "23.0.2",
    "@asyncapi/parser": "3.6.6",
    "json-schema-test-suite": "0.0.10",
    "oidc-provider": "9.13.3",
}
"""`oidc-provider` is a certified OpenID provider, whose tokens `make soak` uses. `@octokit/openapi` is GitHub's API, 11
to 13 MB of JSON for each of several server versions."""
GO = {"oasdiff": "github.com/oasdiff/oasdiff@v1.36.0", "vacuum": "github.com/daveshanley/vacuum@latest"}
"""vacuum's npm package fetches its program at install; from source it comes through the Go module proxy, or not."""


def find(name: str) -> Path | None:
    """The program of a peer, or None."""
    for folder in (FOLDER / "node_modules" / ".bin", FOLDER / "gobin"):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def package(name: str) -> Path | None:
    """The folder of an npm package among the peers, or None."""
    folder = FOLDER / "node_modules" / name
    return folder if folder.exists() else None


def version(name: str) -> str:
    """What a peer says of its version."""
    program = find(name)
    if program is None:
        return "absent"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
    return (said.stdout or said.stderr).strip().splitlines()[-1] if said.stdout or said.stderr else "unknown"


def install() -> list[str]:
    """Install what can be had; the names of those that cannot."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text(json.dumps({"private": True, "dependencies": NPM}, indent=2))
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True)
    environment = {**os.environ, "GOBIN": str(FOLDER / "gobin")}
    for name, module in GO.items():
        if find(name) is None:
            subprocess.run(["go", "install", module], env=environment, check=False, capture_output=True)
    return [name for name in ("spectral", "redocly", *GO) if find(name) is None]


if __name__ == "__main__":
    for name in install():
        sys.stderr.write(f"{name} could not be had; its ratios will be missing\n")
