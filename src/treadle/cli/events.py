"""`treadle events`: publish, follow and mend events."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from treadle.base.printable import printable
from treadle.cli.options import format_option, state_of, workspace_option

if TYPE_CHECKING:
    from treadle.bus.dlq import Entry
    from treadle.bus.record import Stored
    from treadle.control.bus_desk import Desk

T = TypeVar("T")


@click.group()
def command() -> None:
    """Publish events, follow channels, and look after dead letters."""


@command.command(
    epilog="""\b
For example:
  treadle events publish sales.order.created.v1 --data order.json
Exit code 0 when it was kept, 1 when it was refused."""
)
@workspace_option
@click.argument("channel")
@click.option("--data", required=True, metavar="FILE", help="The event's JSON; - reads standard input.")
@click.option("--client", metavar="ID", help="Who publishes; by default the first consumer that may.")
@click.option("--key", metavar="KEY", help="The partition key, where the data does not say.")
@click.option("--id", "event_id", metavar="ID", help="The event's id, where the data does not say; else a random one.")
def publish(
    workspace: str | None, channel: str, *, data: str, client: str | None, key: str | None, event_id: str | None
) -> None:
    """Publish one event through the gateway, as any HTTP producer does."""
    import uuid

    import orjson

    from treadle.base.errors import InputError, PolicyError
    from treadle.control.credentials import access_token, settings_of
    from treadle.control.remote import request
    from treadle.control.runfile import require_running

    state = state_of(workspace)
    run = require_running(state)
    try:
        payload = orjson.loads(_read(data))
    except orjson.JSONDecodeError as why:
        raise InputError("event-not-json", f"{data} is not JSON: {why}", "an event is a JSON object") from None
    if not isinstance(payload, dict):
        raise InputError("event-not-json", f"{data} is no JSON object", "an event is a JSON object")
    scope = f"{channel.partition('.')[0]}.events:publish"
    consumers = settings_of(state, run).consumers
    who = client or next((id for id, each in consumers.items() if scope in each.scopes), None)
    if who is None:
        raise PolicyError("nobody-publishes", f"no consumer has the scope {scope}", "give it to one in treadle.yaml")
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id or payload.get("eventId") or str(uuid.uuid4()),
        "source": "treadle/cli",
        "type": channel,
        "data": payload,
    }
    if key:
        event["partitionkey"] = key
    reply = request(
        "POST",
        run["gateway"] + "/v1/events",
        headers={
            "authorization": f"Bearer {access_token(state, run, who)}",
            "content-type": "application/cloudevents+json",
        },
        body=orjson.dumps(event),
        ca=run.get("ca"),
        certificate=run.get("certificate"),
    )
    click.echo(reply.body)
    if trace := reply.headers.get("x-trace-id"):
        click.echo(f"treadle trace {trace}", err=True)
    sys.exit(0 if reply.status < 300 else 4 if reply.status >= 500 else 1)


@command.command(epilog="Ends with Ctrl-C, or after --limit events.")
@workspace_option
@click.argument("channels", nargs=-1)
@click.option("--from-start", is_flag=True, help="Begin with the oldest event that is kept.")
@click.option("--limit", type=int, metavar="N", help="End after N events.")
@format_option("json")
def tail(workspace: str | None, channels: tuple[str, ...], *, from_start: bool, limit: int | None, format: str) -> None:
    """Follow events as the bus accepts them; of all channels where none is named."""
    from treadle.base.errors import InputError
    from treadle.base.nearest import nearest
    from treadle.bus.snapshot import decode

    state = state_of(workspace)

    async def follow(desk: Desk) -> None:
        known = [topic.channel for topic in decode((state.bus / "topics.json").read_bytes()).topics]
        for each in channels:
            if each not in known:
                near = nearest(each, known)
                raise InputError(
                    "channel-unknown",
                    f"there is no channel {each}",
                    f"did you mean {near}?" if near else f"there are: {', '.join(known) or 'none'}",
                )
        seen = 0
        async with contextlib.aclosing(desk.follow(channels or known, from_start=from_start)) as events:
            async for stored in events:
                click.echo(_event_line(stored, format))
                seen += 1
                if seen == limit:
                    return

    _at_desk(workspace, follow)


@command.group()
def dlq() -> None:
    """Dead letters: events that were refused or given up, kept whole with their reason."""


@dlq.command("list")
@workspace_option
@click.option("--domain", metavar="NAME", help="Only of this domain.")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@format_option("json")
def list_letters(workspace: str | None, domain: str | None, *, everything: bool, format: str) -> None:
    """List dead letters, and what most of them have in common."""
    from treadle.bus.dlq import State, kinds

    async def listed(desk: Desk) -> list[Entry]:
        return await desk.letters(domain, state=None if everything else State.OPEN)

    found = _at_desk(workspace, listed)
    if format == "json":
        _echo_json([letter_row(each) for each in found])
        return
    for each in found:
        click.echo(
            f"{each.id:<16}{_time(each.at_us)}  {each.state:<12}{each.channel}  {each.reason} {each.pointer}".rstrip()
        )
        click.echo(f"{'':<16}{printable(each.detail)}")
    for kind in kinds([each for each in found if each.state is State.OPEN]):
        click.echo(f"{kind.count} open: {kind.channel} {kind.reason} {kind.pointer} by {kind.by}", err=True)
    if not found:
        click.echo("no dead letters", err=True)


@dlq.command()
@workspace_option
@click.argument("id")
@format_option("json")
def show(workspace: str | None, id: str, format: str) -> None:
    """Show one dead letter with its body."""
    letter = _at_desk(workspace, lambda desk: desk.letter(id))
    row = {**letter_row(letter), "body": letter.body.decode(errors="replace")}
    if format == "json":
        _echo_json(row)
        return
    for name, value in row.items():
        click.echo(f"{name:<12}{printable(str(value))}")


@dlq.command(epilog="The mended event goes through the guard again; it may be refused again.")
@workspace_option
@click.argument("id")
@click.option("--data", metavar="FILE", help="The mended event's JSON; - reads standard input. Else as it was.")
@click.option("--fresh-id", is_flag=True, help="Under a new event id: for an event that was accepted once.")
def resubmit(workspace: str | None, id: str, data: str | None, *, fresh_id: bool) -> None:
    """Send a dead letter again, mended if --data is given, and close it."""
    body = _read(data) if data else None
    receipt = _at_desk(workspace, lambda desk: desk.resubmit(id, body, fresh_id=fresh_id))
    again = " (it was there already)" if receipt.duplicate else ""
    click.echo(f"{id} is kept as {receipt.stream}:{receipt.sequence}{again}")


@dlq.command()
@workspace_option
@click.argument("id")
def discard(workspace: str | None, id: str) -> None:
    """Close a dead letter without sending it. It stays readable."""
    _at_desk(workspace, lambda desk: desk.discard(id))
    click.echo(f"{id} is discarded")


def letter_row(letter: Entry) -> dict[str, Any]:
    """A dead letter, flat, without its body."""
    return {
        "id": letter.id,
        "state": letter.state.value,
        "at": _time(letter.at_us),
        "channel": letter.channel,
        "key": letter.key,
        "event_id": letter.event_id,
        "reason": letter.reason,
        "pointer": letter.pointer,
        "detail": letter.detail,
        "by": letter.by,
        "attempts": letter.attempts,
        "producer": letter.producer,
        "trace_id": letter.trace_id,
    }


def _at_desk(workspace: str | None, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do something at the desk of a running fabric."""
    from treadle.control.bus_desk import desk
    from treadle.control.runfile import require_running

    state = state_of(workspace)
    run = require_running(state)

    async def sit() -> T:
        async with desk(state, run) as ours:
            return await work(ours)

    try:
        return asyncio.run(sit())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


def _event_line(stored: Stored, format: str) -> Any:
    import orjson

    from treadle.base.ids import read_traceparent
    from treadle.bus import headers as h
    from treadle.bus.subjects import read_logged

    at = read_logged(stored.subject)
    trace = read_traceparent(stored.headers.get(h.TRACEPARENT))
    row = {
        "at": _time(stored.at_us),
        "channel": at.channel if at else stored.subject,
        "partition": at.partition if at else 0,
        "sequence": stored.sequence,
        "trace_id": trace.trace_id if trace else "",
        "producer": stored.headers.get(h.PRODUCER, ""),
        "contract": stored.headers.get(h.CONTRACT, ""),
        "data": orjson.loads(stored.body),
    }
    if format == "json":
        return orjson.dumps(row)
    return f"{row['at']}  {row['channel']}  {row['trace_id']}  {printable(stored.body.decode(errors='replace'))}"


def _time(at_us: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(name: str) -> bytes:
    from treadle.base.errors import InputError

    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as why:
        raise InputError("no-such-file", f"{name} cannot be read: {why.strerror}", "name a readable file") from None


def _echo_json(value: Any) -> None:
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
