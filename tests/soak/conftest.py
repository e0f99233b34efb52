"""The soak tests are slow and break things on purpose: they run where they are asked for by name (`make soak`)."""

import tempfile
from pathlib import Path

import pytest
from harness import start, stop

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path, config):
    """`pytest` and `pytest tests` pass by; `pytest tests/soak`, or a file in it, does not."""
    asked = [Path(each.partition("::")[0]).resolve() for each in config.args]
    return None if any(each == HERE or HERE in each.parents for each in asked) else True


@pytest.fixture(scope="module")
def fabric():
    """One demo fabric for a module: every test leaves it healed."""
    with tempfile.TemporaryDirectory(prefix="treadle-soak-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)
