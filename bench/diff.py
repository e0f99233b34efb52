"""How long two versions take to compare, and in how much memory: whole processes, beside oasdiff in the same run.

Usage: python bench/diff.py [--oasdiff PROGRAM] [--pair NAME OLD NEW …] [--runs N] [--json]

Without pairs: GitHub's API of two server versions (11 MB of JSON each), where the npm package is among the peers, and a
small pair that is made here. Each figure is a median; `NAME_vs_oasdiff_time` is ours as a share of oasdiff's.
oasdiff runs as `changelog`, which tells what `treadle diff --format json` tells; `breaking` tells less.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measure import TREADLE, ratios, side_by_side
from peers import find, package, version

GOALS = {"github11_vs_oasdiff_time": 1.0}
SMALL = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1.0.0"},
    "paths": {
        "/v1/orders": {
            "get": {
                "parameters": [{"name": "status", "in": "query", "schema": {"enum": ["open", "paid"]}}],
                "responses": {
                    "200": {"description": "d", "content": {"application/json": {"schema": {"type": "array"}}}}
                },
            }
        }
    },
}


def github() -> dict[str, tuple[Path, Path]]:
    folder = package("@octokit/openapi")
    files = sorted(folder.glob("generated/ghes-*.json")) if folder else []
    versions = [each for each in files if ".deref." not in each.name]
    return {"github11": (versions[-2], versions[-1])} if len(versions) > 1 else {}


def small(folder: Path) -> dict[str, tuple[Path, Path]]:
    old, new = folder / "old.json", folder / "new.json"
    old.write_text(json.dumps(SMALL))
    new.write_text(json.dumps(SMALL).replace('"paid"', '"paid", "sent"').replace('"array"', '"object"'))
    return {"small": (old, new)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oasdiff", type=Path, default=find("oasdiff"))
    parser.add_argument("--pair", nargs=3, action="append", metavar=("NAME", "OLD", "NEW"), default=[])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result: dict[str, object] = {"peers": {"oasdiff": version("oasdiff")}, "runs": arguments.runs}
    with tempfile.TemporaryDirectory() as folder:
        pairs = {name: (Path(old), Path(new)) for name, old, new in arguments.pair}
        for name, (old, new) in (pairs or {**github(), **small(Path(folder))}).items():
            commands = {"treadle": [*TREADLE, "diff", str(old.resolve()), str(new.resolve()), "--format", "json"]}
            if arguments.oasdiff:
                program = str(arguments.oasdiff)
                commands["oasdiff"] = [program, "changelog", str(old.resolve()), str(new.resolve()), "--format", "json"]
            costs = side_by_side(commands, arguments.runs, cwd=Path(folder))
            result.update(ratios(name, costs))
            for tool, cost in costs.items():
                result[f"{name}_{tool}_s"] = round(cost.seconds, 3)
                result[f"{name}_{tool}_mb"] = round(cost.megabytes, 1)
    if not arguments.oasdiff:
        sys.stderr.write("oasdiff is absent; `make peers` installs what can be had\n")
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for key, value in result.items():
        print(f"{key:28} {value}")
    for key, goal in GOALS.items():
        if isinstance(share := result.get(key), float):
            print(f"{key:28} {share:.3f}  goal {goal:.3f}  {'met' if share <= goal else 'MISSED'}")


if __name__ == "__main__":
    main()
