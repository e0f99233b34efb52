"""`treadle throttle`: slow a consumer down for a while, see who is slowed down, and lift it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import format_option, state_of, workspace_option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_RATE = re.compile(r"(\d{1,7})/(\d{0,5})([smh])")
_TIME = re.compile(r"(\d{1,7})([smhd]?)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "": 1}


def _consumers(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """The consumers of treadle.yaml that begin so; none where it cannot be read: completion never complains."""
    from click.shell_completion import CompletionItem

    from treadle.base.errors import TreadleError
    from treadle.contract.workspace import read_workspace
    from treadle.control.checkout import read_files

    try:
        found, _findings = read_workspace(read_files(state_of(ctx.params.get("workspace")).root), environment="local")
    except (TreadleError, OSError):
        return []
    rows = found.settings.consumers.values()
    return [CompletionItem(each.id, help=f"tier {each.tier}") for each in rows if each.id.startswith(begun)]


@click.command(
    epilog="""\b
For example:
  treadle throttle partner --to 10/s --for 10m --reason "retries without end"
  treadle throttle --list
  treadle throttle partner --lift

\b
It ends by itself, also when the fabric restarts meanwhile. Exit code 4 where no fabric runs."""
)
@click.argument("consumer", required=False, shell_complete=_consumers)
@workspace_option
@click.option("--to", "rate", metavar="RATE", help="The most calls that pass: 10/s, 100/m, 5/10s.")
@click.option("--burst", type=click.IntRange(1), metavar="N", help="The most that come at once; as many as --to says.")
@click.option("--for", "duration", metavar="TIME", default="10m", show_default=True, help="How long: 90s, 10m, 2h, 1d.")
@click.option("--reason", default="", metavar="TEXT", help="For people; it is kept in the audit log.")
@click.option("--unlisted", is_flag=True, help="Also a client that is not in treadle.yaml.")
@click.option("--list", "listing", is_flag=True, help="Show who is slowed down, and until when.")
@click.option("--lift", is_flag=True, help="End it now.")
@format_option("json")
def command(
    *,
    consumer: str | None,
    workspace: str | None,
    rate: str | None,
    burst: int | None,
    duration: str,
    reason: str,
    format: str,
    unlisted: bool,
    listing: bool,
    lift: bool,
) -> None:
    """Slow CONSUMER down, whatever its tier: live within a second, and for a while.

    A call beyond the rate is answered 429 with the code THROTTLED. The decision is a fact.
    """
    from treadle.base.errors import UsageError

    if sum((listing, lift, rate is not None)) != 1 or listing == (consumer is not None):
        raise UsageError(
            "bad-throttle-arguments",
            "say what to do: slow a consumer down, lift it, or list",
            "treadle throttle CONSUMER --to 10/s --for 10m; treadle throttle CONSUMER --lift; treadle throttle --list",
        )
    if listing:
        _show(_ask(workspace, "GET", "/control/throttles")["throttles"], format)
    elif lift:
        _tell(_ask(workspace, "DELETE", f"/control/throttles/{_quoted(consumer)}"), format, "is no longer slowed down")
    else:
        limit = {**_limit(rate or ""), **({"burst": burst} if burst else {})}
        asked = {"consumer": consumer, "limit": limit, "seconds": _duration(duration), "reason": reason}
        row = _ask(workspace, "POST", "/control/throttles", {**asked, "unlisted": unlisted})
        _tell(row, format, f"gets {_rate(row['limit'])} for {_left(row)}")


def _limit(rate: str) -> dict[str, int]:
    from treadle.base.errors import UsageError

    match = _RATE.fullmatch(rate)
    if not match:
        raise UsageError("bad-rate", f"--to {rate} is no rate", "write calls per time: 10/s, 100/m, 1000/h, 5/10s")
    return {"requests": int(match[1]), "per_s": int(match[2] or 1) * _SECONDS[match[3]]}


def _duration(text: str) -> int:
    from treadle.base.errors import UsageError

    match = _TIME.fullmatch(text)
    if not match:
        raise UsageError("bad-rate", f"--for {text} is no time", "write seconds, or 90s, 10m, 2h, 1d")
    return int(match[1]) * _SECONDS[match[2]]


def _ask(workspace: str | None, method: str, path: str, body: Any = None) -> dict[str, Any]:
    import orjson

    from treadle.base.errors import EngineError, InputError, TreadleError
    from treadle.cli.apply import ask_control
    from treadle.control.runfile import require_running

    state = state_of(workspace)
    reply = ask_control(state, require_running(state), method, path, orjson.dumps(body) if body else b"")
    said: dict[str, Any] = reply.json()
    if reply.status == 200:
        return said
    kind: type[TreadleError] = InputError if said.get("exit") == 3 else EngineError
    raise kind(said["code"], said["message"], said.get("hint") or f"read {state.logs / 'control.log'}")


def _quoted(consumer: str | None) -> str:
    from urllib.parse import quote

    return quote(consumer or "", safe="")


def _tell(row: dict[str, Any], format: str, what: str) -> None:
    if format == "json":
        _json(row)
    else:
        click.echo(f"{row['consumer']} {what}")


def _show(rows: list[dict[str, Any]], format: str) -> None:
    if format == "json":
        _json({"throttles": rows})
    elif not rows:
        click.echo("nobody is slowed down")
    else:
        click.echo(f"{'CONSUMER':<24}{'RATE':<16}{'LEFT':<10}REASON")
        for row in rows:
            click.echo(f"{row['consumer']:<24}{_rate(row['limit']):<16}{_left(row):<10}{row['reason']}".rstrip())


def describe(row: dict[str, Any]) -> str:
    """One throttle in words: `partner to 10/s for 9 m: too eager`."""
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{row['consumer']} to {_rate(row['limit'])} for {_left(row)}{reason}"


def _json(value: Any) -> None:
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def _rate(limit: dict[str, int]) -> str:
    per = {1: "s", 60: "m", 3_600: "h"}.get(limit["per_s"], f"{limit['per_s']}s")
    return f"{limit['requests']}/{per}"


def _left(row: dict[str, Any]) -> str:
    left = max(0, round(row["until_us"] / 1_000_000 - time.time()))
    for unit in ("d", "h", "m"):
        if left >= 2 * _SECONDS[unit]:
            return f"{round(left / _SECONDS[unit])} {unit}"
    return f"{left} s"
