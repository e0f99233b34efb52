"""Golden cases: a contract above, what Envoy is told of it below.

The first line of a case says which part is shown: a JSON pointer into the snapshot, or several. A line after it may say
what services.yaml says of the service otherwise.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from treadle.contract.model import Candidate
from treadle.contract.read import read_contract
from treadle.gateway.build import build
from treadle.gateway.envoy import NodeSettings, compile_gateway

CASES = sorted((Path(__file__).parents[1] / "cases" / "gateway").glob("*.case"))
SHOW = "# show: "
SERVICE = "# service: "
FILE = "domains/customer/customers.v1.openapi.yaml"


def compiled(text, settings, issuer):
    """The parts that the first line asks for, as YAML."""
    head, _, contract = text.partition("\n")
    read, findings = read_contract(FILE, {FILE: contract.encode()})
    assert read, findings
    if contract.startswith(SERVICE):
        said = yaml.safe_load(contract.partition("\n")[0].removeprefix(SERVICE))
        if "candidate" in said:
            said["candidate"] = Candidate(**said["candidate"])
        settings = replace(settings, services=(replace(settings.services[0], **said),))
    gateway = build([read], settings, [issuer], {})
    node = NodeSettings("/run/gateway", port=8080, admin_port=9901, tls="/run/certificates")
    snapshot = compile_gateway(gateway, node)
    groups = at(
        snapshot.routes["treadle"], "/virtual_hosts/0/matcher/on_no_match/matcher/matcher_tree/prefix_match_map/map"
    )
    manager = at(snapshot.bootstrap, "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config")
    whole = {
        "bootstrap": snapshot.bootstrap,
        "clusters": dict(snapshot.clusters),
        "filters": dict(snapshot.filters),
        "hosts": snapshot.routes["treadle"]["virtual_hosts"],
        "onward": snapshot.routes["onward"]["virtual_hosts"][0]["matcher"],
        "runtime": snapshot.runtime["treadle"]["layer"],
        "endpoints": dict(snapshot.endpoints),
        "manager": manager,
        "transport": at(snapshot.bootstrap, "/static_resources/listeners/0/filter_chains/0/transport_socket"),
        "tree": {prefix: each["action"]["typed_config"]["routes"] for prefix, each in groups.items()},
    }
    digest = read.digest.removeprefix("sha256:")[:12]
    parts = {pointer: at(whole, pointer) for pointer in head.removeprefix(SHOW).split()}
    shown = parts if len(parts) > 1 else next(iter(parts.values()))
    return yaml.dump(shown, Dumper=Plain, sort_keys=False, width=110).replace(digest, "DIGEST")


def at(value, pointer):
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and not key.isdigit():
            value = [each["name"] for each in value] if key == "*" else next(x for x in value if x["name"] == key)
        else:
            value = value[int(key)] if isinstance(value, list) else value[key]
    return value


class Plain(yaml.SafeDumper):
    """Every value written out: an alias would hide what stands there."""

    def ignore_aliases(self, _):
        return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_case(case, check_case, settings, issuer):
    check_case(case, lambda text: compiled(text, settings, issuer))


def test_there_are_cases():
    assert CASES
