"""`treadle apply`: bring the engines to what the workspace says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from treadle.cli.options import format_option, state_of, workspace_option
from treadle.cli.plan import read_replaced, show, with_option

if TYPE_CHECKING:
    from treadle.control.remote import Reply
    from treadle.control.state import State


@click.command(epilog="Exit code 0, or 1 and 3 when a contract was refused; the others are live all the same.")
@workspace_option
@with_option
@format_option("json")
def command(workspace: str | None, replaced: tuple[str, ...], format: str) -> None:
    """Apply the workspace to the running fabric, without dropping a call.

    Every contract is judged alone: one that is refused keeps its last good version, the others go live. The decision is
    a fact; its trace is printed.
    """
    found = ask_to_apply(workspace, read_replaced(replaced))
    if format == "text":
        click.echo(f"applied in {found['took_ms']:.0f} ms; treadle trace {found['trace']}", err=True)
    show(found, format)


def ask_to_apply(workspace: str | None, files: dict[str, bytes]) -> dict[str, Any]:
    """What the control process says of an apply. Raises what it raises."""
    import orjson

    from treadle.base.errors import EngineError, InputError, PolicyError, TreadleError, UsageError
    from treadle.control.runfile import require_running

    state = state_of(workspace)
    try:
        body = orjson.dumps({"replace": {path: data.decode() for path, data in files.items()}})
    except UnicodeDecodeError as why:
        raise InputError(
            "with-not-text", f"a file of --with is not UTF-8: {why.reason}", "contracts are text"
        ) from None
    reply = ask_control(state, require_running(state), "POST", "/control/apply", body)
    said: dict[str, Any] = reply.json()
    if reply.status == 200:
        return said
    kinds: dict[int, type[TreadleError]] = {1: PolicyError, 2: UsageError, 3: InputError}
    kind = kinds.get(said.get("exit", 4), EngineError)
    raise kind(said["code"], said["message"], said.get("hint") or f"read {state.logs / 'control.log'}")


def ask_control(state: State, run: dict[str, Any], method: str, path: str, body: bytes = b"") -> Reply:
    """One request to the control API of a running fabric. Raises EngineError `remote-unreachable`."""
    from treadle.control.access import control_token
    from treadle.control.remote import request
    from treadle.secrets.file import FileSecrets

    token = control_token(FileSecrets(state.secrets)).text()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return request(method, run["console"] + path, headers=headers, body=body)


def say_refused(state: State, run: dict[str, Any]) -> None:
    """Tell of contracts that were refused at the start: what serves is not what is in the files."""
    from treadle.base.errors import TreadleError

    try:
        refused = ask_control(state, run, "GET", "/control/status").json().get("refused", ())
    except TreadleError:
        return  # a banner is not worth a fabric
    for each in refused:
        click.echo(f"refused {each['contract']}: {each['why']}; treadle plan says more", err=True)
