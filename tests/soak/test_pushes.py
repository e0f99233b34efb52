"""A thousand changes of a running gateway under load: weights, limits, routes, upstreams, certificates."""

import statistics

import pytest
from tests.gateway.conftest import world
from tests.gateway.storm import Storm

pytestmark = pytest.mark.engine
PUSHES = 1_000


def test_a_thousand_pushes_fail_no_call(tmp_path, capsys):
    """Counted at the client. Each configuration was judged by the engine in the small storm already; here they move."""
    with world(tmp_path) as node:
        storm = Storm(node)
        storm.blow(PUSHES, judged=True)
    with capsys.disabled():
        for kind, times in sorted(storm.live_ms.items()):
            p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
            print(f"\n{kind}: {len(times)} pushes, live after {p50:.1f} ms, p99 {p99:.1f} ms", end="")
        print(f"\n{storm.statuses.total()} calls, {len(storm.broken)} failed, {len(storm.serials)} certificates seen")
    assert storm.broken == []
    assert set(storm.statuses) == {200}
    assert sum(map(len, storm.live_ms.values())) == PUSHES
    assert len(storm.serials) > PUSHES // 10
