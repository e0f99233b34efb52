"""What every number of the console is read from, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from treadle.contract.model import Contract, Workspace
from treadle.insight.rollup import Rollup
from treadle.insight.state import Engine


@dataclass(frozen=True, slots=True)
class Sight:
    """The live workspace, the counts, the engines, and the time in Unix microseconds.

    `groups` names the consumer groups of each channel; `channels` finds the contract of a channel by its name.
    """

    workspace: Workspace
    rollup: Rollup
    engines: tuple[Engine, ...]
    now_us: int
    groups: Mapping[str, tuple[str, ...]]
    channels: Mapping[str, Contract]

    def oldest_us(self, channel: str) -> int | None:
        """When the oldest event that some group has not finished was accepted, or None where none waits."""
        waiting = (self.rollup.oldest_us(channel, each) for each in self.groups.get(channel, ()))
        return min((at for at in waiting if at is not None), default=None)


def look(workspace: Workspace, rollup: Rollup, engines: Iterable[Engine], now_us: int) -> Sight:
    """Gather what numbers are read from."""
    return Sight(
        workspace=workspace,
        rollup=rollup,
        engines=tuple(engines),
        now_us=now_us,
        groups=groups_of(workspace),
        channels={channel.name: each for each in workspace.contracts for channel in each.channels},
    )


def groups_of(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The consumer groups of each channel, by channel name."""
    found: dict[str, tuple[str, ...]] = {}
    for each in workspace.settings.subscriptions:
        found[each.channel] = (*found.get(each.channel, ()), each.id)
    return found
