"""Lint as a whole process: treadle beside Spectral, Redocly and vacuum, each with rules that look for the same.

Usage: python bench/lint.py [SPECS] [--runs N] [--json]
SPECS is a folder of descriptions, or one of them; without it GitHub's API (from the peers) and a contract of acme.
Spectral and treadle run one ruleset (`spectral:oas`, `spectral:asyncapi`), Redocly its recommended rules. Peers that
are absent are named, and have no ratio. `make peers` installs them.
"""

from __future__ import annotations

import argparse
import compileall
import json
import sys
import tempfile
from pathlib import Path

from measure import TREADLE, ratios, side_by_side
from peers import find, package, version

ACME = Path(__file__).parents[1] / "examples" / "acme" / "domains"
SOURCE = Path(__file__).parents[1] / "src"
NAMES = {"api.github.com": "github", "burgershop": "small", "streetlights-kafka-asyncapi": "streetlights"}
GOALS = {
    "stripe_vs_spectral_time": 1 / 6,
    "stripe_vs_redocly_time": 0.8,
    "github_vs_spectral_time": 1 / 15,
    "github_vs_redocly_time": 0.6,
    "small_vs_spectral_time": 0.2,
    "small_vs_redocly_time": 0.5,
    "stripe_vs_spectral_rss": 1 / 3,
    "github_vs_spectral_rss": 1 / 3,
    "small_vs_spectral_rss": 1 / 3,
}
RULESET = "extends: [spectral:oas, spectral:asyncapi]\n"
PEERS = ("spectral", "redocly", "vacuum")


def documents(specs: Path | None) -> dict[str, Path]:
    if specs is None:
        github = package("@octokit/openapi")
        found = {"github11": github / "generated" / "api.github.com.json"} if github else {}
        return {**found, "acme": ACME / "customer" / "customers.v1.openapi.yaml"}
    files = (
        [specs]
        if specs.is_file()
        else sorted(each for each in specs.iterdir() if each.suffix in (".yaml", ".yml", ".json"))
    )
    return {name(each): each for each in files}


def name(file: Path) -> str:
    stem = file.name.removesuffix(file.suffix).removesuffix(".openapi").removesuffix(".asyncapi")
    return NAMES.get(stem, stem.replace(".", "-"))


def commands(file: Path, ruleset: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {
        "treadle": [*TREADLE, "lint", str(file), "--ruleset", str(ruleset), "--format", "json"],
    }
    peers = {peer: find(peer) for peer in PEERS}
    if peers["spectral"]:
        found["spectral"] = [str(peers["spectral"]), "lint", str(file), "-r", str(ruleset), "-f", "json", "-q"]
    if peers["redocly"]:
        found["redocly"] = [str(peers["redocly"]), "lint", str(file), "--format=json", "--max-problems=1000000"]
    if peers["vacuum"] and "asyncapi" not in file.name:
        found["vacuum"] = [str(peers["vacuum"]), "lint", "-q", "-b", str(file)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    compileall.compile_dir(SOURCE, quiet=2)  # as an installed package is
    result: dict[str, object] = {"peers": {peer: version(peer) for peer in PEERS}, "runs": arguments.runs}
    rows: list[tuple[str, str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        ruleset = Path(folder) / "ruleset.yaml"
        ruleset.write_text(RULESET)
        for document, file in documents(arguments.specs).items():
            costs = side_by_side(commands(file.resolve(), ruleset), arguments.runs, cwd=Path(folder))
            result.update(ratios(document, costs))
            for peer, cost in costs.items():
                rows.append((document, peer, cost.seconds, cost.megabytes))
                result[f"{document}_{peer}_s"] = round(cost.seconds, 3)
                result[f"{document}_{peer}_mb"] = round(cost.megabytes, 1)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for document, peer, seconds, megabytes in rows:
        share = result.get(f"{document}_vs_{peer}_time", "")
        print(f"{document:14} {peer:9} {seconds:7.2f} s {megabytes:7.0f} MB   ours/theirs {share}")
    for key, goal in GOALS.items():
        if key in result:
            print(f"{key:26} {result[key]:.3f}  goal {goal:.3f}  {'met' if result[key] <= goal else 'MISSED'}")
    for peer in PEERS:
        if result["peers"][peer] == "absent":  # type: ignore[index]
            sys.stderr.write(f"{peer} is absent; `make peers` installs what can be had\n")


if __name__ == "__main__":
    main()
