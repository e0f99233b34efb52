"""Do we say what Spectral says? The same documents, the stock rulesets, both programs, and every difference.

Usage: python bench/differential_lint.py [FOLDER …] [--mutants N] [--seed S] [--spectral PROGRAM] [--cache FOLDER]
       [--json]

Documents are those in the folders (real ones), small ones that stand beside this script, and N copies of each with
mistakes made by a seed (`lint_mutations.py`; of documents over 200 kB one in ten, each with more). A result is its
code, path and severity; agreement is the share of results that both say. A difference is listed with its cause
(`differential_lint_causes.json`), or as UNEXPLAINED.
Exits 0 where at least 99 % agree and nothing is unexplained, 1 where not, 2 where Spectral is absent.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import yaml
from lint_mutations import mutated
from measure import TREADLE
from peers import find, version

from treadle.contract.parse import parse

RULESET = "extends: [spectral:oas, spectral:asyncapi]\n"
OWN = Path(__file__).parent / "lint_documents"
CAUSES = json.loads((Path(__file__).parent / "differential_lint_causes.json").read_text())
"""Each: `code`, `path` and `message` (patterns), `side` (`ours` or `theirs`), `cause`; `beside` is what Spectral must
say of the same document too.
"""
GOAL = 0.99
CRASH = "crash"
LARGE_BYTES = 200_000
BATCH = 25

Key = tuple[str, tuple[str, ...], int]


@dataclass(slots=True)
class Comparison:
    """One document: how many results both have, and what only one of them has, with a message. `said`: by Spectral."""

    name: str
    both: int = 0
    crashed: bool = False
    said: str = ""
    ours: list[tuple[Key, str]] = field(default_factory=list)
    theirs: list[tuple[Key, str]] = field(default_factory=list)

    @property
    def total(self):
        return self.both + len(self.ours) + len(self.theirs)

    @property
    def agreement(self):
        return self.both / self.total if self.total else 1.0


def gather(folders, mutants, seed):
    """Documents by a file name of their own: the real ones, ours, and what became of them."""
    files = [file for folder in folders for file in sorted(Path(folder).iterdir())] + sorted(OWN.iterdir())
    found = {}
    for number, file in enumerate(files):
        if file.suffix not in (".yaml", ".yml", ".json"):
            continue
        data = file.read_bytes()
        found[file.name] = data
        document = parse(file.name, data).data
        large = len(data) > LARGE_BYTES
        for at in range(max(1, mutants // 10) if large and mutants else mutants):
            own_seed = seed + number * 100_003 + at
            made = mutated(document, own_seed, 40 if large else random.Random(own_seed).randint(1, 8))
            as_json = at % 2 == 1
            name = f"{file.stem}-{at}.{'json' if as_json else 'yaml'}"
            found[name] = written(made, as_json=as_json)
    return found


def written(document, *, as_json):
    if as_json:
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1000)
    return re.sub(r"^(\s+)'([1-5]\d\d)':", r"\1\2:", text, flags=re.MULTILINE).encode()  # keys that are no text


def keyed(results):
    """Results by file name, as a multiset; a message for each."""
    sets, messages = {}, {}
    for each in results:
        name = Path(each["source"]).name
        key = (str(each["code"]), tuple(map(str, each["path"])), each["severity"])
        sets.setdefault(name, Counter())[key] += 1
        messages[name, key] = each["message"]
    return sets, messages


def run(command, folder, names):
    done = subprocess.run([*command, *names], cwd=folder, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        if len(names) > 1:
            return [each for name in names for each in run(command, folder, [name])]
        sys.stderr.write(
            f"{names[0]}: {command[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}\n"
        )
        return [{"code": CRASH, "path": [], "severity": 0, "message": done.stderr[-300:], "source": names[0]}]


def spectral(program, folder, documents, cache):
    """What Spectral says, from the cache where it has said it before."""
    stamp = f"{version('spectral')}\n{RULESET}"
    slots = {
        name: cache / hashlib.sha256(f"{stamp}{name}\n".encode() + data).hexdigest() for name, data in documents.items()
    }
    missing = [name for name in documents if not slots[name].exists()]
    command = [str(program), "lint", "-r", "ruleset.yaml", "-f", "json", "--quiet"]
    for at in range(0, len(missing), BATCH):
        batch = missing[at : at + BATCH]
        results = run(command, folder, batch)
        for name in batch:
            own = [each for each in results if Path(each["source"]).name == name]
            slots[name].write_text(json.dumps(own))
        sys.stderr.write(f"Spectral: {min(at + BATCH, len(missing))} of {len(missing)}\n")
    return [each for name in documents for each in json.loads(slots[name].read_text())]


def ours(folder, documents):
    names = list(documents)
    command = [*TREADLE, "lint", "--ruleset", "ruleset.yaml", "--format", "json"]
    return [each for at in range(0, len(names), BATCH) for each in run(command, folder, names[at : at + BATCH])]


def compare(documents, program, cache):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in documents.items():
            (Path(folder) / name).write_bytes(data)
        (Path(folder) / "ruleset.yaml").write_text(RULESET)
        theirs, their_messages = keyed(spectral(program, folder, documents, cache))
        own, own_messages = keyed(ours(folder, documents))
    found = []
    for name in documents:
        mine, other = own.get(name, Counter()), theirs.get(name, Counter())
        if any(key[0] == CRASH for key in other):
            found.append(Comparison(name, crashed=True))
            continue
        found.append(
            Comparison(
                name,
                (mine & other).total(),
                ours=[(key, own_messages[name, key]) for key in (mine - other).elements()],
                theirs=[(key, their_messages[name, key]) for key in (other - mine).elements()],
                said="\n".join(their_messages[name, key] for key in other),
            )
        )
    return found


def cause(side, key, message, said):
    code, path, _ = key
    for each in CAUSES:
        told = re.search(each["path"], "/".join(path)) and re.search(each["message"], message)
        told = told and re.search(each.get("beside", ""), said)
        if each["side"] == side and re.fullmatch(each["code"], code) and told:
            return each["cause"]
    return None


def summary(found):
    both, total = sum(each.both for each in found), sum(each.total for each in found)
    differences = [
        {
            "document": each.name, "side": side, "code": key[0], "path": list(key[1]), "severity": key[2],
            "message": message, "cause": cause(side, key, message, each.said),
        }
        for each in found
        for side, keys in (("ours", each.ours), ("theirs", each.theirs))
        for key, message in keys
    ]  # fmt: skip
    return {
        "documents": len(found),
        "spectral_crashed_on": [each.name for each in found if each.crashed],
        "results": total,
        "agreement": both / total if total else 1.0,
        "unexplained": sum(each["cause"] is None for each in differences),
        "per_document": {each.name: round(each.agreement, 4) for each in found},
        "differences": differences,
    }


def told(result):
    for name, share in result["per_document"].items():
        if share < 1:
            print(f"{share:8.2%}  {name}")
    for each in result["differences"]:
        place = f"{each['document']}: only {each['side']}: {each['code']} /{'/'.join(each['path'])}"
        print(f"{place} ({each['message'][:100]})")
        print(f"    {each['cause'] or 'UNEXPLAINED'}")
    print(f"{result['documents']} documents, {result['results']} results: {result['agreement']:.3%} agree")
    print(f"Spectral itself fell over {len(result['spectral_crashed_on'])} documents: they are not compared")
    print(f"{len(result['differences'])} differences, {result['unexplained']} unexplained")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folders", nargs="*")
    options.add_argument("--mutants", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--spectral", type=Path)
    options.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "treadle-differential-lint")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    program = chosen.spectral or find("spectral")
    if program is None:
        print(json.dumps({"spectral": "absent"}) if chosen.json else "Spectral is absent: python bench/peers.py")
        sys.exit(2)
    chosen.cache.mkdir(parents=True, exist_ok=True)
    result = summary(compare(gather(chosen.folders, chosen.mutants, chosen.seed), program.resolve(), chosen.cache))
    print(json.dumps(result)) if chosen.json else told(result)
    sys.exit(0 if result["agreement"] >= GOAL and not result["unexplained"] else 1)


if __name__ == "__main__":
    main()
