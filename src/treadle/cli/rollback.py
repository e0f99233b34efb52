"""`treadle rollback`: make what was live before live again."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import format_option, state_of, workspace_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from treadle.control.snapshots import Kept
    from treadle.control.state import State

_FILES_SHOWN = 5


def digests(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """The digests of what is kept that begin so, newest first; none where it cannot be read: nothing complains here."""
    from click.shell_completion import CompletionItem

    from treadle.base.errors import TreadleError
    from treadle.control.snapshots import Snapshots

    try:
        history = Snapshots(state_of(ctx.params.get("workspace")).snapshots).history()
    except (TreadleError, OSError):
        return []
    found = {each.short: each for each in reversed(history)}
    return [CompletionItem(key, help=_when(each)) for key, each in found.items() if key.startswith(begun)]


@click.command(
    epilog="""\b
For example:
  treadle rollback --list
  treadle plan --against 3f9a0c12
  treadle rollback --plan
  treadle rollback 3f9a0c12

\b
Exit code 0, or 1 and 3 when a contract was refused all the same; 4 where no fabric runs."""
)
@click.argument("digest", required=False, shell_complete=digests)
@workspace_option
@click.option("--list", "listing", is_flag=True, help="Show what is kept, oldest first; the last one is live.")
@click.option("--plan", "planning", is_flag=True, help="Show what would change, and change nothing.")
@format_option("json")
def command(digest: str | None, workspace: str | None, listing: bool, planning: bool, format: str) -> None:
    """Make live again what was live before: the state DIGEST, or the last one that differs from what is live.

    It is not asked whether the way back breaks consumers; Envoy judges the result as ever. The decision is a fact. The
    files of the workspace stay as they are: the next apply goes forward to them again.
    """
    from treadle.base.errors import UsageError

    if listing and (digest or planning):
        raise UsageError("bad-rollback-arguments", "--list takes nothing else", "treadle rollback --list")
    state = state_of(workspace)
    if listing:
        _list(state, format)
    elif planning:
        _plan(state, digest or "", format)
    else:
        _restore(state, digest or "", format)


def _restore(state: State, named: str, format: str) -> None:
    import orjson

    from treadle.base.errors import EngineError, InputError, TreadleError
    from treadle.cli.apply import ask_control
    from treadle.cli.plan import show
    from treadle.control.runfile import require_running

    body = orjson.dumps({"digest": named})
    reply = ask_control(state, require_running(state), "POST", "/control/rollback", body)
    said: dict[str, Any] = reply.json()
    if reply.status != 200:
        kind: type[TreadleError] = InputError if said.get("exit") == 3 else EngineError
        raise kind(said["code"], said["message"], said.get("hint") or f"read {state.logs / 'control.log'}")
    if format == "text":
        from treadle.control.snapshots import SHORT

        took = f"{said['digest'][:SHORT]} is live again, in {said['took_ms']:.0f} ms; treadle trace {said['trace']}"
        click.echo(took, err=True)
        _say_ahead(said["ahead"])
    show(said, format)


def _say_ahead(ahead: list[str]) -> None:
    from treadle.base.printable import printable

    if ahead:
        shown = ", ".join(printable(each) for each in ahead[:_FILES_SHOWN])
        more = f" and {len(ahead) - _FILES_SHOWN} more" if len(ahead) > _FILES_SHOWN else ""
        click.echo(f"the workspace on disk differs: {shown}{more}", err=True)
        click.echo("  the next apply goes forward to it again; take the edit back there too, to stay here", err=True)


def _plan(state: State, named: str, format: str) -> None:
    from dataclasses import replace

    from treadle.cli.plan import engine_and_place, show
    from treadle.control.compile import compile_place
    from treadle.control.report import report
    from treadle.control.snapshots import Snapshots

    snapshots = Snapshots(state.snapshots)
    checkout = snapshots.checkout(snapshots.find(named))
    envoy, place = engine_and_place(state, "local", {})
    compiled = compile_place(replace(place, checkout=checkout, going_back=True), envoy)
    show(report(compiled.desired, compiled.changes), format)


def _list(state: State, format: str) -> None:
    from dataclasses import asdict

    from treadle.control.snapshots import Snapshots

    history = Snapshots(state.snapshots).history()
    if format == "json":
        import orjson

        rows = [{**asdict(each), "live": each is history[-1]} for each in history]
        click.echo(orjson.dumps({"snapshots": rows}, option=orjson.OPT_INDENT_2))
        return
    if not history:
        click.echo("nothing was applied here yet", err=True)
        sys.exit(0)
    click.echo(f"{'DIGEST':<14}{'WHEN':<22}{'BY':<10}{'CONTRACTS':<11}TRACE")
    for each in history:
        live = "  live" if each is history[-1] else ""
        click.echo(f"{each.short:<14}{_when(each):<22}{each.verb:<10}{len(each.contracts):<11}{each.trace}{live}")


def _when(kept: Kept) -> str:
    return dt.datetime.fromtimestamp(kept.at_us / 1_000_000, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
