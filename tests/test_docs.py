"""The documentation tells what is true now."""

import re
from pathlib import Path

import pytest
from docs.generate import PAGES

from treadle.cli.main import VERBS

ROOT = Path(__file__).parents[1]
WRITTEN = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_what_the_code_says(page):
    assert (ROOT / "docs" / page).read_text() == PAGES[page](), "run: make docs"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_files_that_the_architecture_page_names_exist():
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    named = {each for each in re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text) if "<" not in each}
    assert len(named) > 15
    assert not [each for each in named if not (ROOT / "src/treadle" / each).exists()]


def test_every_decision_is_listed():
    listed = (ROOT / "docs/adr/README.md").read_text()
    files = {each.name for each in (ROOT / "docs/adr").glob("0*.md")}
    assert files == set(re.findall(r"\]\((0[^)]+)\)", listed))
    for each in files:
        text = (ROOT / "docs/adr" / each).read_text()
        assert "**It costs.**" in text, f"{each} does not say what it costs"


def test_every_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["fabric"],
        *project["project"]["optional-dependencies"]["fleet"],
        *project["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[<>=\[]", each)[0] for each in wanted}
    text = (ROOT / "docs/dependencies.md").read_text()
    assert not [name for name in names if name not in text]


def test_the_readme_names_every_verb():
    text = (ROOT / "README.md").read_text()
    assert not [verb for verb in VERBS if f"treadle {verb}" not in text]


def test_the_gateway_page_explains_the_chain_in_its_order():
    from treadle.gateway.envoy import FEATURES

    text = (ROOT / "docs/gateway.md").read_text()
    row = r"^\| ([a-z_-]+) \| (?:none|on demand|ECDS|RBAC|buffer|router) \|"
    assert re.findall(row, text, re.MULTILINE) == [each.name for each in FEATURES]
