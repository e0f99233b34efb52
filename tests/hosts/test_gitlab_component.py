"""The GitLab component, run as its runner does: inputs put in, variables exported, one shell for all lines."""

import pathlib
import re
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
HEAD, BODY = yaml.safe_load_all((ROOT / "templates/treadle.yml").read_text())
INPUTS = HEAD["spec"]["inputs"]


def job(given):
    values = {name: each.get("default", "") for name, each in INPUTS.items()} | given
    assert given.keys() <= INPUTS.keys()

    def put_in(value):
        if isinstance(value, str):
            return re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: values[match[1]], value)
        if isinstance(value, dict):
            return {key: put_in(inner) for key, inner in value.items()}
        return [put_in(inner) for inner in value] if isinstance(value, list) else value

    return put_in(BODY["treadle"])


@pytest.mark.parametrize(("files", "code"), [("orders.openapi.yaml good.openapi.yaml", 1), ("good.openapi.yaml", 0)])
def test_a_merge_request_gets_its_report(step, repository, files, code):
    made = job({"command": "lint", "arguments": files, "package": str(ROOT)})
    assert "$[[" not in str(made)
    done = step("\n".join(made["script"]), {name: str(value) for name, value in made["variables"].items()})
    assert done.returncode == code, done.stdout + done.stderr
    report = ET.parse(repository / made["artifacts"]["reports"]["junit"]).getroot()
    assert int(report.get("failures")) == code
    assert all((repository / each).exists() for each in made["artifacts"]["paths"])
