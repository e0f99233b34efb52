"""A tool that nobody here wrote calls every API of the example through the gateway, against its own contract.

Left out of its checks, with reasons: `positive_data_acceptance` (a key that stood for another order is refused rightly,
and the tool uses keys again) and `unsupported_method` (of methods that HTTP/1.1 codecs do not know, the
codec makes a 400 in the envelope, which each contract declares).
"""

import subprocess
import sys
from pathlib import Path

import pytest
from harness import start, stop

pytestmark = pytest.mark.fabric
EXAMPLES = 40
PLENTY = {
    "treadle.yaml": {
        "gold: {requests: 100, per_s: 1, burst: 200,": "gold: {requests: 100000, per_s: 1, burst: 100000,",
        "edge: {requests: 1000,": "edge: {requests: 100000,",
    },
    "domains/sales/orders.v1.openapi.yaml": {
        "limits: {requests: 20, per_s: 1, burst: 40}": "limits: {requests: 20000, per_s: 1}",
    },
}
LEFT_OUT = ("positive_data_acceptance", "unsupported_method")


@pytest.fixture(scope="module")
def generous(tmp_path_factory):
    """A fabric whose limits the tool does not meet."""
    fabric = start(tmp_path_factory.mktemp("schemathesis") / "acme", PLENTY)
    yield fabric
    stop(fabric)


@pytest.mark.parametrize(
    ("contract", "also_left_out"),
    [
        ("customer/customers.v1", ()),
        ("sales/orders.v1", ()),
        ("customer/customers.v0", ("negative_data_rejection",)),  # this contract only warns
    ],
)
def test_no_answer_is_outside_the_contract(generous, tmp_path, contract, also_left_out):
    run = generous.run
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run"),
            generous.root / "domains" / f"{contract}.openapi.yaml",
            *("--url", run["gateway"], "--tls-verify", run["ca"]),
            *("--header", f"Authorization: Bearer {generous.token()}"),
            *("--checks", "all", "--exclude-checks", ",".join((*LEFT_OUT, *also_left_out))),
            *("--max-examples", str(EXAMPLES), "--seed", "7", "--workers", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " generated, " in done.stdout
