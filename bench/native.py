"""What validation and masking would cost inside Envoy: a native module beside a bare Envoy, in the same run.

Usage: python bench/native.py [--json] [--rounds N] [--seconds S]
Needs cargo, wrk and nginx. The module is `bench/native/`, over the C ABI that Envoy 1.40 exports; docs/adr/0017 says
why treadle loads no such thing. It is built in a temporary folder; cargo fetches the crates that it names.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gateway import Bench, Proxy, free_port
from treadle.base.canon import canonical

MODULE = Path(__file__).parent / "native"
T = "type.googleapis.com/"
ANSWER = json.dumps({"id": "C-1", "email": "ada@example.org", "address": {"street": "1 Long Road", "city": "London"}})
SCHEMA = {
    "type": "object",
    "required": ["name", "amount"],
    "properties": {
        "name": {"type": "string", "maxLength": 60},
        "amount": {"type": "number"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["sku", "quantity"],
                "properties": {
                    "sku": {"type": "string", "pattern": "^[A-Z0-9-]{4,20}$"},
                    "quantity": {"type": "integer", "minimum": 1},
                },
            },
        },
    },
}
SMALL = {"name": "a thing", "amount": 12.5}
LARGE = SMALL | {"lines": [{"sku": "ABCD-1", "quantity": 1, "note": "n" * 40}] * 50}


def build(folder: Path) -> Path:
    """The folder that holds the built module."""
    if not shutil.which("cargo"):
        sys.exit("cargo is not installed; this bench needs it")
    shutil.copytree(MODULE, folder / "native")
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder / "native", check=True)
    return folder / "native" / "target" / "release"


def envoy(bench: Bench, name: str, module: dict[str, object] | None) -> Proxy:
    """An Envoy that only passes calls on, with the module in front of the router."""
    port = free_port()
    filters = [extension("router", "filters.http.router.v3.Router")]
    if module is not None:
        dynamic = extension(
            "native",
            "filters.http.dynamic_modules.v3.DynamicModuleFilter",
            dynamic_module_config={"name": "treadle_native", "do_not_close": True},
            filter_name="native",
            filter_config={"@type": T + "google.protobuf.StringValue", "value": json.dumps(module)},
        )
        filters.insert(0, dynamic)
    hosts = [{"name": "any", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}]}]
    manager = extension(
        "manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="native",
        http_filters=filters,
        route_config={"virtual_hosts": hosts},
    )
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": at(bench.upstream)}}]}]
    up = {"name": "up", "type": "STATIC", "load_assignment": {"cluster_name": "up", "endpoints": endpoints}}
    listener = {"name": "calls", "address": at(port), "filter_chains": [{"filters": [manager]}]}
    file = bench.folder / f"{name}.json"
    file.write_bytes(canonical({"static_resources": {"listeners": [listener], "clusters": [up]}}))
    flags = ["--config-path", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    pid = bench.start([str(bench.engine.binary), *flags], name)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return Proxy(port, [pid])
        time.sleep(0.02)
    sys.exit(f"Envoy did not start: {(bench.folder / f'{name}.log').read_text()[-500:]}")


def extension(name: str, type: str, **config: object) -> dict[str, object]:
    return {"name": name, "typed_config": {"@type": f"{T}envoy.extensions.{type}", **config}}


def at(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def measure(bench: Bench, rounds: int) -> dict[str, float]:
    location = f"location / {{ default_type application/json; return 200 '{ANSWER}'; }}"
    bench.upstream = bench.nginx("upstream", location).port
    scripts: dict[str, Path | None] = {"get": None}
    for name, body in (("small", SMALL), ("large", LARGE)):
        scripts[name] = bench.folder / f"{name}.lua"
        (bench.folder / f"{name}.lua").write_text(f"wrk.method = 'POST'\nwrk.body = [[{json.dumps(body)}]]\n")
    bare = envoy(bench, "bare", None)
    idle = envoy(bench, "idle", {})
    mask = envoy(bench, "mask", {"mask": ["/email", "/address/street"]})
    validate = envoy(bench, "validate", {"request": SCHEMA})
    runs = {
        "get_bare": (bare, "get"),
        "get_idle": (idle, "get"),
        "get_masked": (mask, "get"),
        "post_small_bare": (bare, "small"),
        "post_small_validated": (validate, "small"),
        "post_large_bare": (bare, "large"),
        "post_large_validated": (validate, "large"),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (proxy, script) in runs.items():
            found[name].append(bench.load(proxy, scripts[script], path="/v1/customers/C-1").cpu_us)
    return {f"{name}_us": round(statistics.median(each), 1) for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.environ["ENVOY_DYNAMIC_MODULES_SEARCH_PATH"] = str(build(Path(folder)))
        found = measure(Bench(Path(folder), said.seconds, stack), said.rounds)
    if said.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value:7.1f}")


if __name__ == "__main__":
    main()
