"""Do we find what oasdiff finds? Both programs on the same pairs of documents, and every difference with its cause.

Usage: python bench/differential_diff.py [--oasdiff PROGRAM] [--pair OLD NEW …] [--mutate FILE …] [--mutants N]
                                         [--seed S] [--cache FOLDER] [--json]

The pairs: one for each rule of oasdiff's (`diff_corpus/`: every keyword at every place, both ways round), versions of
GitHub's API where they are among the peers, N copies of each real document with mistakes made by a seed, refactors that
mean the same, and changes that break nobody. A finding is its id, path and operation.
Every error and warning of oasdiff's must be found here at the same place; what only one side says is listed with its
cause (`differential_diff_causes.json`, or the row's own reason), or as UNEXPLAINED. Of refactors nothing may be said,
of harmless changes nothing above info.
Exits 0 where that holds, 1 where not, 2 where oasdiff is absent.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from diff_corpus.documents import operation_pairs, schema_pairs
from diff_corpus.equivalents import equivalents, harmless
from diff_corpus.mutations import mutated
from peers import find, package, version

from treadle.check.diff.change import Side
from treadle.check.diff.openapi import Grace, diff_openapi
from treadle.check.diff.rules import BY_ID
from treadle.contract.library import Library
from treadle.contract.parse import Document, parse

HERE = Path(__file__).parent
CAUSES = json.loads((HERE / "differential_diff_causes.json").read_text())
"""Each: `side` (`ours` or `theirs`), `id` and `pair` (patterns), `cause`."""
TABLE = dict(reversed(line.split()) for line in (HERE / "diff_corpus" / "oasdiff_rules.txt").read_text().splitlines())
"""The errors and warnings of oasdiff at commit 4553c69d; later versions have more, and other levels for some."""
LEVELS = {3: "error", 2: "warning", 1: "info"}
DAYS = ("--deprecation-days-stable", "180", "--deprecation-days-beta", "31")
GRACE = Grace(stable_days=180, beta_days=31)
OURS_ALONE = re.compile(r"api-(.*-)?version-.*")
"""What depends on more than the pair: the version is judged elsewhere."""

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two documents; `with_grace` asks both programs for days between announcement and end."""

    name: str
    old: object
    new: object
    with_grace: bool = False


def pairs(arguments) -> list[Pair]:
    made = [Pair(*each) for each in (*schema_pairs(), *operation_pairs())]
    made += [
        Pair(f"{each.name}+days", each.old, each.new, with_grace=True) for each in made if "deprecated" in each.name
    ]
    folder = package("@octokit/openapi")
    files = sorted(each for each in folder.glob("generated/gh*.json") if ".deref." not in each.name) if folder else []
    real = [*pairwise(files), *((Path(old), Path(new)) for old, new in arguments.pair)]
    made += [Pair(f"{old.stem}..{new.stem}", _read(old), _read(new)) for old, new in real]
    for number, file in enumerate(map(Path, arguments.mutate)):
        document = _read(file)
        for at in range(arguments.mutants):
            new, done = mutated(document, arguments.seed + number * 1000 + at, 12)
            made.append(Pair(f"mutant {file.stem} {at} ({', '.join(done)})", document, new))
    return made


def _read(file: Path):
    return parse(file.name, file.read_bytes()).data


def theirs(program, pair, cache) -> dict[Key, str]:
    old, new = json.dumps(pair.old), json.dumps(pair.new)
    stamp = f"{version('oasdiff')}\n{pair.with_grace}\n{old}\n{new}"
    slot = cache / hashlib.sha256(stamp.encode()).hexdigest()
    if not slot.exists():
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "old.json", Path(folder) / "new.json"]
            for file, text in zip(files, (old, new), strict=True):
                file.write_text(text)
            flags = DAYS if pair.with_grace else ()
            command = [program, "changelog", *files, "--format", "json", *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode > 1:
            sys.exit(f"oasdiff on {pair.name} ended with {done.returncode}:\n{done.stderr[-1000:]}")
        slot.write_text(done.stdout or "[]")
    found: dict[Key, str] = {}
    for each in json.loads(slot.read_text()):
        key = (each["id"], each.get("path") or "", each.get("operation") or "")
        found[key] = max(LEVELS[each["level"]], found.get(key, "info"), key=["info", "warning", "error"].index)
    return found


def ours(pair) -> dict[Key, str]:
    sides = [
        Side(Library({}, [Document(f"{name}.json", data, {})]), f"{name}.json")
        for name, data in (("old", pair.old), ("new", pair.new))
    ]
    grace = GRACE if pair.with_grace else Grace()
    found: dict[Key, str] = {}
    for each in diff_openapi(*sides, dt.datetime.now(dt.UTC).date(), grace):
        key = (each.rule, each.path, each.operation)
        found[key] = max(each.level.value, found.get(key, "info"), key=["info", "warning", "error"].index)
    return found


def cause(side, key, pair, known) -> str | None:
    if side == "ours" and key[0] not in known:
        return "oasdiff has no rule for it"
    for each in CAUSES:
        if each["side"] == side and re.fullmatch(each["id"], key[0]) and re.search(each["pair"], pair.name):
            return each["cause"]
    if side == "ours" and BY_ID[key[0]].differs:
        return BY_ID[key[0]].differs
    return None


def compare(program, arguments, cache) -> dict:
    made = pairs(arguments)
    rules = json.loads(
        subprocess.run([program, "checks", "changelog", "--format", "json"], capture_output=True, check=True).stdout
    )
    known = {each["id"]: each["level"] for each in rules}
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda pair: theirs(program, pair, cache), made))
    triggered, matched, both, differences = set(), set(), 0, []
    levels: Counter[tuple[str, str, str]] = Counter()
    for pair, other in zip(made, told, strict=True):
        mine = ours(pair)
        loud = {key for key, level in other.items() if level != "info" and not OURS_ALONE.fullmatch(key[0])}
        triggered |= {key[0] for key in other}
        matched |= {key[0] for key in other.keys() & mine.keys()}
        both += len(loud & mine.keys())
        levels.update((key[0], other[key], mine[key]) for key in other.keys() & mine.keys() if other[key] != mine[key])
        alone = [("theirs", key, other[key]) for key in sorted(loud - mine.keys())]
        alone += [("ours", key, mine[key]) for key in sorted(mine.keys() - other.keys()) if mine[key] != "info"]
        differences += [
            {
                "pair": pair.name,
                "side": side,
                "id": key[0],
                "path": key[1],
                "operation": key[2],
                "level": level,
                "cause": cause(side, key, pair, known),
            }
            for side, key, level in alone
        ]
    loud_rules = {id for id, level in known.items() if level != "info"}
    return {
        "oasdiff": version("oasdiff"),
        "pairs": len(made),
        "table": _coverage(set(TABLE), triggered, matched),
        "installed": _coverage(loud_rules, triggered, matched),
        "not_triggered": sorted((TABLE.keys() | loud_rules) - triggered),
        "not_matched": sorted(((TABLE.keys() | loud_rules) & triggered) - matched),
        "findings_both": both,
        "unexplained": sum(each["cause"] is None for each in differences),
        "differences": differences,
        "other_levels": [
            {"id": id, "oasdiff": theirs_, "treadle": mine, "times": times, "cause": BY_ID[id].differs or BY_ID[id].why}
            for (id, theirs_, mine), times in sorted(levels.items())
        ],
        "said_of_refactors": _loud(equivalents(), both_ways=True, level="info"),
        "said_of_harmless": _loud(harmless(), both_ways=False, level="warning"),
    }  # fmt: skip


def _coverage(rules, triggered, matched) -> dict[str, int]:
    return {"rules": len(rules), "triggered": len(rules & triggered), "matched": len(rules & matched)}


def _loud(named, *, both_ways, level) -> list[str]:
    order = ["info", "warning", "error"]
    found = []
    for name, old, new in named:
        for one, other in ((old, new), (new, old)) if both_ways else ((old, new),):
            for key, said in ours(Pair(name, one, other)).items():
                if order.index(said) >= order.index(level):
                    found.append(f"{name}: {said} {' '.join(key)}")
    return found


def tell(result) -> None:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in result["differences"]:
        groups.setdefault((each["side"], each["id"], each["cause"] or "UNEXPLAINED"), []).append(each["pair"])
    for (side, id, why), names in groups.items():
        print(f"only {side}: {id} in {len(names)} ({names[0][:60]})\n    {why}")
    for each in result["other_levels"]:
        print(f"{each['id']}: {each['oasdiff']} there, {each['treadle']} here ({each['times']})\n    {each['cause']}")
    for name in ("said_of_refactors", "said_of_harmless"):
        for line in result[name]:
            print(f"{name}: {line}")
    for name in ("table", "installed"):
        each = result[name]
        print(f"{name}: {each['rules']} errors and warnings, {each['triggered']} triggered, {each['matched']} matched")
    print(
        f"{result['pairs']} pairs, {result['findings_both']} errors and warnings of oasdiff's found at the same place"
    )
    print(f"{len(result['differences'])} differences, {result['unexplained']} unexplained")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oasdiff", default=find("oasdiff"))
    parser.add_argument("--pair", nargs=2, action="append", metavar=("OLD", "NEW"), default=[])
    parser.add_argument("--mutate", nargs="*", metavar="FILE", default=[])
    parser.add_argument("--mutants", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.oasdiff:
        sys.stderr.write("oasdiff is absent; `make peers` installs what can be had\n")
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        cache = arguments.cache or Path(folder)
        cache.mkdir(parents=True, exist_ok=True)
        result = compare(arguments.oasdiff, arguments, cache)
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        tell(result)
    bad = (result["unexplained"], result["not_matched"], result["said_of_refactors"], result["said_of_harmless"])
    sys.exit(1 if any(bad) else 0)


if __name__ == "__main__":
    main()
