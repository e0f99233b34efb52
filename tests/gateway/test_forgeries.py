"""Forged, stolen, twisted and broken tokens: none reaches the upstream. Beside them good ones of every form: all do."""

import base64
import hashlib
import hmac
import json
import random
import socket
import threading

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from tests.gateway.signing import Signing

from treadle.control.issuer import LIFETIME_S_MAX

pytestmark = pytest.mark.engine
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MINE = ECKey.generate_key("P-256", private=True)
FORGERIES_MIN = 80
PATH = "/v1/customers"


def b64(data):
    data = data if isinstance(data, bytes) else orjson.dumps(data)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer(Signing):
    """What the issuer itself can make, and what can be made of that without its key."""

    def raw(self, head, body, key=None):
        """Any two texts, signed as ES256 (RFC 7518 section 3.4)."""
        signed = f"{head}.{body}".encode()
        r, s = decode_dss_signature(self._private(key).sign(signed, ec.ECDSA(hashes.SHA256())))
        return f"{head}.{body}.{b64(r.to_bytes(32) + s.to_bytes(32))}"

    def der(self):
        signed = f"{b64(self.header)}.{b64(self.claims)}"
        return f"{signed}.{b64(self._private(None).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))}"

    def _private(self, key):
        return (key or self.key).get_op_key("sign")

    def sign(self, header=(), claims=(), key=None, without=()):
        kept = {name: value for name, value in (self.claims | dict(claims)).items() if name not in without}
        head = {name: value for name, value in (self.header | dict(header)).items() if name not in without}
        return self.raw(b64(head), b64(kept), key)

    def unsigned(self, header=(), signature=b"", claims=()):
        return f"{b64(self.header | dict(header))}.{b64(self.claims | dict(claims))}.{b64(signature)}"

    def keyed(self, alg, secret):
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
        signed = f"{b64(self.header | {'alg': alg})}.{b64(self.claims)}"
        return f"{signed}.{b64(hmac.digest(secret, signed.encode(), digest))}"

    def by(self, alg, key, **header):
        return jwt.encode(self.header | {"alg": alg} | header, self.claims, key, algorithms=[alg])


def without_the_key(it):  # noqa: PLR0915 - a list
    """Forgeries of somebody who has seen tokens and public keys, and signs with nothing or with keys of their own."""
    good = it.sign()
    head, body, signature = good.split(".")
    other = it.sign(claims={"sub": "joe", "jti": "2"})
    public = it.key.get_op_key("verify")
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    rsa = RSAKey.generate_key(2048, private=True)
    mine = MINE.as_dict(private=False)
    order = CURVE_ORDER.to_bytes(32)
    one = (1).to_bytes(32)
    yield from ((f"alg {alg!r}", it.unsigned({"alg": alg})) for alg in ("none", "None", "NONE", "nOnE", "", None, 0))
    yield "alg none with a signature", it.unsigned({"alg": "none"}, b"x" * 64)
    yield "alg none with ours", f"{b64(it.header | {'alg': 'none'})}.{body}.{signature}"
    yield "no alg", f"{b64({'typ': 'at+jwt', 'kid': it.public['kid']})}.{body}.{signature}"
    twice = b64(b'{"alg":"ES256","alg":"none","typ":"at+jwt"}')
    yield "two algs", f"{twice}.{body}."
    for alg in ("HS256", "HS384", "HS512"):
        yield f"{alg} with the public key as PEM", it.keyed(alg, pem)
    yield "HS256 with the public key as DER", it.keyed("HS256", der)
    yield "HS256 with the public JWK", it.keyed("HS256", orjson.dumps(it.public))
    yield "HS256 with a coordinate", it.keyed("HS256", it.public["x"].encode())
    yield "HS256 with nothing", it.keyed("HS256", b"")
    yield "HS256 with a usual secret", it.keyed("HS256", b"secret")
    yield "no signature", it.unsigned()
    yield "a signature of zeros (CVE-2022-21449)", it.unsigned(signature=b"\0" * 64)
    yield "a signature of the curve's order", it.unsigned(signature=order + order)
    yield "a signature of ones", it.unsigned(signature=one + one)
    yield "half a signature", f"{head}.{body}.{signature[:43]}"
    yield "a signature and more", f"{head}.{body}.{signature}AAAA"
    yield "a bit less of a signature", f"{head}.{body}.{signature[:-1]}"
    yield "another token's signature", f"{head}.{body}.{other.split('.')[2]}"
    yield "another token's claims", f"{head}.{other.split('.')[1]}.{signature}"
    yield "more scopes", f"{head}.{b64(it.claims | {'scope': 'customers:read customers:write'})}.{signature}"
    yield "a later end", f"{head}.{b64(it.claims | {'exp': it.now + 500})}.{signature}"
    yield "another type", f"{b64(it.header | {'typ': 'application/at+jwt'})}.{body}.{signature}"
    yield "a key of mine under the issuer's kid", it.sign(key=MINE)
    yield "a key of mine without a kid", it.sign(key=MINE, without=["kid"])
    yield "a key of mine in the header", it.sign({"jwk": mine}, key=MINE)
    yield "and under its own kid", it.sign({"jwk": mine | {"kid": "mine"}, "kid": "mine"}, key=MINE)
    yield "my address of keys", it.sign({"jku": "https://evil.example/jwks.json"}, key=MINE)
    yield "a file of keys", it.sign({"jku": "file:///dev/null"}, key=MINE)
    yield "my address of certificates", it.sign({"x5u": "https://evil.example/x.pem"}, key=MINE)
    yield "my certificate", it.sign({"x5c": [base64.b64encode(der).decode()]}, key=MINE)
    yield "my thumbprint", it.sign({"x5t#S256": b64(hashlib.sha256(der).digest())}, key=MINE)
    for kid in ("../../dev/null", "/etc/passwd", "' OR 1=1 --", "\0", "", "k" * 10_000, 0, None, [it.public["kid"]]):
        yield f"kid {str(kid)[:20]!r}", it.sign({"kid": kid}, key=MINE)
    yield "RS256 under our kid", it.by("RS256", rsa)
    yield "PS256 under our kid", it.by("PS256", rsa)
    yield "ES384 under our kid", it.by("ES384", ECKey.generate_key("P-384", private=True))
    yield "ES512 under our kid", it.by("ES512", ECKey.generate_key("P-521", private=True))
    yield "Ed25519 under our kid", it.by("Ed25519", OKPKey.generate_key("Ed25519", private=True))
    for alg in ("es256", "ES256 ", "ES256\0", "ES256K", "ES384", "RS256", "EdDSA", ["ES256"], {"ES256": 1}):
        yield f"our signature as {alg!r}", f"{b64(it.header | {'alg': alg})}.{body}.{signature}"
    secret = OctKey.generate_key(256)
    yield "an encrypted token", jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, orjson.dumps(it.claims), secret)
    yield "a token in a token", it.raw(b64(it.header | {"cty": "JWT"}), b64(good.encode()), MINE)
    yield "a token as JSON", json.dumps({"protected": head, "payload": body, "signature": signature})
    yield "an empty token", ""
    yield from ((f"{text[:12]!r}", text) for text in ("x", ".", "..", "...", "a.b", "a.b.c.d", "a.b.c.d.e", "a.b.c"))
    yield "a header alone", f"{head}.."
    yield "no header", f".{body}.{signature}"
    yield "no claims", f"{head}..{signature}"
    for name, part in {"no JSON": b"x", "a list": b"[]", "a number": b"1", "nothing": b"{}", "cut": b'{"alg"'}.items():
        yield f"a header that is {name}", f"{b64(part)}.{body}.{signature}"
        yield f"claims that are {name}", f"{head}.{b64(part)}.{signature}"
    yield "deep claims", f"{head}.{b64(b'[' * 20_000)}.{signature}"
    deep, strange = b64(b'{"a":' * 4_000), b64(b'{"alg":"ES256","kid":"\xff\xfe"}')
    yield "deep headers", f"{deep}.{body}.{signature}"
    yield "not UTF-8", f"{strange}.{body}.{signature}"
    yield "the usual alphabet", f"{head}.{body}.{signature[:-2]}+/"
    yield "a large token", f"{head}.{b64(it.claims | {'x': 'x' * 15_000})}.{signature}"


def with_the_key(it):
    """Signed by the issuer, and yet no access token for this API now."""
    now, aud = it.now, it.claims["aud"]
    for typ in ("JWT", "logout+jwt", "dpop+jwt", "secevent+jwt", "at+jwt;x", "AT", "", None, ["at+jwt"], 1):
        yield f"typ {typ!r}", it.sign({"typ": typ})
    yield "no typ", it.sign(without=["typ"])
    yield "an unknown extension that is critical", it.sign({"crit": ["exp"], "exp": now})
    yield "a payload that is not encoded", it.sign({"crit": ["b64"], "b64": False})
    yield "expired", it.sign(claims={"iat": now - 400, "exp": now - 60})
    yield "no end", it.sign(without=["exp"])
    for end in (
        str(now + 300),
        0,
        -1,
        1e308,
        None,
        [now + 300],
        True,
        now + LIFETIME_S_MAX + 3_600,
        2**63,
        1e19,
        2**64 - 1,
        -(2**63),
    ):
        yield f"exp {end!r}", it.sign(claims={"exp": end})
    yield "not yet valid", it.sign(claims={"nbf": now + 300})
    yield "nbf as text", it.sign(claims={"nbf": str(now)})
    for wrong in ("https://other.example", f"{aud}.evil.example", f"x{aud}", aud.upper(), f" {aud}", [], ["x"], 5, {}):
        yield f"aud {wrong!r}", it.sign(claims={"aud": wrong})
    yield "aud in a list in a list", it.sign(claims={"aud": [[aud]]})
    yield "no aud", it.sign(without=["aud"])
    iss = it.claims["iss"]
    for wrong in ("https://evil.example", f"{iss}/", iss.upper(), f"{iss}#", "", [iss], None):
        yield f"iss {wrong!r}", it.sign(claims={"iss": wrong})
    yield "no iss", it.sign(without=["iss"])
    for name, value in (("aud", "https://other.example"), ("exp", 1), ("iss", "x"), ("sub", "boss")):
        twice = orjson.dumps(it.claims)[:-1] + b"," + orjson.dumps({name: value})[1:]
        yield f"{name} twice", it.raw(b64(it.header), b64(twice))
        yield f"{name} twice, the other way", it.raw(b64(it.header), b64(b"{" + twice[1:]))
    yield "its signature as DER", it.der()


def in_another_way(it):
    """A good token that is not shown as RFC 6750 section 2.1 says, or is written in another way than its own."""
    good = it.sign()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = good[:-1] + last[last.index(good[-1]) + 1]
    for end in ("=", "==", "%3D", ".", " ", "\tx", ",", ", Bearer x", " x", ";", "\x0b", "\xff"):
        if end != " ":  # HTTP itself drops spaces at the end of a field
            yield f"with {end!r} behind", [f"Authorization: Bearer {good}{end}"]
    yield "with other unused bits", [f"Authorization: Bearer {twin}"]
    yield (
        "padded parts",
        ["Authorization: Bearer " + ".".join(part + "=" * (-len(part) % 4) for part in good.split("."))],
    )
    for scheme in (
        "Basic",
        "DPoP",
        "Digest",
        "Token",
        "JWT",
        "Bearer:",
        "BearerX",
        "bearer",
        "Bearer ",
        "Bearer\t",
        "",
    ):
        yield f"as {scheme!r}", [f"Authorization: {scheme} {good}"]
    yield "behind a forgery", ["Authorization: Bearer x.y.z", f"Authorization: Bearer {good}"]
    yield "before a forgery", [f"Authorization: Bearer {good}", "Authorization: Bearer x.y.z"]
    yield "twice", [f"Authorization: Bearer {good}"] * 2
    yield "behind a password", ["Authorization: Basic YTpi", f"Authorization: Bearer {good}"]
    for name in (
        "X-Authorization",
        "Proxy-Authorization",
        "X-Access-Token",
        "Access-Token",
        "X-Forwarded-Authorization",
    ):
        yield f"in {name}", [f"{name}: Bearer {good}"]
    yield "in a cookie", [f"Cookie: access_token={good}; Authorization=Bearer {good}"]
    yield "folded", [f"Authorization: Bearer {good[:40]}\r\n {good[40:]}"]


def ask(world, headers, path=PATH):
    """The status of one raw call; 0 where the connection was closed without an answer."""
    with socket.create_connection(("127.0.0.1", world.node.port), timeout=10) as connection:
        lines = [f"GET {path} HTTP/1.1", "host: localhost", "connection: close", *headers]
        connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        with connection.makefile("rb") as answer:  # the rest would come, and the end a second later
            line = answer.readline()
    return int(line.split()[1]) if line else 0


def attacks(it):
    for make in (without_the_key, with_the_key):
        yield from ((f"{make.__name__}: {name}", [f"Authorization: Bearer {token}"]) for name, token in make(it))
    yield from ((f"in_another_way: {name}", headers) for name, headers in in_another_way(it))


def test_no_forgery_is_accepted(running):
    it = Issuer(running)
    assert ask(running, [f"Authorization: Bearer {it.sign()}"]) == 200
    seen = len(running.upstream.seen)
    tried = list(attacks(it))
    assert len(list(without_the_key(it))) >= FORGERIES_MIN
    answers = {name: ask(running, headers) for name, headers in tried}
    wrong = {name: status for name, status in answers.items() if status not in {400, 401, 431}}
    assert not wrong
    assert len(running.upstream.seen) == seen


def test_a_token_in_the_address_or_the_body_is_none(running):
    good = Issuer(running).sign()
    seen = len(running.upstream.seen)
    for query in (f"access_token={good}", f"authorization=Bearer%20{good}", f"token={good}"):
        assert ask(running, [], f"{PATH}?{query}") == 401
    form = f"access_token={good}".encode()
    answer = httpx.post(
        f"{running.url}{PATH}", content=form, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 401
    assert len(running.upstream.seen) == seen


def good_ones(it, count):
    """Good tokens of every form that the issuer, or another of its kind, may give them."""
    chance = random.Random(9068)
    for turn in range(count):
        claims = {
            "jti": f"{turn}",
            "sub": chance.choice(["jane", "a/b:c", "x" * 128, "user@example.com", "00u1-~!$&'()*+,;="]),
            "aud": chance.choice([it.claims["aud"], [it.claims["aud"]], ["https://other.example", it.claims["aud"]]]),
            "scope": chance.choice(
                ["customers:read", "a customers:read b", "customers:read openid", "  customers:read"]
            ),
            "exp": it.now + chance.randint(60, LIFETIME_S_MAX - 5),
            "nbf": it.now - chance.randint(0, 1_000),
            "iat": it.now - chance.randint(0, 1_000),
            "name": chance.choice(["Jane", "Jürgen Größe", "山田太郎", "🦉", '"\\\r\n', "x" * 2_000]),
            "groups": chance.choice([[], ["a", "b"], {"a": {"b": [1, None, True]}}]),
        }
        head = {"typ": chance.choice(["at+jwt", "application/at+jwt"]), "extra": turn}
        yield it.sign(head, claims, without=chance.choice([(), ("nbf",), ("iat",), ("jti",), ("name", "groups")]))


def test_a_thousand_good_tokens_are_accepted(running):
    tokens = list(good_ones(Issuer(running), 1_000))
    assert len(set(tokens)) == 1_000
    with httpx.Client(base_url=running.url, trust_env=False, timeout=10) as client:
        answers = [client.get(PATH, headers={"authorization": f"Bearer {token}"}).status_code for token in tokens]
    assert [status for status in answers if status != 200] == []


def test_keys_change_under_load_and_no_good_token_is_refused(fresh):
    """Each token is signed with the key that is current; the gateway is told between two rotations."""
    answers, done = [], threading.Event()

    def call():
        with httpx.Client(base_url=fresh.url, trust_env=False, timeout=10) as client:
            while not done.is_set():
                answers.append(client.get(PATH, headers=fresh.bearer()).status_code)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for each in callers:
        each.start()
    for _ in range(8):
        fresh.issuer.rotate()
        fresh.push(fresh.gateway(issuers=(fresh.issuer.trust(),)))
    done.set()
    for each in callers:
        each.join(30)
    assert len(answers) > 50
    assert set(answers) == {200}
