"""Fixtures every test may use: golden cases, and what this machine has."""

import pytest
from hypothesis import settings

MARK = "---- want\n"

settings.register_profile("no-clock", deadline=None)  # a busy machine is no failure
settings.load_profile("no-clock")


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write what was seen into the golden cases")


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def check_case(request):
    """Feed a case's upper half to a function; its lower half is what must come out."""

    def check(case, function):
        given, _, want = case.read_text().partition(MARK)
        seen = function(given)
        if request.config.getoption("--accept"):
            case.write_text(given + MARK + seen)
        else:
            assert seen == want, f"{case.name}: run 'make accept' and read the diff"

    return check
