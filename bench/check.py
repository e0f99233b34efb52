"""How long the gate takes for a hundred contracts: read, rules, security, conflicts, comparison with what is live.

Usage: python bench/check.py [--json] [--rounds N] [--contracts N]
The whole process `treadle check` on one core, a median of the rounds. The contracts are made here: about 10 kB of YAML
each, seventy APIs to thirty event contracts, and each differs from its live version in one of several ways.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from treadle.contract.read import read_contract
from treadle.control.checkout import read_files
from treadle.registry.live import LiveSet

GOAL_S = 1.0
NOUNS = ("orders", "invoices", "shipments", "customers", "products", "tickets", "payments", "offers", "sites", "plans")
FIELDS = ("code", "status", "region", "currency", "amount", "quantity", "createdAt", "updatedAt", "note", "priority")
ERROR = {"$ref": "#/components/responses/Error"}


def field(pick, name):
    kinds = (
        {"type": "string", "minLength": 1, "maxLength": pick.choice([32, 64, 200])},
        {"type": "string", "enum": pick.sample(["new", "open", "held", "done", "lost", "sent"], 4)},
        {"type": "integer", "minimum": 0, "maximum": pick.choice([100, 1000])},
        {"type": "number", "minimum": 0},
        {"type": "string", "format": "date-time"},
    )
    return {"description": f"The {name} of it.", **pick.choice(kinds)}


def fields(pick, count):
    return {f"{pick.choice(FIELDS)}{number}": field(pick, f"field {number}") for number in range(count)}


def api(pick, number):
    nouns = pick.sample(NOUNS, 3)
    schemas = {"Error": error_schema()}
    paths = {}
    for noun in nouns:
        name = noun.capitalize()
        described = fields(pick, pick.randint(5, 9))
        schemas[name] = {"type": "object", "required": sorted(described)[:3], "properties": described}
        page = {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
            "nextCursor": {"type": "string"},
        }
        schemas[f"{name}Page"] = {"type": "object", "required": ["items"], "properties": page}
        paths[f"/v1/{noun}{number}"] = {
            "get": operation(
                f"list{name}",
                f"{name}Page",
                [{"$ref": "#/components/parameters/Cursor"}, {"$ref": "#/components/parameters/Limit"}],
            ),
            "post": {
                **operation(f"create{name}", name, [{"$ref": "#/components/parameters/IdempotencyKey"}]),
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
                },
            },
        }
        one = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}}
        paths[f"/v1/{noun}{number}/{{id}}"] = {"get": operation(f"get{name}", name, [one])}
    return {
        "openapi": "3.1.0",
        "info": info(f"API {number}", {"success": 0.995, "p95_ms": 400}),
        "security": [{"login": ["all:read"]}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "login": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {"tokenUrl": "https://login.example", "scopes": {"all:read": "Read."}}
                    },
                }
            },
            "parameters": {
                "Cursor": {"name": "cursor", "in": "query", "schema": {"type": "string"}},
                "Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                "IdempotencyKey": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": True,
                    "schema": {"type": "string"},
                },
            },
            "responses": {
                "Error": {
                    "description": "Wrong.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
                "TooMany": {
                    "description": "Too many.",
                    "headers": {
                        name: {"schema": {"type": "integer"}}
                        for name in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "Retry-After")
                    },
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                },
            },
            "schemas": schemas,
        },
    }


def operation(name, schema, parameters):
    return {
        "operationId": name,
        "summary": f"Do {name}",
        "description": f"What {name} does, in a sentence of the usual length.",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Fine.",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
            },
            "400": ERROR,
            "404": ERROR,
            "429": {"$ref": "#/components/responses/TooMany"},
            "default": ERROR,
        },
    }


def events(pick, number):
    channels, messages = {}, {}
    for event in pick.sample(["created", "updated", "closed", "paid", "sent", "moved", "lost", "opened"], 4):
        own = fields(pick, pick.randint(7, 11))
        metadata = {name: {"type": "string"} for name in ("eventId", "occurredAt", "partitionKey", "schemaVersion")}
        messages[event] = {
            "name": event,
            "contentType": "application/json",
            "payload": {"type": "object", "required": [*metadata, *sorted(own)[:2]], "properties": {**metadata, **own}},
        }
        channels[event] = {
            "address": f"sales.thing{number}.{event}.v1",
            "summary": f"A thing was {event}.",
            "messages": {event: {"$ref": f"#/components/messages/{event}"}},
            "x-treadle": {
                "partition_key": "/partitionKey",
                "retention_days": 7,
                "dlq": {"days": 30},
                "replay": {"days": 7},
            },
        }
    return {
        "asyncapi": "3.0.0",
        "info": info(f"Events {number}", {"lag_s": 5}),
        "channels": channels,
        "components": {"messages": messages},
    }


def info(title, slo):
    extension = {"domain": "sales", "classification": "internal", "slo": slo}
    return {"title": title, "version": "1.0.0", "description": f"{title}.", "x-treadle": extension}


def error_schema():
    names = ("traceId", "code", "message")
    return {"type": "object", "required": [*names], "properties": {name: {"type": "string"} for name in names}}


def changed(pick, document):
    """The next version, in place: something more, something narrower, something gone, or only words."""
    document["info"]["version"] = "1.1.0"
    components = document["components"]
    schemas = [
        each.get("payload", each)
        for each in (*components.get("schemas", {}).values(), *components.get("messages", {}).values())
    ]
    described = pick.choice([each for each in schemas if len(each["properties"]) > 3])["properties"]
    way = pick.choice(["more", "narrower", "gone", "words", "operation"])
    if way == "more":
        described["more"] = {"type": "string"}
    elif way == "narrower":
        described[min(described)]["maxLength"] = 8
    elif way == "gone":
        del described[max(described)]
    elif way == "operation" and "paths" in document:
        one = next(each for path, each in document["paths"].items() if path.endswith("}"))
        one["delete"] = operation("deleteOne", "Error", one["get"]["parameters"])
    else:
        document["info"]["description"] += " Better said."
    return document


def make(folder, count):
    """A workspace whose contracts are live, each a version further in its file."""
    pick = random.Random(20260301)
    sales = folder / "domains" / "sales"
    sales.mkdir(parents=True)
    (folder / "treadle.yaml").write_text("name: bench\n")
    (sales / "domain.yaml").write_text("domain: sales\ntitle: Sales\nowner: sales-team\n")
    made, services = {}, []
    for number in range(count):
        is_api = number % 10 < 7
        kind = "openapi" if is_api else "asyncapi"
        file = sales / f"thing{number}.v1.{kind}.yaml"
        made[file] = (api if is_api else events)(pick, number)
        file.write_text(yaml.safe_dump(made[file], sort_keys=False))
        if is_api:
            name = f"thing{number}"
            services.append({"name": name, "contract": f"sales.{name}.v1", "upstream": "http://127.0.0.1:7100"})
    (sales / "services.yaml").write_text(yaml.safe_dump({"services": services}))
    live, files = LiveSet(folder / ".treadle" / "live"), read_files(folder)
    for file in made:
        contract, findings = read_contract(file.relative_to(folder).as_posix(), files)
        assert contract is not None, findings
        live.put(contract)
    for file, document in made.items():
        file.write_text(yaml.safe_dump(changed(pick, document), sort_keys=False))
    return sum(file.stat().st_size for file in made)


def one_core():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def check(folder):
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "treadle.cli.main", "check", "--workspace", str(folder), "--format", "json"]
    done = subprocess.run(command, capture_output=True, preexec_fn=one_core, check=False)
    taken, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr.decode())
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return taken, cpu, json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contracts", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        size = make(Path(scratch), given.contracts)
        check(Path(scratch))  # warms the page cache and the byte code
        taken, cpu, reports = zip(*(check(Path(scratch)) for _ in range(given.rounds)), strict=True)
    found = reports[0]["findings"]
    figures = {
        "seconds": round(statistics.median(taken), 3),
        "cpu_seconds": round(statistics.median(cpu), 3),
        "goal_s": GOAL_S,
        "contracts": given.contracts,
        "kb_per_contract": round(size / given.contracts / 1000, 1),
        "findings": len(found),
        "contracts_with_findings": len({each["contract"] for each in found}),
    }
    print(json.dumps(figures) if given.json else "\n".join(f"{key:24} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
