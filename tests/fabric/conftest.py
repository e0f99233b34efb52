"""Demo fabrics for tests: one that is shared, and one that a test may break."""

import tempfile
from pathlib import Path

import pytest
from harness import start, stop


@pytest.fixture(scope="session")
def fabric():
    """One demo fabric for all tests that leave it as they found it."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)


@pytest.fixture
def own_fabric():
    """A demo fabric that a test may break."""
    with tempfile.TemporaryDirectory(prefix="treadle-test-") as folder:
        running = start(Path(folder) / "acme")
        yield running
        stop(running)
