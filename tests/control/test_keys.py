"""Keys of identity providers, asked of a real server on loopback that behaves well or badly."""

import asyncio
import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from treadle.base.errors import EngineError, InputError, TreadleError
from treadle.contract.model import Place, TrustedIssuer
from treadle.control import discovery
from treadle.control.discovery import key_set, keys_of, may_ask, well_known
from treadle.control.keys import UNKNOWN_ISSUER, UNKNOWN_KEY, KeyFolder, KeyKeeper
from treadle.facts.fact import Fact, FactKind, Outcome
from treadle.secrets.authority import make_authority, spiffe_id

HERE = Place("treadle.yaml")
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


def public(key, **more):
    return {**key.as_dict(private=False), **more}


def ec(kid="a", curve="P-256"):
    return public(ECKey.generate_key(curve, private=True), kid=kid)


class Server(ThreadingHTTPServer):
    """Says at each path what it was told to: an object, bytes, or (status, headers, bytes)."""

    def __init__(self):
        self.says, self.asked = {}, []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self):
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        said = self.server.says.get(self.path, (404, {}, b""))
        status, headers, body = said if isinstance(said, tuple) else (200, {}, said)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(credential=None, folder=None):
    server = Server()
    if credential:
        file = folder / "server.pem"
        file.write_bytes(credential.certificate + credential.key.reveal())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def server():
    with serving() as it:
        yield it


def issuer(server, path="", **other):
    return TrustedIssuer("idp", f"{server.url}{path}", HERE, **other)


def ask(issuer, ca=None):
    return orjson.loads(asyncio.run(keys_of(issuer, ca)))["keys"]


@pytest.mark.parametrize("path", ["", "/realms/acme", "/"])
def test_keys_are_found_where_openid_connect_says(server, path):
    idp = issuer(server, path)
    at = f"{path.rstrip('/')}/.well-known/openid-configuration"
    server.says = {at: {"issuer": idp.url, "jwks_uri": f"{server.url}/keys"}, "/keys": {"keys": [ec("k1")]}}
    assert [each["kid"] for each in ask(idp)] == ["k1"]
    assert server.asked == [at, "/keys"]


def test_and_where_rfc_8414_says(server):
    idp = issuer(server, "/realms/acme")
    at = "/.well-known/oauth-authorization-server/realms/acme"
    assert well_known(idp.url)[1] == f"{server.url}{at}"
    server.says = {at: {"issuer": idp.url, "jwks_uri": f"{server.url}/keys"}, "/keys": {"keys": [ec("k1")]}}
    assert [each["kid"] for each in ask(idp)] == ["k1"]


def test_where_the_settings_say_the_place_nothing_else_is_asked(server):
    server.says = {"/k": {"keys": [ec()]}, "/d": {"issuer": server.url, "jwks_uri": f"{server.url}/k"}}
    assert ask(issuer(server, jwks_url=f"{server.url}/k"))
    assert server.asked == ["/k"]
    assert ask(issuer(server, discovery_url=f"{server.url}/d"))
    assert server.asked == ["/k", "/d", "/k"]


def bad_answers(server):
    known = f"{server.url}/keys"
    good = {"issuer": server.url, "jwks_uri": known}
    at = "/.well-known/openid-configuration"
    return {
        "another issuer": {at: good | {"issuer": "https://evil.example"}},
        "the issuer with a slash": {at: good | {"issuer": f"{server.url}/"}},
        "no issuer": {at: {"jwks_uri": known}},
        "no address of keys": {at: {"issuer": server.url}},
        "keys over plain http": {at: good | {"jwks_uri": "http://idp.example/keys"}},
        "keys in a file": {at: good | {"jwks_uri": "file:///etc/passwd"}},
        "keys elsewhere": {at: good, "/keys": (302, {"location": f"{server.url}/other"}, b"")},
        "itself elsewhere": {at: (301, {"location": f"{server.url}/d"}, b"")},
        "not JSON": {at: b"<html>"},
        "a list": {at: b"[]"},
        "too deep": {at: b"[" * 100_000},
        "too much": {at: b"{" + b" " * discovery.BYTES_MAX + b"}"},
        "compressed": {at: (200, {"content-encoding": "gzip"}, b"\x1f\x8b\x08\x00")},
        "nothing": {},
        "trouble": {at: (500, {}, b"")},
        "no set": {at: good, "/keys": {"key": []}},
        "no keys": {at: good, "/keys": {"keys": []}},
        "too many keys": {at: good, "/keys": {"keys": [{}] * 101}},
        "only a key for encryption": {at: good, "/keys": {"keys": [ec() | {"use": "enc"}]}},
    }


def test_what_cannot_be_trusted_is_refused_with_a_reason(server):
    for name, says in bad_answers(server).items():
        server.says = says | {
            "/other": {"keys": [ec()]},
            "/d": {"issuer": server.url, "jwks_uri": f"{server.url}/other"},
        }
        server.asked.clear()
        with pytest.raises((EngineError, InputError)) as caught:
            ask(issuer(server))
        assert caught.value.code in {"issuer-unreachable", "issuer-not-usable"}, name
        assert caught.value.hint
        assert not {"/other", "/d"} & set(server.asked), name


def test_a_provider_that_never_ends_is_left(server, monkeypatch):
    monkeypatch.setattr(discovery, "TIME_S", 0.2)
    server.says = {"/keys": (200, {"content-length": "100"}, b"{")}
    with pytest.raises(EngineError) as caught:
        ask(issuer(server, jwks_url=f"{server.url}/keys"))
    assert caught.value.code == "issuer-unreachable"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://idp.example/keys", True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://localhost/keys", True),
        ("http://[::1]:80/keys", True),
        ("http://idp.example/keys", False),
        ("http://127.0.0.1.evil.example/keys", False),
        ("http://2130706433/keys", False),
        ("http://localhost.evil.example/", False),
        ("https://user:password@idp.example/", False),
        ("https://", False),
        ("https://idp.example:port/", False),
        ("file:///keys", False),
        ("ftp://127.0.0.1/", False),
        ("//idp.example", False),
    ],
)
def test_which_addresses_are_asked(url, allowed):
    assert may_ask(url) is allowed


def test_only_keys_that_verify_and_are_safe_count():
    rsa = RSAKey.generate_key(2048, private=True)
    good = [*(ec(curve, curve) for curve in CURVES), public(rsa, kid="rsa", alg="PS256"), public(rsa)]
    good.append(public(OKPKey.generate_key("Ed25519", private=True), kid="ed"))
    bad = [
        OctKey.generate_key(256, private=True).as_dict(private=True) | {"kid": "oct", "alg": "HS256"},
        ec("enc") | {"use": "enc"},
        ec("ops") | {"key_ops": ["sign"]},
        ec("alg") | {"alg": "HS256"},
        ec("crv") | {"crv": "secp256k1"},
        ec("off") | {"x": "A" * 43},
        ec("short") | {"x": "AQAB"},
        public(rsa, kid="small") | {"n": "4" * 171},
        public(rsa, kid="one") | {"e": "AAE"},
        public(rsa, kid="even") | {"e": "BA"},
        public(rsa, kid="none", alg="none"),
        public(rsa, kid="line\n"),
        public(OKPKey.generate_key("X25519", private=True), kid="x"),
        {"kty": "RSA", "kid": "empty"},
        {"kty": ["EC"]},
        "EC",
    ]
    kept = orjson.loads(key_set(orjson.dumps({"keys": [*good, *bad]})))["keys"]
    assert len(kept) == len(good)
    assert {each.get("kid") for each in kept} == {*CURVES, "rsa", "ed", None}
    assert not {"d", "p", "k", "x5c"} & {name for each in kept for name in each}
    for each in bad:
        with pytest.raises(InputError):
            key_set(orjson.dumps({"keys": [each]}))


def test_a_private_key_that_a_provider_shows_goes_no_further():
    private = ECKey.generate_key("P-256", private=True).as_dict(private=True)
    assert "d" not in orjson.loads(key_set(orjson.dumps({"keys": [private]})))["keys"][0]


def test_the_same_keys_are_the_same_text():
    one, two = ec("1"), ec("2")
    assert key_set(orjson.dumps({"keys": [one, two]})) == key_set(
        orjson.dumps({"keys": [dict(reversed(two.items())), one | {"x5c": ["AA"]}], "more": 1})
    )


def test_a_provider_must_show_a_certificate_of_the_authority_that_is_named(tmp_path):
    authority, other = (make_authority("acme.treadle", time.time()) for _ in range(2))
    mine = authority.issue(spiffe_id("acme.treadle", "gateway", "idp"), time.time(), hosts=("127.0.0.1",))
    with serving(mine, tmp_path) as server:
        server.says = {"/keys": {"keys": [ec("k")]}}
        idp = issuer(server, jwks_url=f"{server.url}/keys")
        assert ask(idp, authority.certificate)
        for ca in (other.certificate, None):
            with pytest.raises(EngineError) as caught:
                ask(idp, ca)
            assert caught.value.code == "issuer-unreachable"
        with pytest.raises(InputError):
            ask(idp, b"no certificate")


def test_a_provider_out_there_does_not_have_this_machine_ask_itself(server, tmp_path):
    authority = make_authority("acme.treadle", time.time())
    mine = authority.issue(spiffe_id("acme.treadle", "gateway", "idp"), time.time(), hosts=("127.0.0.1",))
    server.says = {"/keys": {"keys": [ec("k")]}}
    with serving(mine, tmp_path) as provider:
        idp = issuer(provider)
        at = "/.well-known/openid-configuration"
        provider.says = {at: {"issuer": idp.url, "jwks_uri": f"{provider.url}/keys"}, "/keys": {"keys": [ec("k")]}}
        assert ask(idp, authority.certificate)
        provider.says = {at: {"issuer": idp.url, "jwks_uri": f"{server.url}/keys"}}
        with pytest.raises(InputError, match="not https"):
            ask(idp, authority.certificate)
    assert server.asked == []


class Told:
    """What a gateway would have been told, and a keeper that tells it."""

    def __init__(self, folder, root, *issuers):
        self.issuers, self.pushes, self.broken = list(issuers), 0, False
        self.keeper = KeyKeeper(KeyFolder(folder), root, lambda: self.issuers, self.changed, pause_s=0.01)

    async def changed(self):
        if self.broken:
            raise EngineError("engine-unreachable", "Envoy is away", "")
        self.pushes += 1

    def refresh(self):
        asyncio.run(self.keeper.refresh())


@pytest.fixture
def told(server, tmp_path):
    server.says = {"/keys": {"keys": [ec("k1")]}}
    return Told(tmp_path / "keys", tmp_path, issuer(server, jwks_url=f"{server.url}/keys"))


def test_the_gateway_is_told_where_keys_changed_and_only_then(server, told):
    told.refresh()
    told.refresh()
    assert told.pushes == 1
    server.says["/keys"]["keys"].append(ec("k2"))
    told.refresh()
    assert told.pushes == 2
    assert [(each.keys, each.error) for each in told.keeper.status()] == [(2, "")]


def test_a_provider_that_is_away_costs_nothing(server, told):
    told.refresh()
    kept = told.keeper.folder.get(told.issuers[0])
    for trouble in ((500, {}, b""), {"keys": []}, b"", {"keys": [{"kty": "oct", "k": "AAAA"}]}):
        server.says["/keys"] = trouble
        told.refresh()
        assert told.keeper.folder.get(told.issuers[0]) == kept
        assert told.keeper.status()[0].error
    assert told.pushes == 1
    server.says["/keys"] = {"keys": [ec("k2")]}
    told.refresh()
    assert (told.pushes, told.keeper.status()[0].error) == (2, "")


def test_one_that_was_never_reached_has_no_keys_and_says_why(server, told):
    away = replace(told.issuers[0], name="away", jwks_url=f"{server.url}/nothing")
    told.issuers.append(away)
    told.refresh()
    found = {each.issuer: each for each in told.keeper.status()}
    assert (found["away"].keys, found["away"].since) == (0, 0.0)
    assert "404" in found["away"].error
    assert found["idp"].keys == 1
    assert told.pushes == 1


def test_a_gateway_that_was_away_is_told_later(told):
    told.broken = True
    told.refresh()
    assert [(each.keys, each.live) for each in told.keeper.status()] == [(1, False)]
    told.broken = False
    told.refresh()
    assert told.pushes == 1
    assert told.keeper.status()[0].live


def test_another_provider_under_the_same_name_begins_without_keys(server, told):
    told.refresh()
    assert told.keeper.folder.get(told.issuers[0])
    for moved in (
        {"url": "https://other.example"},
        {"jwks_url": f"{server.url}/other"},
        {"discovery_url": "https://x"},
    ):
        assert told.keeper.folder.get(replace(told.issuers[0], **moved)) == ""


def test_a_damaged_file_is_no_keys_and_is_mended_by_the_next_answer(told):
    told.refresh()
    (file,) = told.keeper.folder.folder.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(file.read_bytes()[:-9])
    assert told.keeper.folder.get(told.issuers[0]) == ""
    told.refresh()
    assert told.keeper.folder.get(told.issuers[0])


def test_the_authorities_are_a_file_of_the_workspace(told, tmp_path, server):
    (tmp_path / "outside.pem").write_text("x")
    told.keeper.root = tmp_path / "workspace"
    told.keeper.root.mkdir()
    for ca in ("../outside.pem", "/etc/passwd", "none.pem", "."):
        told.issuers[0] = replace(told.issuers[0], ca=ca)
        told.refresh()
        assert "no file of the workspace" in told.keeper.status()[0].error
    assert server.asked == []


def test_a_token_with_an_unknown_key_has_its_provider_asked_at_once_but_not_without_end(server, told):
    told.keeper.every_s = 3_600.0
    refused = Fact(FactKind.CALL, 1, Outcome.REFUSED, detail=f"GET: jwt_authn_access_denied{{{UNKNOWN_KEY}}}")
    usual = replace(refused, detail="GET: jwt_authn_access_denied{Jwt_is_expired}")

    async def main():
        running = asyncio.create_task(told.keeper.run())
        await pushed(told, 1)
        told.keeper.hear([usual])
        await asyncio.sleep(0.1)
        assert len(server.asked) == 1
        server.says["/keys"] = {"keys": [ec("k2")]}
        told.keeper.hear([usual, refused])
        await pushed(told, 2)
        told.keeper.pause_s = 0.3
        told.keeper.hear([refused])
        asked = len(server.asked)
        for _ in range(20):
            told.keeper.hear([refused])
            await asyncio.sleep(0.005)
        assert len(server.asked) <= asked + 2
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_token_of_a_provider_without_keys_has_it_asked_too(server, told):
    refused = Fact(FactKind.CALL, 1, Outcome.REFUSED, detail=f"GET: jwt_authn_access_denied{{{UNKNOWN_ISSUER}}}")
    told.keeper.hear([refused])
    assert told.keeper._wanted.is_set()
    told.refresh()
    told.keeper._wanted.clear()
    told.keeper.hear([refused])
    assert not told.keeper._wanted.is_set(), "all have keys: the token is of a stranger"


async def pushed(told, times):
    for _ in range(2_000):
        if told.pushes == times:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{told.pushes} pushes")


def test_every_reason_is_an_error_of_ours(told):
    async def broken(*_):
        raise TreadleError("x", "y")

    told.keeper.ask = broken
    told.refresh()
    assert told.keeper.status()[0].error == "x: y"
