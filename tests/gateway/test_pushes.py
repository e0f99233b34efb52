"""Weights, limits, routes, upstreams and certificates change under calls over TLS, and no call fails."""

import pytest
from tests.gateway.storm import Storm

pytestmark = pytest.mark.engine
PUSHES = 50


def test_no_call_fails_while_everything_moves(carried):
    """Over each carrier. The large one is in tests/soak."""
    storm = Storm(carried)
    storm.blow(PUSHES)
    assert storm.broken == []
    assert set(storm.statuses) == {200}
    assert storm.statuses.total() > 5 * PUSHES
    assert len(storm.serials) > 3, "certificates were renewed meanwhile"
