"""An identity provider of an organisation beside the workspace's own: away, reached, with new keys, and away again."""

import json
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml
from harness import wait_for
from joserfc import jwt
from joserfc.jwk import ECKey

from treadle.control.access import control_token
from treadle.control.remote import request
from treadle.control.state import State
from treadle.secrets.file import FileSecrets


class Provider:
    """Shaped like Keycloak; `key` is what it signs with, and publishes alone."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/realms/acme"
        self.turn = 0
        self.rotate()

    def rotate(self):
        self.turn += 1
        self.key = ECKey.generate_key("P-256", private=True)

    def token(self, client="acme-shop", **claims):
        now = int(time.time())
        said = {
            "iss": self.url, "aud": "https://api.acme.example", "sub": "jane", "azp": client, "typ": "Bearer",
            "scope": "customers:read", "iat": now, "exp": now + 300,
        }  # fmt: skip
        head = {"alg": "ES256", "typ": "JWT", "kid": f"key-{self.turn}"}
        return jwt.encode(head, said | claims, self.key, algorithms=["ES256"])

    def answer(self, path):
        keys = [{**self.key.as_dict(private=False), "kid": f"key-{self.turn}", "alg": "ES256"}]
        return {
            "/realms/acme/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/certs"},
            "/realms/acme/certs": {"keys": keys},
        }.get(path)

    @contextmanager
    def up(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                said = provider.answer(self.path)
                body = json.dumps(said).encode()
                self.send_response(200 if said else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)


def issuers(fabric):
    """What the control process says of the providers."""
    secret = control_token(FileSecrets(State(fabric.root).secrets)).reveal().decode()
    headers = {"authorization": f"Bearer {secret}"}
    return request("GET", fabric.run["console"] + "/control/status", headers=headers).json()["issuers"]


def test_a_provider_comes_goes_and_changes_its_keys(own_fabric):
    fabric, provider = own_fabric, Provider()
    file = fabric.root / "treadle.yaml"
    settings = yaml.safe_load(file.read_text())
    audience = settings.get("audience", f"urn:treadle:{settings['name']}")
    settings.setdefault("issuers", []).append({"name": "acme-sso", "url": provider.url, "profile": "keycloak"})
    tier = next(iter(settings["tiers"]))
    settings["consumers"].append({"id": "acme-shop", "owner": "shop", "tier": tier, "issuer": "acme-sso"})
    file.write_text(yaml.safe_dump(settings, sort_keys=False))

    def status(client="acme-shop"):
        return fabric.call("GET", "/v1/customers", token=provider.token(client, aud=audience)).status

    fabric.treadle("apply")
    assert status() == 401, "it was never reached"
    (row,) = wait_for(lambda: [each for each in issuers(fabric) if each["error"]], "status to say why")
    assert (row["issuer"], row["keys"]) == ("acme-sso", 0)
    assert "cannot be reached" in row["error"]
    assert fabric.call("GET", "/v1/customers", token=fabric.token()).status == 200, "the others are not touched"

    with provider.up():
        wait_for(lambda: status() == 200, "its first keys")
        assert status("demo-app") == 403, "a client of the workspace's own issuer"
        assert status("unregistered") == 200
        provider.rotate()
        wait_for(lambda: status() == 200, "its new key, which nobody was told of before")
        wait_for(lambda: not any(each["error"] for each in issuers(fabric)), "status to be content")

    os.kill(fabric.process("envoy")["pid"], signal.SIGKILL)
    old = fabric.process("control")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: fabric.is_ready() and fabric.process("control")["pid"] != old, "both to be back")
    assert status() == 200, "its keys are kept while it is away"
