"""The command line. Each verb is a module of its own, imported when it is asked for: `--help` must be quick."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from treadle import __version__
from treadle.base.errors import TreadleError, disk_full
from treadle.base.printable import printable

VERBS: Mapping[str, tuple[str, str]] = {
    # verb: (module under treadle.cli, what it does in one line)
    "init": ("init", "Make a workspace that passes check and runs."),
    "check": ("check", "Say offline what is wrong, where, and how to mend it."),
    "diff": ("diff", "Say what changed between two versions, and whom it breaks."),
    "bump": ("bump", "Say or write the version that changes ask for."),
    "lint": ("lint", "Run Spectral rulesets over documents."),
    "bundle": ("bundle", "Put a document and what it refers to together in one file."),
    "plan": ("plan", "Show what apply would change in which engine."),
    "apply": ("apply", "Bring the engines to what the workspace says."),
    "rollback": ("rollback", "Make what was live before live again."),
    "up": ("up", "Run the fabric of a workspace."),
    "down": ("down", "Stop it."),
    "status": ("status", "Show what runs, and where."),
    "demo": ("demo", "Run the demo fabric, or play one of its stories."),
    "throttle": ("throttle", "Slow a consumer down for a while."),
    "token": ("token", "Print an access token of the loopback issuer."),
    "events": ("events", "Publish, follow and mend events."),
    "trace": ("trace", "Show one call or event from end to end."),
    "audit": ("audit", "List facts by subject, contract or time."),
    "doctor": ("doctor", "Name what this machine lacks, and the fix."),
    "explain": ("explain", "Say more about a rule or an error code."),
}


CONFINED = frozenset({"check", "diff", "bump", "lint", "bundle"})
"""Verbs that work on documents of others: in a child with limits, so that none of these can harm more than itself."""


class LazyGroup(click.Group):
    """A group whose commands are imported on use; their one-line help is known without it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order in which one needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one verb."""
        module, _ = VERBS.get(cmd_name, ("", ""))
        if not module:
            return None
        command: click.Command = importlib.import_module(f"treadle.cli.{module}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. A reader that went away (`treadle audit | head`) is not an error; click would exit with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Suggest the nearest verb for an unknown one."""
        if args and self.get_command(ctx, args[0]) is None:
            from treadle.base.nearest import nearest

            near = nearest(args[0], VERBS)
            ctx.fail(f"No such verb: {args[0]!r}." + (f" Did you mean {near!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list in --help, without importing a single verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, about) for verb, (_, about) in VERBS.items()])


EPILOG = """\b
Start here:
  treadle init my-fabric && cd my-fabric
  treadle check
  treadle up --detach && treadle status

\b
Exit codes: 0 pass, 1 policy violated, 2 usage, 3 input unreadable or invalid,
4 engine unreachable or port taken."""


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="treadle %(version)s")
def cli() -> None:
    """Contracts in git become a governed, running integration fabric."""


def main() -> None:
    """The console script: errors become one sentence, a hint and an exit code, never a traceback."""
    if len(sys.argv) < 2 or sys.argv[1] not in CONFINED:
        return _run()
    from treadle.control.sandbox import DocumentTooCostly, confined

    try:
        confined(_run)
    except DocumentTooCostly as error:
        say_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _run() -> None:
    try:
        cli.main(prog_name="treadle", standalone_mode=False)
    except TreadleError as error:
        say_error(error)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as why:
        full = disk_full(why)
        if full is None:
            raise
        say_error(full)
        sys.exit(full.exit_code)


def say_error(error: TreadleError) -> None:
    """An error as people see it, on stderr; where that is a file on a full disk, the exit code has to do."""
    with contextlib.suppress(OSError):
        _say(error)


def _say(error: TreadleError) -> None:
    click.echo(f"error: {error.code}: {printable(error.message)}", err=True)
    if error.hint:
        click.echo(f"  hint: {printable(error.hint)}", err=True)
    click.echo(f"  more: treadle explain {error.code}", err=True)


if __name__ == "__main__":
    main()
