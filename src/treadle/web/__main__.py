"""The control process with its pages: `python -m treadle.web --workspace DIR`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.routing import BaseRoute

from treadle.control.process import main
from treadle.control.serve import Front, serve
from treadle.control.state import State
from treadle.control.watch import Watch
from treadle.facts.trail import Trail
from treadle.insight.rollup import Rollup
from treadle.web.app import create_app, create_console
from treadle.web.view import View


def front(watch: Watch, rollup: Rollup, trail: Trail, routes: Sequence[BaseRoute]) -> Front:
    """The console over what control sees, with control's own routes beside it."""
    view = View(
        workspace=watch.workspace,
        engines=watch.engines,
        refused=watch.refused,
        rollup=rollup,
        trail=trail,
        now_us=lambda: time.time_ns() // 1000,
        saturation=watch.gauges.now,
        quotas=watch.quotas,
    )
    console = create_console(view)
    return Front(create_app(console, routes), console.stream.close)


async def control(state: State) -> None:
    """Run the control process of a fabric until SIGTERM."""
    await serve(state, front)


if __name__ == "__main__":
    main(control)
