"""Lint functions of other packages, by their entry points."""

import sys

import pytest

from treadle.base.errors import InputError
from treadle.control.functions import python_function


@pytest.fixture
def package(tmp_path, monkeypatch):
    info = tmp_path / "acme_lint-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-lint\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[treadle.lint.functions]\nplural = acme_lint_plural:make\nbroken = acme_lint_nowhere:make\n"
    )
    (tmp_path / "acme_lint_plural.py").write_text("def make(options):\n    return lambda value, context: None\n")
    monkeypatch.syspath_prepend(tmp_path)
    python_function.cache_clear()
    yield
    python_function.cache_clear()
    sys.modules.pop("acme_lint_plural", None)


def test_an_installed_function_is_found_by_name(package):
    assert python_function("plural")({})(1, None) is None


def test_nobody_offers_what_is_not_there(package):
    assert python_function("singular") is None


def test_one_that_cannot_be_imported_is_named(package):
    with pytest.raises(InputError, match="acme_lint_nowhere:make"):
        python_function("broken")
