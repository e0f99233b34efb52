"""A whole demo fabric over real engines, on a copy of examples/acme, and the verbs of its users."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from treadle.control.remote import Reply, request
from treadle.control.runfile import alive

ACME = Path(__file__).parents[2] / "examples" / "acme"
PATIENCE_S = 60.0


def wait_for(condition, what, seconds=PATIENCE_S):
    """The first truthy value of `condition()`; a failure that says what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"gave up waiting for {what}"
        time.sleep(0.02)


@dataclass
class Fabric:
    """One running fabric."""

    root: Path
    banner: str = ""

    def treadle(self, *arguments, check=True, input=None):
        """Run a verb on this workspace."""
        done = subprocess.run(
            [sys.executable, "-m", "treadle.cli.main", *arguments],
            cwd=self.root,
            env={**os.environ, "TREADLE_WORKSPACE": str(self.root), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            input=input,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, (
                f"treadle {' '.join(arguments)} exited {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    @property
    def run(self):
        return json.loads((self.root / ".treadle" / "run.json").read_bytes())

    def process(self, name):
        return next(row for row in self.run["processes"] if row["name"] == name)

    def pids(self):
        return [row["pid"] for row in self.run["processes"] if row["pid"]]

    def is_ready(self):
        return self.run["ready"] and all(alive(pid) for pid in self.pids())

    def token(self, client="demo-app", scope=None):
        arguments = ["token", "--client", client] + (["--scope", scope] if scope else [])
        return self.treadle(*arguments).stdout.strip()

    def call(self, method, path, *, token=None, headers=None, body=None) -> Reply:
        """One call through the gateway."""
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        run = self.run
        return request(method, run["gateway"] + path, headers={**sent, **(headers or {})}, body=body, ca=run.get("ca"))

    def system(self, name, call, body):
        """Create or change a record in a system of record, as its own users do: `POST /api/customers`."""
        method, path = call.split()
        sent = {"content-type": "application/json"}
        reply = request(method, self.process(name)["url"] + path, headers=sent, body=json.dumps(body).encode())
        assert reply.status in (200, 201), reply.body
        return reply.json()

    def facts(self, trace_id):
        """The facts of one trace, as soon as there are any."""

        def found():
            done = self.treadle("trace", trace_id, "--format", "json", check=False)
            return json.loads(done.stdout) if done.returncode == 0 else None

        return wait_for(found, f"facts of trace {trace_id}")


def start(root: Path, edits: dict[str, dict[str, str]] | None = None) -> Fabric:
    """Start the demo on a copy. `edits` say by file what is written in the place of what."""
    shutil.copytree(ACME, root, ignore=shutil.ignore_patterns(".treadle", "__pycache__"))
    for name, changes in (edits or {}).items():
        text = (root / name).read_text()
        for old, new in changes.items():
            assert old in text, f"{name} does not say {old}"
            text = text.replace(old, new)
        (root / name).write_text(text)
    fabric = Fabric(root)
    fabric.banner = fabric.treadle("demo", "--detach").stdout
    return fabric


def stop(fabric: Fabric) -> None:
    pids = [*fabric.pids(), fabric.run["supervisor"]["pid"]]
    fabric.treadle("down")
    wait_for(lambda: not any(alive(pid) for pid in pids), "every process to be gone", 10)
