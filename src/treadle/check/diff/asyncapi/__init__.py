"""Two versions of an AsyncAPI document, 2.x or 3.x, -> every change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from treadle.check.diff.asyncapi.channels import channel_changes
from treadle.check.diff.asyncapi.here import Here
from treadle.check.diff.asyncapi.payloads import Payloads
from treadle.check.diff.asyncapi.servers import server_changes
from treadle.check.diff.asyncapi.view import read_api
from treadle.check.diff.change import Change, Side
from treadle.check.diff.modes import Promise

__all__ = ["diff_asyncapi"]


def diff_asyncapi(old: Side, new: Side, today: dt.date, promise: Promise) -> Iterator[Change]:
    """Every change from one version to the other: servers, then channels in the order of the new document."""
    before, after = (read_api(side.library, side.file, governed=promise.governed) for side in (old, new))
    here = Here(before.root, after.root)
    yield from server_changes(here, before, after)
    yield from channel_changes(here, before, after, Payloads(old, new, promise.policy), today)
