"""The majors that paths (`/v1/orders`) and channels (`sales.order.created.v1`) say, beside the version's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from treadle.check.diff.change import Side
from treadle.check.diff.verdict import version_of
from treadle.contract.model import Json
from treadle.contract.version import read_version

_PATH = re.compile(r"/v(\d{1,9})(?:/|\Z)")
_CHANNEL = re.compile(r"\.v(\d{1,9})\Z")


def majors(document: Json) -> Iterator[tuple[str, int]]:
    """Every path and channel that says its major, with it."""
    if not isinstance(document, dict):
        return
    paths, channels = document.get("paths"), document.get("channels")
    for path in paths if isinstance(paths, dict) else ():
        if match := _PATH.match(path):
            yield path, int(match[1])
    for name, channel in channels.items() if isinstance(channels, dict) else ():
        address = channel.get("address") if isinstance(channel, dict) else None
        text = address if isinstance(address, str) else name
        if match := _CHANNEL.search(text):
            yield text, int(match[1])


def stale_major(side: Side) -> dict[str, str] | None:
    """The words for a path or channel that is of another major than `info.version`, where none is of that one."""
    document = side.library.root(side.file).value
    text = version_of(document)
    version = read_version(text)
    said = list(majors(document))
    if version is None or not said or any(major == version.major for _, major in said):
        return None
    return {"new": text, "name": str(version.major), "old": said[0][0], "declared": str(said[0][1])}
