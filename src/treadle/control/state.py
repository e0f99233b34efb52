"""Where a running fabric keeps what it must remember. Every path under `.treadle/` is named here and nowhere else."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

RUNTIME = Path("/tmp")  # noqa: S108 - the same for every shell, whatever its TMPDIR; what we make there is private


@dataclass(frozen=True, slots=True)
class State:
    """The state of one workspace. `root` is the workspace folder, absolute."""

    root: Path

    @property
    def folder(self) -> Path:
        """Everything treadle writes for this workspace."""
        return self.root / ".treadle"

    @property
    def run_file(self) -> Path:
        """What runs now: addresses and processes. Absent while nothing runs."""
        return self.folder / "run.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor for as long as it lives; it says its pid.

        Not under `.treadle/`: whoever deletes that folder while a fabric runs must still be able to stop it.
        """
        return self.sockets / "up.lock"

    @property
    def process_log(self) -> Path:
        """One JSON line for each change of a process's state; the collector makes facts of it."""
        return self.folder / "processes.jsonl"

    @property
    def applied(self) -> Path:
        """What the engines were last told, as IR; `plan` compares with it."""
        return self.folder / "applied.json"

    @property
    def checkout(self) -> Path:
        """The files of the workspace as they were last applied: a restart goes on with these, not with later edits."""
        return self.folder / "checkout.json"

    @property
    def snapshots(self) -> Path:
        """The states that were applied, by digest."""
        return self.folder / "snapshots"

    @property
    def overlay(self) -> Path:
        """The overlay that `treadle demo` makes: its upstreams and public keys."""
        return self.folder / "demo" / "overlay.yaml"

    @property
    def logs(self) -> Path:
        """What each process prints, a file each."""
        return self.folder / "log"

    @property
    def secrets(self) -> Path:
        """Keys and passwords, mode 0700."""
        return self.folder / "secrets"

    @property
    def live(self) -> Path:
        """The last-good version of each contract."""
        return self.folder / "live"

    @property
    def gateway(self) -> Path:
        """Envoy's bootstrap, resources and access log."""
        return self.folder / "gateway"

    @property
    def bus(self) -> Path:
        """NATS's configuration and JetStream's files, and the guard's snapshot of topics."""
        return self.folder / "bus"

    @property
    def facts(self) -> Path:
        """The fact log, its index and the subject book."""
        return self.folder / "facts"

    @property
    def quotas(self) -> Path:
        """How many calls each consumer made in this day and month, up to a fact of the log."""
        return self.facts / "quotas.json"

    @property
    def throttles(self) -> Path:
        """Who is slowed down, and until when."""
        return self.folder / "throttles.json"

    @property
    def connect(self) -> Path:
        """Connector cursors and the webhook spool."""
        return self.folder / "connect.sqlite"

    @property
    def demo(self) -> Path:
        """The demo's systems of record and services."""
        return self.folder / "demo"

    @property
    def sockets(self) -> Path:
        """A short private folder for Unix sockets: their paths may not exceed 107 bytes."""
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return RUNTIME / f"treadle-{os.getuid()}-{name}"

    @property
    def events_socket(self) -> Path:
        """Where the guard's HTTP door listens; only the gateway, run by the same user, reaches it."""
        return self.sockets / "events.sock"

    @property
    def webhooks_socket(self) -> Path:
        """Where connectors take webhooks in; reached through the gateway."""
        return self.sockets / "webhooks.sock"

    @property
    def hop_socket(self) -> Path:
        """Where the guard hop takes calls from the gateway."""
        return self.sockets / "hop.sock"

    @property
    def onward_socket(self) -> Path:
        """Where the gateway takes calls back from the guard hop."""
        return self.sockets / "onward.sock"

    @property
    def hop_table(self) -> Path:
        """What the guard hop knows of each operation."""
        return self.gateway / "hop.json"

    @property
    def idempotency(self) -> Path:
        """Keys of repetition and the answers that were given."""
        return self.folder / "idempotency.sqlite"

    @property
    def drift_socket(self) -> Path:
        """Where sampled answers are taken from the gateway."""
        return self.sockets / "drift.sock"

    @property
    def drift_table(self) -> Path:
        """What operations may answer, for the process that looks at samples."""
        return self.gateway / "drift.json"

    @property
    def drift_log(self) -> Path:
        """One JSON line for each difference between answers and contracts; the collector makes facts of it."""
        return self.folder / "drift.jsonl"

    @property
    def keys(self) -> Path:
        """The last good public keys of identity providers."""
        return self.folder / "keys"

    @property
    def certificates(self) -> Path:
        """The certificate of the local authority, and those of this node."""
        return self.folder / "certificates"

    @property
    def authority_file(self) -> Path:
        """What callers know the gateway by: `curl --cacert`."""
        return self.certificates / "ca.pem"

    @property
    def node_certificates(self) -> Path:
        """What Envoy shows, laid out as Kubernetes mounts a secret."""
        return self.certificates / "gateway"

    @property
    def own_certificates(self) -> Path:
        """What the fabric's own programs show where the gateway demands a certificate; a folder of the same kind."""
        return self.certificates / "own"

    @property
    def service_certificates(self) -> Path:
        """A folder of the same kind for each service that has a SPIFFE id of ours."""
        return self.certificates / "services"

    @property
    def all_sockets(self) -> tuple[Path, ...]:
        """Every socket of a fabric."""
        return (self.events_socket, self.webhooks_socket, self.hop_socket, self.onward_socket, self.drift_socket)

    def prepare(self) -> None:
        """Make the folders, for nobody but this user: they hold records of people and keys.

        Raises EngineError `folder-not-private` for one that somebody else planted or opened.
        """
        from treadle.base.errors import EngineError

        ours = (self.folder, self.sockets, self.secrets, self.logs, self.live, self.gateway, self.bus, self.facts)
        for each in (*ours, self.certificates):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        for each in (self.folder, self.sockets, self.secrets):
            info = each.stat(follow_symlinks=False)
            if info.st_uid != os.getuid() or info.st_mode & 0o077:
                raise EngineError(
                    "folder-not-private",
                    f"{each} belongs to somebody else or is open to others",
                    f"remove it, or run: chmod 700 {each}",
                )
