"""`treadle status`: what runs, and where."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from treadle.base.printable import printable
from treadle.cli.options import format_option, state_of, workspace_option
from treadle.cli.throttle import describe

if TYPE_CHECKING:
    from treadle.control.state import State


@click.command(epilog="Exit code 0 when everything is ready, 4 when a process is not, or when nothing runs at all.")
@workspace_option
@format_option("json")
def command(workspace: str | None, format: str) -> None:
    """Show the addresses and processes of the running fabric, as they are now."""
    from treadle.control.certificates import validity_of
    from treadle.control.runfile import alive, require_running

    state = state_of(workspace)
    run = require_running(state)
    for row in run["processes"]:
        # run.json is as old as the last change; a process may have died in this very moment.
        if row["state"] == "ready" and not alive(row["pid"]):
            row["state"], row["detail"] = "backoff", "died just now"
    ready = run["ready"] and all(row["state"] == "ready" for row in run["processes"])
    run["ready"] = ready
    if found := validity_of(state.node_certificates / "tls.crt"):
        run["certificate_until"] = dt.datetime.fromtimestamp(found.until, tz=dt.UTC).isoformat()
    told = _told(state, run)
    run.update(told)
    if format == "json":
        import orjson

        click.echo(orjson.dumps(run, option=orjson.OPT_INDENT_2))
    else:
        for key in ("gateway", "ca", "console", "issuer", "nats"):
            if key in run:
                click.echo(f"{key:<10}{run[key]}")
        if "certificate_until" in run:
            click.echo(f"the gateway's certificate is good until {run['certificate_until']}; it is renewed before")
        click.echo()
        click.echo(f"{'PROCESS':<16}{'STATE':<10}{'PID':>8}{'PORT':>7}{'RESTARTS':>10}  SINCE")
        for row in run["processes"]:
            since = f"{max(0, time.time() - row['since']):.0f} s"
            click.echo(
                f"{row['name']:<16}{row['state']:<10}{row['pid'] or '-':>8}{row['port'] or '-':>7}"
                f"{row['restarts']:>10}  {since}  {row['detail']}".rstrip()
            )
        _say_nodes(told)
        _say_limits(told)
        _say_trouble(told)
    sys.exit(0 if ready else 4)


def _told(state: State, run: dict[str, Any]) -> dict[str, Any]:
    """What the control process tells; nothing while it is away.

    Who is slowed down, what is used of each quota, how full the upstreams are, how many facts are missing, and how the
    gateway nodes on other machines are.
    """
    from treadle.base.errors import TreadleError
    from treadle.cli.apply import ask_control

    if not any(row["name"] == "control" and row["state"] == "ready" for row in run["processes"]):
        return {}
    try:
        said = ask_control(state, run, "GET", "/control/status").json()
    except TreadleError:
        return {}
    rows = {name: said.get(name, []) for name in ("throttles", "quotas", "saturation", "nodes")}
    return {**rows, "facts_missing": said.get("facts_missing", 0)}


def _say_nodes(told: dict[str, Any]) -> None:
    """Gateway nodes that are connected, and what they do not take."""
    if told.get("nodes"):
        click.echo()
    for row in told.get("nodes", ()):
        state = "refuses" if row["refused"] else "runs what is live" if row["settled"] else "is taking what is live"
        click.echo(f"node {printable(row['node'])} {state}")
        for each in row["refused"]:
            click.echo(f"  {printable(each)}")


def _say_limits(limits: dict[str, Any]) -> None:
    """Only what keeps somebody from calling: a quota that is not used up is in the JSON."""
    out = [row for row in limits.get("quotas", ()) if row["used"] >= row["limit"]]
    if out or limits.get("throttles"):
        click.echo()
    for row in limits.get("throttles", ()):
        click.echo(f"slowed down   {printable(describe(row))}")
    for row in out:
        click.echo(
            f"out of quota  {printable(row['consumer'])}: {row['used']} of {row['limit']} calls this {row['window']}"
        )


def _say_trouble(told: dict[str, Any]) -> None:
    """Only what is not as it should be: how full the others are is in the JSON."""
    full = [row for row in told.get("saturation", ()) if row["open"] or row["ejected"]]
    if full or told.get("facts_missing"):
        click.echo()
    for row in full:
        what = [f"breaker open: {', '.join(row['open'])}"] if row["open"] else []
        what += [f"{row['ejected']} of {row['endpoints']} endpoints left out"] if row["ejected"] else []
        click.echo(f"saturated     {printable(row['upstream'])} of {printable(row['contract'])}: {'; '.join(what)}")
    if told.get("facts_missing"):
        click.echo(f"facts missing at least {told['facts_missing']:,}: treadle audit shows the gaps")
