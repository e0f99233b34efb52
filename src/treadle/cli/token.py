"""`treadle token`: an access token of the loopback issuer."""

from __future__ import annotations

import click

from treadle.cli.options import state_of, workspace_option


@click.command(
    epilog="""\b
For example:
  curl --cacert .treadle/certificates/ca.pem \\
    -H "Authorization: Bearer $(treadle token --client demo-app)" https://127.0.0.1:8080/v1/orders
  curl --cacert me/ca.crt --cert me/tls.crt --key me/tls.key \\
    -H "Authorization: Bearer $(treadle token --client demo-app --certificate me)" https://127.0.0.1:8080/v1/orders"""
)
@workspace_option
@click.option("--client", required=True, metavar="ID", help="A consumer of treadle.yaml.")
@click.option("--scope", metavar="SCOPES", help="Space-separated; by default all that the consumer may have.")
@click.option("--subject", metavar="ID", help="For whom the client acts; by default itself.")
@click.option("--lifetime", default=300, show_default=True, metavar="SECONDS", help="At most 600.")
@click.option(
    "--certificate",
    metavar="FOLDER",
    help="Put a certificate of the client there (tls.crt, tls.key, ca.crt) and bind the token to it.",
)
@click.option("--nats", is_flag=True, help="Print the client's NATS address with its password instead.")
def command(
    workspace: str | None,
    client: str,
    scope: str | None,
    subject: str | None,
    *,
    lifetime: int,
    certificate: str | None,
    nats: bool,
) -> None:
    """Print an access token for a consumer of the running fabric (ES256, RFC 9068).

    One that is bound to a certificate (RFC 8705) is good only on connections that show it. The certificate lives for a
    day; after half of that the same command renews it.
    """
    from pathlib import Path

    from treadle.control.credentials import access_token, nats_address
    from treadle.control.runfile import require_running

    state = state_of(workspace)
    run = require_running(state)
    if nats:
        click.echo(nats_address(state, run, client))
    else:
        folder = Path(certificate) if certificate else None
        said = access_token(state, run, client, scope=scope, subject=subject, lifetime_s=lifetime, certificate=folder)
        click.echo(said)
