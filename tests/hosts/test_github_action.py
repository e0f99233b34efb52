"""The composite action, run as a runner does: inputs with their defaults, a step's shell, the files it may write to."""

import pathlib
import re

import orjson
import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


class Runner:
    """What a runner gives to the steps of one action."""

    def __init__(self, step, folder, inputs):
        self.step = step
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in self.files.values():
            file.touch()
        self.inputs = {name: given.get("default", "") for name, given in ACTION["inputs"].items()} | inputs
        self.environment = {
            "RUNNER_TEMP": str(folder),
            "GITHUB_ACTION_PATH": str(ROOT),
            **{name: str(file) for name, file in self.files.items()},
        }

    def text(self, template):
        return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: self.inputs[match[1]], str(template))

    def run(self):
        for each in ACTION["runs"]["steps"]:
            assert each["shell"] == "bash"
            given = {name: self.text(value) for name, value in each.get("env", {}).items()}
            done = self.step(self.text(each["run"]), {**self.environment, **given})
            if done.returncode:
                return done
        return done

    def output(self, name):
        lines = dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines())
        return lines[name]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """One folder for all runs: the second install finds what the first one made."""
    return tmp_path_factory.mktemp("runner")


def test_a_bad_contract_is_annotated_summed_up_and_fails(step, installed):
    runner = Runner(step, installed, {"command": "lint", "arguments": "orders.openapi.yaml good.openapi.yaml"})
    done = runner.run()
    assert done.returncode == 1, done.stderr
    assert "::error file=orders.openapi.yaml,line=6," in done.stdout
    assert "operation-operationId-unique" in runner.files["GITHUB_STEP_SUMMARY"].read_text()
    (run,) = orjson.loads(pathlib.Path(runner.output("sarif")).read_bytes())["runs"]
    assert {each["ruleId"] for each in run["results"]} == {"operation-operationId-unique"}


def test_a_good_contract_passes(step, installed):
    done = Runner(step, installed, {"command": "lint", "arguments": "good.openapi.yaml"}).run()
    assert done.returncode == 0, done.stdout + done.stderr


def test_inputs_are_never_evaluated(step, installed, repository):
    done = Runner(step, installed, {"command": "lint", "arguments": "$(touch${IFS}pwned) `touch${IFS}pwned`;id"}).run()
    assert done.returncode != 0
    assert not (repository / "pwned").exists()
    assert not [each for step in ACTION["runs"]["steps"] for each in re.findall(r"\$\{\{", step["run"])]
