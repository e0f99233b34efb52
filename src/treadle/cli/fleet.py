"""`treadle up --join` and `--invite`: gateway nodes on other machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from treadle.control.state import State


def invite_node(state: State, name: str, folder: Path) -> None:
    """Make the certificate by which a node may join; it is for its machine, and lives for a day.

    Raises EngineError `not-running`, UsageError `spiffe-name-invalid`.
    """
    from treadle.control.certificates import Certificates
    from treadle.control.credentials import settings_of
    from treadle.control.fleet import KIND
    from treadle.control.runfile import require_running
    from treadle.secrets.authority import spiffe_id

    settings = settings_of(state, require_running(state))
    certificates = Certificates(state, settings.trust_domain)
    certificates.of(
        spiffe_id(settings.trust_domain, KIND, name),
        folder / "certificates",
        dict.fromkeys(["127.0.0.1", "localhost", *settings.gateway.hosts]),
    )
    click.echo(f"{folder} is for node {name} alone; bring it to its machine, and there:")
    click.echo(f"  treadle up --join HOST:PORT --folder {folder.name}")


def join_fleet(control: str, folder: Path, port: int, admin_port: int) -> None:
    """Run a node in the foreground until SIGINT or SIGTERM."""
    import asyncio
    import logging

    from treadle.control.node import Joining, run_node

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(run_node(Joining(control, folder, port, admin_port)))
    click.echo("stopped", err=True)
