"""The containment kernel against values: what it claims, none may refute. Slow: `make soak`.

A hundred thousand pairs of invented schemas (`TREADLE_SOAK_PAIRS` says another number), and every pair of schemas of
each file of the JSON-Schema-Test-Suite, in every draft, with every value of the file. The suite is not shipped:
`TREADLE_JSON_SCHEMA_TEST_SUITE` names its folder `tests`, as in the source archive of the Python package `jsonschema`
(`json/tests`). Without it that half fails, and says so.
"""

import json
import os
from itertools import product
from pathlib import Path
from random import Random

import jsonschema_rs
import pytest
from tests.check.schema.invent import Invention
from tests.check.schema.refute import refutations
from tests.check.schema.versions import FILE, source

from treadle.check.schema.compare import Sides, compare_schemas
from treadle.check.schema.edit import Flow
from treadle.check.schema.judge import Policy
from treadle.contract.dialect import Dialect, Family
from treadle.contract.schema import PATTERNS, refuse_retrieval

PAIRS = int(os.environ.get("TREADLE_SOAK_PAIRS", "100000"))
SUITE = "TREADLE_JSON_SCHEMA_TEST_SUITE"
VALIDATORS = {
    "4": jsonschema_rs.Draft4Validator,
    "6": jsonschema_rs.Draft6Validator,
    "7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}


@pytest.mark.parametrize("tenth", range(10))
def test_no_value_refutes_what_is_claimed_of_invented_schemas(tenth):
    refuted = []
    for seed in range(tenth * PAIRS // 10, (tenth + 1) * PAIRS // 10):
        invention = Invention(Random(seed))
        old = invention.document()
        new = invention.changed(old) if seed % 4 else invention.document()
        refuted += [(seed, *each) for each in refutations(invention, old, new, values=24)]
    assert refuted == []


@pytest.mark.parametrize("draft", VALIDATORS)
def test_no_value_of_the_suite_refutes_what_is_claimed(draft):
    assert os.environ.get(SUITE), f"{SUITE} names no folder: get the JSON-Schema-Test-Suite"
    folder = Path(os.environ[SUITE]) / f"draft{draft}"
    files = sorted([*folder.glob("*.json"), *folder.glob("optional/*.json")])
    assert files, f"{folder} holds no tests"
    claims, refuted = 0, []
    for file in files:
        groups = json.loads(file.read_text())
        values = [test["data"] for group in groups for test in group["tests"]]
        read = [each for group in groups if (each := _read(group["schema"], draft, values)) is not None]
        for (old, took, before), (new, takes, after) in product(read, read):
            narrows, widens, within = _claims(old, new)
            claims += (not narrows) + (not widens) + within
            lost = [value for value, was, now in zip(values, took, takes, strict=True) if was and not now]
            won = [value for value, was, now in zip(values, took, takes, strict=True) if now and not was]
            if (lost and (within or not narrows)) or (won and not widens):
                refuted.append((file.name, before, after, (lost or won)[0]))
    assert refuted == []
    assert claims > len(files), "a kernel that claims nothing is never refuted"


def _read(schema, draft, values):
    """A schema with what it says of each value; None where the validator wants more documents, or other patterns."""
    try:
        validator = VALIDATORS[draft](schema, pattern_options=PATTERNS, retriever=refuse_retrieval)
    except (jsonschema_rs.ValidationError, ValueError):
        return None
    return source(schema, Dialect(Family.JSON_SCHEMA, draft)), [validator.is_valid(each) for each in values], schema


def _claims(old, new):
    sides = Sides(old, new, Policy.STRICT)
    roots = [each.references.library.root(FILE) for each in (old, new)]
    edits = list(compare_schemas(sides, *roots, Flow.BOTH))
    within = sides.prover.within(*(each.part((root,)) for each, root in zip((old, new), roots, strict=True)))
    return any(edit.effect.narrows for edit in edits), any(edit.effect.widens for edit in edits), within
