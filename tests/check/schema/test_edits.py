"""Every kind of edit, golden: `tests/cases/schema`. Above the line one YAML mapping `old`, `new`, perhaps `flow`,
`policy`, `openapi`; below it the edits with their effect, the property, both places and a witness for each direction.
"""

import pathlib

import orjson
import pytest
from tests.check.schema.versions import Versions

from treadle.check.schema.edit import Flow
from treadle.check.schema.judge import Policy
from treadle.check.schema.witness import Witnesses
from treadle.contract.parse import parse

CASES = sorted(pathlib.Path("tests/cases/schema").glob("*.case"))


def told(given):
    read = parse("case.yaml", given.encode()).data
    beside = {"openapi": read["openapi"], "components": read.get("components", {})} if "openapi" in read else {}
    old, new = ({**beside, **read.get(side + "_beside", {}), "schema": read[side]} for side in ("old", "new"))
    policy = Policy(read.get("policy", "evolution"))
    versions = Versions(old, new, policy, path=("schema",))
    witnesses = Witnesses(versions.sides)
    lines = []
    for edit in versions.edits(Flow(read.get("flow", "both"))):
        lines.append(f"{edit.kind} {edit.effect.value} {edit.property or '(body)'}{' hidden' if edit.hidden else ''}\n")
        lines.append(f"    {edit.old.pointer} -> {edit.new.pointer}\n")
        for seek, wanted, says in (
            (witnesses.narrowing, edit.effect.narrows, "refuses"),
            (witnesses.widening, edit.effect.widens, "now takes"),
        ):
            if wanted:
                found = seek(versions.old, versions.new, edit)
                lines.append(f"    {says} {orjson.dumps(found[0]).decode() if found else 'perhaps something'}\n")
    return "".join(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_edits(case, check_case):
    check_case(case, told)
