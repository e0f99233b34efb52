"""Selects by random paths in random documents, as Spectral's own engine (Nimma, JSONPath-Plus) does and as ours.

    python bench/differential_paths.py [--cases N] [--seed N]

Says every path on which the two differ, and how many agree. Node and the peers are needed: `make peers`. A path that
Nimma fails on is counted apart: it ends the whole run there, while ours selects nothing. A second path keeps Nimma from
pruning its walk, as any ruleset with a `$..` does: pruned, it loses nodes. What else is known to go wrong over there
(`KNOWN`) is counted, not printed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from typing import Any

from peers import FOLDER

from treadle.check.lint.path.automaton import Automaton
from treadle.check.lint.path.errors import BadPath
from treadle.check.lint.path.parse import parse_path
from treadle.check.lint.path.walk import walk

NAMES = ("a", "b", "get", "put", "items", "x-y", "type", "200", "enum", "n")
SCALARS = (None, True, False, 0, 1, 2.5, "", "a", "get", "array", "2")
FILTERS = (
    "@.a", "@ && @.a", "@property === 'a'", "@property !== 'b' && @ && @.type", "@ && @.type === 'array'",
    "@ && @.n > 1", "@ && (@.a || @.b)", "@ && @.a !== void 0", "@ && @.a === void 0", "@property.match(/^(a|b)$/)",
    "@property == 'items' || @property === 'enum'", "@parentProperty === 'a'", "@ && @.enum && @.enum.length > 1",
    "@.length", "@ === null", "@ != null && @.enum && @.enum.constructor.name === 'Array'", "!@", "@ > 1",
    "@property > 0",
    "@ && @['x-y']", "@path.match(/a/)", "@ && @.b && @.b.a == 1", "@ && @.type in ['array', 'a']", "@ in [1, 'a']",
)  # fmt: skip
KNOWN = re.compile(
    r"\$\[[?(:\d-].*?\][.\[]"  # a filter or slice at the root is asked of the last step's node
    r"|\.\.\[[^\]?]*[:(]"  # a slice at any depth looks at one depth
    r"|\.\..*\^\^"  # two levels up from a path that JSONPath-Plus runs: path and value differ
    r"|\.\..*\[1\]"  # JSONPath-Plus takes characters of a text for items
)
"""Paths on which the peers' selection is a fault of theirs."""
SELECT = """
const {createRequire} = require('module');
const load = createRequire(process.argv[1] + '/');
const Nimma = load('nimma/legacy').default, {jsonPathPlus} = load('nimma/fallbacks');
const out = JSON.parse(require('fs').readFileSync(0)).map(([path, document]) => {
  const found = [];
  try {
    const options = {fallback: jsonPathPlus, unsafe: false, output: 'auto', customShorthands: {}};
    const keep = at => found.push([at.path.map(String), at.value === undefined ? null : at.value]);
    new Nimma([path, '$..nowhere'], options).query(document, {'$..nowhere': () => {}, [path]: keep});
  } catch (why) { return {failed: String(why.errors ? why.errors[0] : why)}; }
  return found;
});
console.log(JSON.stringify(out));
"""


def document(chance: random.Random, depth: int = 4) -> Any:
    """A small tree over few names, so that paths meet."""
    kind = chance.random()
    if depth == 0 or kind < 0.25:
        return chance.choice(SCALARS)
    if kind < 0.45:
        return [document(chance, depth - 1) for _ in range(chance.randrange(4))]
    names = chance.sample(NAMES, chance.randrange(1, 5))
    return {name: document(chance, depth - 1) for name in names}


def path(chance: random.Random) -> str:
    """A path of one to four steps."""
    text = "$" + "".join(_step(chance) for _ in range(chance.randrange(1, 5)))
    return text + chance.choice(["", "", "", "", "~", "^", "^^"])


def _step(chance: random.Random) -> str:
    deep = chance.random() < 0.25
    kind = chance.random()
    if kind < 0.4:
        name = chance.choice(NAMES)
        return (".." if deep else ".") + name if chance.random() < 0.6 else (".." if deep else "") + f"['{name}']"
    if kind < 0.55:
        return chance.choice(["..", "."]) * deep + f"[{','.join(chance.sample(NAMES, 2))}]"
    if kind < 0.72:
        return (".." if deep else ".") + "*" if chance.random() < 0.5 else ".." * deep + "[*]"
    if kind < 0.8:
        return ".." * deep + chance.choice(["[0]", "[1]", "[0:1]", "[1:]", "[-1:]", "[(@.length-1)]", "[::2]"])
    return ".." * deep + f"[?({chance.choice(FILTERS)})]"


def ours(text: str, data: Any) -> Any:
    """What our engine selects, as Node prints it."""
    try:
        automaton = Automaton((parse_path(text),))
    except BadPath as error:
        return {"failed": error.message}
    found: list[Any] = []
    walk(data, automaton, lambda _, at, value: found.append([[str(step) for step in at], value]))
    return found


def main() -> int:
    """Compare; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    cases = [(path(chance), {"a": document(chance), "b": document(chance, 5)}) for _ in range(arguments.cases)]
    command = ["node", "-e", SELECT, str(FOLDER / "node_modules")]
    run = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=True)
    agreed = failed = differ = known = 0
    for (text, data), theirs in zip(cases, json.loads(run.stdout), strict=True):
        if isinstance(theirs, dict):
            failed += 1
            continue
        mine = ours(text, data)
        if not isinstance(mine, dict) and _unique(mine) == _unique(theirs):
            agreed += 1
            continue
        if KNOWN.search(text):
            known += 1
            continue
        differ += 1
        print(f"{text}\n  in   {json.dumps(data)}\n  they {json.dumps(theirs)}\n  we   {json.dumps(mine)}")
    print(f"{agreed} agree, {differ} differ, {known} on paths that go wrong over there, {failed} fail there")
    return 1 if differ else 0


def _unique(found: list[Any]) -> set[str]:
    return {json.dumps(each, sort_keys=True) for each in found}  # Node puts keys like numbers first


if __name__ == "__main__":
    sys.exit(main())
