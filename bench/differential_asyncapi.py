"""Does `treadle:asyncapi` find what the AsyncAPI Initiative's own parser finds? The same documents, and every miss.

Usage: python bench/differential_asyncapi.py [FOLDER …] [--mutants N] [--seed S] [--json]

Documents are the AsyncAPI ones in the folders and small ones that stand beside this script and its tests, and N copies
of each with mistakes made by a seed. For each error of the parser's: is an error of ours at the same place, above or
below it, at another part of the same object, or is there a known cause why not?
Exits 0 where each document that the parser refuses is refused by us too and no miss is unexplained, 1 where not, 2
where the parser is absent (`python bench/peers.py` installs it).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import orjson
from lint_mutations import mutated
from peers import package

from treadle.check.lint.engine import linter
from treadle.check.lint.result import Level
from treadle.contract.library import Library
from treadle.contract.parse import parse
from treadle.contract.pointer import tokens

HERE = Path(__file__).parent
OWN = (HERE / "lint_documents", HERE.parent / "tests" / "check" / "lint" / "documents")
BROKEN_MAX = 4
CALL = """
const fs = require('fs'), path = require('path');
const { Parser } = require(process.argv[1]);
(async () => {
  const found = {}, folder = process.argv[2], parser = new Parser();
  for (const file of fs.readdirSync(folder).sort()) {
    const { diagnostics } = await parser.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
    const errors = diagnostics.filter(each => each.severity === 0);
    found[file] = errors.map(({ code, path, message }) => ({ code, path, message }));
  }
  process.stdout.write(JSON.stringify(found));
})();
"""
CAUSES = (
    (
        r"asyncapi-document-(?:un)?resolved",
        "it blames a value by every branch of a union, and wherever a reference leads to it; here by the branch meant",
    ),
    (r"invalid-ref", "a chain of references is told here at the link that is broken, there at each that leads to it"),
    (r"uncaught-error", "the parser fails"),
    (r"asyncapi3-required-channel-servers-unambiguity", "a `$ref` where channels stand by name is taken for a channel"),
    (r"asyncapi2-message-messageId-uniqueness", "one message that two operations refer to counts as two there"),
)
"""Code of the parser's -> why an error of ours may stand elsewhere, in a document that has errors of ours too."""


def gather(folders, mutants, seed):
    """JSON documents by name: as they are, and with mistakes."""
    found = {}
    files = [file for folder in (*folders, *OWN) for file in sorted(Path(folder).iterdir())]
    for number, file in enumerate(files):
        if file.suffix not in (".yaml", ".yml", ".json"):
            continue
        document = parse(file.name, file.read_bytes()).data
        if not isinstance(document, dict) or not re.match(r"[23]\.", str(document.get("asyncapi"))):
            continue
        found[f"{file.stem}.json"] = document
        for at in range(mutants):
            own_seed = seed + number * 100_003 + at
            made = mutated(document, own_seed, random.Random(own_seed).randint(1, BROKEN_MAX))
            if isinstance(made, dict) and re.match(r"[23]\.\d\.\d+\Z", str(made.get("asyncapi"))):
                found[f"{file.stem}-{at}.json"] = made
    return {name: orjson.dumps(document, option=orjson.OPT_INDENT_2) for name, document in found.items()}


def theirs_of(documents, parser):
    """What the parser calls an error, by document."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in documents.items():
            (Path(folder) / name).write_bytes(data)
        command = ["node", "-e", CALL, str(parser), folder]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def ours_of(documents):
    """The places of what we call an error, by document."""
    own = linter(("treadle:asyncapi",), {})
    return {
        name: {
            tuple(map(str, each.path))
            for each in own.lint(Library({name: data}), name)
            if each.level is Level.ERROR
        }
        for name, data in documents.items()
    }  # fmt: skip


def written(document, path):
    """Where a path leads that may go through references."""
    node, at = document, ()
    for step in path:
        for _ in range(20):
            ref = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(ref, str) or not ref.startswith("#/"):
                break
            at, node = tokens(ref[1:]), document
            for token in at:
                node = child(node, token)
        at, node = (*at, str(step)), child(node, str(step))
    return at


def child(node, step):
    if isinstance(node, dict):
        return node.get(step)
    return node[int(step)] if isinstance(node, list) and step.isdecimal() and int(step) < len(node) else None


def verdict(error, document, places):
    """How an error of the parser's is met by the places of ours."""
    path = written(document, error["path"])
    if path in places:
        return "same_place"
    if any(path[: len(other)] == other or other[: len(path)] == path for other in places):
        return "above_or_below"
    if any(len(path) > 2 and path[:3] == other[:3] for other in places):
        return "same_object"
    known = any(re.fullmatch(code, error["code"]) for code, _ in CAUSES)
    return "explained" if known else "unexplained"


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("folders", nargs="*")
    asked.add_argument("--mutants", type=int, default=30)
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    parser = package("@asyncapi/parser")
    if parser is None:
        print(json.dumps({"peer": "absent"}) if options.json else "@asyncapi/parser is absent: nothing is compared")
        return 2
    documents = gather(options.folders, options.mutants, options.seed)
    theirs, ours = theirs_of(documents, parser), ours_of(documents)
    counted = Counter()
    misses = []
    for name, errors in theirs.items():
        document = orjson.loads(documents[name])
        for error in errors:
            how = verdict(error, document, ours[name])
            counted[how] += 1
            if how == "unexplained":
                misses.append({"document": name, **error})
    counts_twice = CAUSES[-1][0]
    refused_there = {name for name, errors in theirs.items() if any(e["code"] != counts_twice for e in errors)}
    refused_here = {name for name, places in ours.items() if places}
    report = {
        "peer": json.loads((parser / "package.json").read_text())["version"],
        "documents": len(documents),
        "refused_there": len(refused_there),
        "refused_here": len(refused_here),
        "refused_only_there": sorted(refused_there - refused_here),
        "refused_only_here": len(refused_here - refused_there),
        "errors": dict(counted),
        "causes": dict(CAUSES),
        "unexplained": misses,
    }
    if options.json:
        print(json.dumps(report))
    else:
        print(f"{len(documents)} documents, refused by the parser {len(refused_there)}, by us {len(refused_here)}")
        print(f"refused by the parser alone: {report['refused_only_there'] or 'none'}")
        print(f"the parser's errors: {dict(counted)}")
        for miss in misses:
            print(
                f"UNEXPLAINED {miss['document']}: {miss['code']} {'/'.join(map(str, miss['path']))}: {miss['message']}"
            )
    return 1 if misses or report["refused_only_there"] else 0


if __name__ == "__main__":
    sys.exit(main())
