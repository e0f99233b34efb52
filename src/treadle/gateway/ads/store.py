"""The last good configuration of a node, on its disk: what an Envoy is served while the control plane is away.

Each resource is a file that is named by its digest; one list says which of them are good now. The list is replaced
whole, after what it names was written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from treadle.base.canon import canonical, digest
from treadle.base.files import write_atomically
from treadle.gateway.ads.catalog import Catalog, Resource
from treadle.gateway.ads.wire import ProtocolError, Wire
from treadle.gateway.envoy.snapshot import Moving

_log = logging.getLogger("treadle.gateway.ads")


@dataclass(frozen=True, slots=True)
class LastGood:
    """A folder of this node alone."""

    folder: Path
    wire: Wire

    def save(self, catalog: Catalog) -> None:
        """Keep this, and nothing else. Blocks for a sync of each new resource."""
        objects = self.folder / "objects"
        listed: dict[str, dict[str, str]] = {}
        for kind in Moving:
            for name, each in catalog.of(kind).items():
                key = digest(each.entry).removeprefix("sha256:")
                listed.setdefault(kind.value, {})[name] = key
                if not (objects / key).exists():
                    write_atomically(objects / key, each.entry, mode=0o600)
        write_atomically(self._list, canonical(listed), mode=0o600)
        wanted = {key for group in listed.values() for key in group.values()}
        for each_file in objects.iterdir() if objects.exists() else ():
            if each_file.name not in wanted:
                each_file.unlink(missing_ok=True)

    def load(self) -> Catalog | None:
        """What was kept; None where nothing was. What is damaged is left out: the control plane will send it again."""
        try:
            listed = orjson.loads(self._list.read_bytes())
            found: dict[Moving, dict[str, Resource]] = {}
            for kind, key in _pairs(listed):
                if each := self._read(key):
                    found.setdefault(kind, {})[each.name] = each
        except FileNotFoundError:
            return None
        except (ValueError, AttributeError) as why:
            _log.warning("the last good configuration cannot be read: %s", why)
            return None
        return Catalog(found)

    @property
    def _list(self) -> Path:
        return self.folder / "good.json"

    def _read(self, key: str) -> Resource | None:
        try:
            entry = (self.folder / "objects" / Path(key).name).read_bytes()
            if digest(entry).removeprefix("sha256:") == key:
                return self.wire.read_resource(entry)
        except (OSError, ProtocolError):
            pass
        _log.warning("a resource of the last good configuration is damaged, and left out: %s", key)
        return None


def _pairs(listed: dict[str, dict[str, str]]) -> Iterator[tuple[Moving, str]]:
    for kind, group in listed.items():
        for key in group.values():
            yield Moving(kind), key
