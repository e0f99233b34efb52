"""Tokens of an identity provider that nobody here wrote: npm oidc-provider, certified by the OpenID Foundation.

`make peers` installs it. It gives access tokens by client credentials; the gateway has its keys by discovery.
"""

import json
import os
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import httpx
import joserfc.jws
import pytest
import yaml
from harness import wait_for

from treadle.control.access import control_token
from treadle.control.remote import request
from treadle.control.state import State
from treadle.secrets.file import FileSecrets

HERE = Path(__file__).parent
PEERS = Path(os.environ.get("TREADLE_PEERS", HERE.parents[1] / ".peers"))
TOKENS = 1_000
ROTATIONS = 3


class Provider:
    """The provider's process."""

    def __init__(self, audience):
        package = PEERS / "node_modules" / "oidc-provider"
        assert package.is_dir(), f"{package} is not there; `make peers` installs it"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url, self.audience = f"http://127.0.0.1:{port}", audience
        argv = ["node", str(HERE / "provider.mjs"), str(package), str(port), audience]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._heard("ready")

    def step(self, name):
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        self._heard(name)

    def _heard(self, word):
        for line in self.process.stdout:
            if line.strip() == word:
                return
        raise AssertionError(f"the provider ended before it said {word}")

    def token(self, client):
        form = {
            "grant_type": "client_credentials",
            "client_id": "soak-app",
            "client_secret": "for-loopback-alone-for-loopback-alone",
            "scope": "customers:read",
        }
        answer = client.post(f"{self.url}/token", data=form)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def stop(self):
        with self.process as process:
            process.kill()


def caller(fabric):
    run = fabric.run
    context = ssl.create_default_context(cafile=run.get("ca"))
    return httpx.Client(base_url=run["gateway"], verify=context, trust_env=False, timeout=30)


def get(client, token):
    return client.get("/v1/customers", headers={"authorization": f"Bearer {token}"}).status_code


def known_keys(fabric):
    """How many of its keys the gateway has."""
    secret = control_token(FileSecrets(State(fabric.root).secrets)).reveal().decode()
    url = fabric.run["console"] + "/control/status"
    rows = request("GET", url, headers={"authorization": f"Bearer {secret}"}).json()["issuers"]
    return next((row["keys"] for row in rows if row["issuer"] == "certified" and row["live"]), 0)


@pytest.fixture(scope="module")
def provider(fabric):
    """The provider, trusted by the fabric."""
    file = fabric.root / "treadle.yaml"
    before = file.read_text()
    settings = yaml.safe_load(before)
    it = Provider(settings.get("audience", f"urn:treadle:{settings['name']}"))
    try:
        settings.setdefault("issuers", []).append({"name": "certified", "url": it.url})
        settings.setdefault("tiers", {})["soak"] = {"requests": 100_000}
        settings["consumers"].append({"id": "soak-app", "owner": "soak", "tier": "soak", "issuer": "certified"})
        file.write_text(yaml.safe_dump(settings, sort_keys=False))
        fabric.treadle("apply")
        wait_for(lambda: known_keys(fabric) == 1, "the provider's first key")
        yield it
    finally:
        it.stop()
        file.write_text(before)
        fabric.treadle("apply")


def test_a_thousand_of_its_tokens_are_accepted(fabric, provider):
    with caller(fabric) as client, httpx.Client(trust_env=False) as asking:
        tokens = [provider.token(asking) for _ in range(TOKENS)]
        head = json.loads(json.dumps(joserfc.jws.extract_compact(tokens[0].encode()).protected))
        assert (head["typ"], head["alg"]) == ("at+jwt", "ES256")
        assert len(set(tokens)) == TOKENS
        answers = [get(client, token) for token in tokens]
    assert [status for status in answers if status != 200] == []


def test_its_keys_change_under_load_and_no_good_token_is_refused(fabric, provider):
    answers, done = [], threading.Event()

    def call():
        with caller(fabric) as client, httpx.Client(trust_env=False) as asking:
            while not done.is_set():
                answers.append(get(client, provider.token(asking)))

    callers = [threading.Thread(target=call) for _ in range(2)]
    for each in callers:
        each.start()
    try:
        for _ in range(ROTATIONS):
            provider.step("publish")
            wait_for(lambda: known_keys(fabric) == 2, "the gateway to have the next key")
            provider.step("rotate")
            with httpx.Client(trust_env=False) as asking, caller(fabric) as client:
                assert get(client, provider.token(asking)) == 200
            provider.step("retire")
            wait_for(lambda: known_keys(fabric) == 1, "the gateway to have forgotten the older one")
    finally:
        done.set()
        for each in callers:
            each.join(60)
    assert len(answers) > 100
    assert set(answers) == {200}
